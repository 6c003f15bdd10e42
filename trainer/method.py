"""A Method is the Trainer's side of a way of training: what it orders, and what it does with what comes back.

The loop, the messages and the ledger know a Method by this alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

ResultKey = tuple[int, int]
"""A result by (slot, seq)."""
Fate = Literal["trained", "evaluated", "dropped_stale", "dropped_invalid", "unused"]


@dataclass(frozen=True, slots=True)
class Order:
    """What a Player is asked for: a verb with its arguments; standing (until the next) or once."""

    verb: str
    arguments: Mapping[str, Any]
    standing: bool = True


@dataclass(frozen=True, slots=True)
class Delivery:
    """A result as it reached the Trainer. ``lag_play``: versions published while it was being played.

    ``player``: the name of whose it is. ``evaluations``: how many of that Player's results before it were evaluations.
    """

    slot: int
    seq: int
    version: int
    arrays: Mapping[str, NDArray[Any]]
    lag_play: int
    player: str = ""
    evaluations: int = 0

    @property
    def key(self) -> ResultKey:
        return self.slot, self.seq


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What came of a result: its lag, the results whose fate is now known, and whether the weights changed.

    ``detail`` says what was wrong with those that were dropped as invalid, ``aside`` which they are: the one that was
    no trajectory, or, with ``failed``, the whole batch, whose update is not made.
    """

    lag: int
    settled: Sequence[tuple[ResultKey, Fate]]
    changed: bool
    detail: str = ""
    aside: Sequence[Delivery] = ()
    failed: bool = False


class Method(Protocol):
    """What the loop asks. ``may_publish`` answers whether the next version may be published now."""

    def order(self, player: int) -> Order | None: ...

    def absorb(self, delivery: Delivery, *, may_publish: Callable[[], bool]) -> Absorbed: ...

    def finished(self) -> Sequence[tuple[ResultKey, Fate]]: ...

    def report(self) -> Mapping[str, Any]: ...
