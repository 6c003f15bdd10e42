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
    """What a Player is asked for: a verb with its arguments; standing (until the next) or once.

    ``number``: of an order once, its own. ``trains``: whether its results enter updates.
    """

    verb: str
    arguments: Mapping[str, Any]
    standing: bool = True
    number: int = 1
    trains: bool = True


@dataclass(frozen=True, slots=True)
class Delivery:
    """A result as it reached the Trainer. ``lag_play``: versions published while it was being played.

    ``player``: the name of whose it is. ``evaluations``: how many of that Player's results before it were evaluations.
    ``order``: the number of the order that it is for; ``base``: the arrays of the snapshot that it was carried out
    with, where the order was given once.
    """

    slot: int
    seq: int
    version: int
    arrays: Mapping[str, NDArray[Any]]
    lag_play: int
    player: str = ""
    evaluations: int = 0
    order: int = 1
    base: Mapping[str, NDArray[Any]] | None = None

    @property
    def key(self) -> ResultKey:
        return self.slot, self.seq


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What came of a result: its lag, the results whose fate is now known, and whether the weights changed.

    ``credits``: (slot, steps, episodes) that now count as those of its Player. ``detail`` says what was wrong with
    those that were dropped as invalid, ``aside`` which they are: the one that was no result, or, with ``failed``, the
    whole batch, whose update is not made.
    """

    lag: int
    settled: Sequence[tuple[ResultKey, Fate]]
    changed: bool
    detail: str = ""
    aside: Sequence[Delivery] = ()
    failed: bool = False
    credits: Sequence[tuple[int, int, int]] = ()


class Live(Protocol):
    """The live version, as it is published."""

    @property
    def version(self) -> int: ...

    def to_arrays(self) -> Mapping[str, NDArray[Any]]: ...


class Method(Protocol):
    """What the loop asks.

    ``standing`` is the order for all Players, None where there is none; ``order`` one for this Player alone, to be
    carried out once, None: it has to wait. ``lost`` says that nothing more is to be expected of a Player, ``unusable``
    that what it sent for an order was no result. ``may_publish`` answers whether the next version may be published now.
    """

    @property
    def live(self) -> Live: ...

    def standing(self) -> Order | None: ...

    def order(self, player: int, now: float) -> Order | None: ...

    def lost(self, player: int) -> None: ...

    def unusable(self, order: int, player: int) -> None: ...

    def absorb(self, delivery: Delivery, *, may_publish: Callable[[], bool]) -> Absorbed: ...

    def finished(self) -> Sequence[tuple[ResultKey, Fate]]: ...

    def report(self) -> Mapping[str, Any]: ...


def settled(deliveries: Sequence[Delivery], fate: Fate) -> list[tuple[ResultKey, Fate]]:
    """The same fate for each of them."""
    return [(delivery.key, fate) for delivery in deliveries]
