"""Everything that can be wrong with an environment, as a tree.

::

    EnvError
    ├── UnknownEnvironment   no such id, module, file or class; names the nearest
    ├── UnknownWrapper       no such wrapper; names the nearest
    ├── MissingExtra         a package is not installed; names the extra that brings it
    ├── UnsupportedSpace     a space no network is built for; names those that are
    ├── NotMade              the factory raised, or did not give an environment
    ├── TableError           a table that cannot be read, or not as asked; names row and column
    └── EnvironmentFault     it broke the contract while it was played

Each is named after what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MAX_LAST_ACTIONS = 20


class EnvError(Exception):
    """The root of the tree. ``str(error)`` is one message that a user can act on."""


class UnknownEnvironment(EnvError):
    """No environment has this name."""


class UnknownWrapper(EnvError):
    """No wrapper has this name."""


class MissingExtra(EnvError):
    """The environment needs a package that is not installed."""


class UnsupportedSpace(EnvError):
    """An observation or action space that no network is built for: ``expected`` names those that are."""

    def __init__(self, *, where: str, expected: str, found: str, hint: str = "") -> None:
        self.where, self.expected, self.found, self.hint = where, expected, found, hint
        super().__init__(f"{where}: expected {expected}, found {found}{hint and '. '}{hint}")


class NotMade(EnvError):
    """The factory raised, refused its arguments, or returned something that is not an environment."""


class TableError(EnvError):
    """A table that cannot be read, or not as the config asks."""


class EnvironmentFault(EnvError):
    """An environment broke its contract: what was expected, what was found, and where.

    ``where`` is the place in the contract (``step()``, ``reset()``, ``reward``, ``observation``). ``lane``,
    ``seed`` (of the episode), ``step`` (0 for the first of the episode) and ``last_actions`` (the newest
    last, 20 at most) say how to see it again, and are None or empty where they are not known.
    """

    def __init__(
        self,
        *,
        where: str,
        expected: str,
        found: str,
        lane: int | None = None,
        seed: int | None = None,
        step: int | None = None,
        last_actions: Sequence[Any] = (),
    ) -> None:
        self.where, self.expected, self.found = where, expected, found
        self.lane, self.seed, self.step = lane, seed, step
        self.last_actions = tuple(last_actions)[-MAX_LAST_ACTIONS:]
        super().__init__(f"{where}: expected {expected}, found {found}{self._place()}")

    def _place(self) -> str:
        known = {"lane": self.lane, "episode seed": self.seed, "step": self.step}
        parts = [f"{name} {value}" for name, value in known.items() if value is not None]
        return f" ({', '.join(parts)})" if parts else ""

    def to_plain(self) -> dict[str, Any]:
        """A map of strings and numbers for a crash file or the wire."""
        return {
            "where": self.where,
            "expected": self.expected,
            "found": self.found,
            "lane": self.lane,
            "seed": self.seed,
            "step": self.step,
            "last_actions": list(self.last_actions),
        }
