"""When failures of Players end a run."""

from __future__ import annotations

import re
from dataclasses import dataclass

from touchline.record import Summary

FORGOTTEN_AFTER_SECONDS = 600.0
_NUMBERS = re.compile(r"0x[0-9a-fA-F]+|-?\d+(\.\d+)?")


INVALID_IN_A_ROW = 10


@dataclass(slots=True)
class InvalidResults:
    """Results that are no trajectory, in a row: past ten, nothing will ever be learnt from what comes."""

    count: int = 0
    detail: str = ""

    def took(self, detail: str) -> None:
        """A result was taken; ``detail`` says what is wrong with it, if anything."""
        self.count, self.detail = (self.count + 1, detail) if detail else (0, "")

    def check(self) -> None:
        """Raises RunFailed when there were ten in a row."""
        if self.count >= INVALID_IN_A_ROW:
            raise RunFailed(f"{self.count} results in a row were unusable: {self.detail}", exit_code=3)


@dataclass(slots=True)
class Streak:
    """Failures alike in a row: same text but for its numbers, no more than ten minutes apart."""

    limit: int
    count: int = 0
    _signature: str = ""
    _at: float = 0.0

    def add(self, message: str, now: float) -> bool:
        """One more failure; whether it is one too many."""
        signature = _NUMBERS.sub("#", message)
        alike = signature == self._signature and now - self._at <= FORGOTTEN_AFTER_SECONDS
        self.count = self.count + 1 if alike else 1
        self._signature, self._at = signature, now
        return self.count >= self.limit


class RunFailed(Exception):
    """A failure of Players that ends the run: 2 where the user can mend it before a step was played, else 3."""

    def __init__(self, headline: str, *, exit_code: int, detail: str = "") -> None:
        super().__init__(headline)
        self.headline, self.exit_code, self.detail = headline, exit_code, detail
        self.summary: Summary | None = None
