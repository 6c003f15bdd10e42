"""When failures of Players end a run, and what is kept of one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from touchline.record import Summary

FORGOTTEN_AFTER_SECONDS = 600.0
_NUMBERS = re.compile(r"0x[0-9a-fA-F]+|-?\d+(\.\d+)?")


INVALID_IN_A_ROW = 10


@dataclass(slots=True)
class InvalidResults:
    """Results that are no trajectory, or batches that give no update, in a row: past ten, nothing will ever be learnt
    from what comes. ``what`` is the plural that people read."""

    what: str = "results"
    count: int = 0
    detail: str = ""

    def took(self, detail: str) -> None:
        """A result was taken; ``detail`` says what is wrong with it, if anything."""
        self.count, self.detail = (self.count + 1, detail) if detail else (0, "")

    def check(self) -> None:
        """Raises RunFailed when there were ten in a row."""
        if self.count >= INVALID_IN_A_ROW:
            raise RunFailed(f"{self.count} {self.what} in a row were unusable: {self.detail}", exit_code=3)


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


def account_of(detail: str) -> dict[str, Any]:
    """A Player's own account of its failure; plain text from one that words it otherwise."""
    try:
        decoded = msgspec.json.decode(detail)
    except msgspec.DecodeError:
        decoded = None
    return decoded if isinstance(decoded, dict) and "message" in decoded else {"message": detail}


def text_of(failure: Mapping[str, Any]) -> str:
    """The account as people read it: what happened, where, after which actions, and the traceback."""
    where = ", ".join(
        f"{key} {failure[key]}" for key in ("lane", "seed", "step") if failure.get(key) is not None
    )
    actions = failure.get("last_actions") or []
    lines = [str(failure["message"])]
    lines += [where] if where else []
    lines += [f"last actions: {actions}"] if actions else []
    lines += [str(failure.get("traceback") or "")]
    return "\n".join(lines).rstrip() + "\n"
