"""``sync`` mode: results are absorbed round by round, in slot order, each version waiting for every Player."""

from __future__ import annotations

from collections.abc import Sequence

from touchline.protocol.effects import Delivered, Invalid


class Rounds:
    """Gathers one round: all that was granted to every Player that plays.

    A Player has done its part when a result of it has come and nothing granted to it is outstanding: counting to a
    fixed number would wait for ever for one that was lost in mid-wave, or for a result that could not be read.
    """

    def __init__(self) -> None:
        self._playing: set[int] = set()
        self._done: set[int] = set()
        self._waiting: list[Delivered] = []

    def joined(self, slot: int) -> None:
        self._playing.add(slot)

    def left(self, slot: int) -> None:
        """The Player is gone; the round no longer waits for it. What it sent still counts."""
        self._playing.discard(slot)

    def add(self, result: Delivered | Invalid) -> None:
        """A result arrived; one that could not be read ends its Player's part all the same."""
        if isinstance(result, Delivered):
            self._waiting.append(result)
        if result.outstanding == 0:
            self._done.add(result.slot)

    def take(self) -> Sequence[Delivered]:
        """The whole round in slot order once it is complete, else nothing."""
        if not self._waiting or not self._playing <= self._done:
            return ()
        whole, self._waiting = self._waiting, []
        self._done.clear()
        return sorted(whole, key=lambda delivered: (delivered.slot, delivered.seq))
