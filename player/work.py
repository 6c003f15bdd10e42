"""What a Player does in this run: carries out orders, each with exactly the snapshot that it was granted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Held:
    """The snapshot held: read-only arrays by name."""

    epoch: int
    version: int
    arrays: Arrays


class UnknownOrder(ValueError):
    """An order that this Player cannot carry out: its verb or arguments, and what it can."""


class Work(Protocol):
    """One Player's work, built once a session from the run's config."""

    @property
    def spaces(self) -> Mapping[str, Any]:
        """What READY announces and the Trainer builds from; all Players' must be equal. Plain data."""
        ...

    @property
    def facts(self) -> Mapping[str, Any]:
        """What else is worth knowing of the environment or the table. Plain data."""
        ...

    @property
    def outside(self) -> int:
        """Numbers of observations that lay outside their space."""
        ...

    def carry_out(
        self, verb: str, arguments: Mapping[str, Any], held: Held, *, seq: int, count: int, standing: bool
    ) -> Iterator[Arrays]:
        """The results of one grant, ``count`` at most, each owned by who receives it; fewer when told to stop.

        ``seq``: the number of the first among this Player's results. Raises UnknownOrder, EnvError, TargetError.
        """
        ...

    def close(self) -> None:
        """Release what was opened. Closing twice does nothing."""
        ...
