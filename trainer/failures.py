"""When failures of Players end a run, and what is kept of one."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from touchline.policy.frames import own_traceback
from touchline.record import RunDirectory, Summary

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

    @property
    def too_many(self) -> bool:
        return self.count >= INVALID_IN_A_ROW

    def check(self, advice: str = "") -> None:
        """Raises RunFailed when there were ten in a row; ``advice`` says what to do then."""
        if self.too_many:
            headline = f"{self.count} {self.what} in a row were unusable: {self.detail}"
            raise RunFailed(headline, exit_code=3, detail=advice)


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
    return "\n".join([*_told(failure), str(failure.get("traceback") or "")]).rstrip() + "\n"


def shown(failure: Mapping[str, Any], *, kept: Path, advice: str) -> str:
    """The account for a terminal: only the frames that are not ours, where all of it is kept, and what to do."""
    own = str(failure.get("own", failure.get("traceback")) or "").rstrip()
    return "\n".join(
        [*_told(failure), *([own] if own else []), f"kept in {kept}", *([advice] if advice else [])]
    )


def _told(failure: Mapping[str, Any]) -> list[str]:
    where = ", ".join(
        f"{key} {failure[key]}" for key in ("lane", "seed", "step") if failure.get(key) is not None
    )
    actions = failure.get("last_actions") or []
    told = [str(failure["message"]), where, f"last actions: {actions}" if actions else ""]
    return [line for line in told if line]


def failed_in_training(error: Exception, run: RunDirectory, *, advice: str) -> RunFailed:
    """What is the user's to mend, and came only after training had begun: a network that raises, say. Its traceback is
    kept, and the run ends like one whose Players fail."""
    text = "".join(traceback.format_exception(error))
    failure = {"message": str(error), "own": own_traceback(error)}
    kept = run.crash("trainer", failure, text)
    return RunFailed(str(error), exit_code=3, detail=shown(failure, kept=kept, advice=advice))
