"""``sync`` mode: results are absorbed round by round, in slot order, each version waiting for every Player."""

from __future__ import annotations

from collections.abc import Iterable

from touchline.protocol.effects import Delivered


class Rounds:
    """Gathers one round: ``width`` results of every Player that plays."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._playing: set[int] = set()
        self._waiting: list[Delivered] = []

    def joined(self, slot: int) -> None:
        self._playing.add(slot)

    def left(self, slot: int) -> None:
        """The Player is gone; the round no longer waits for it. What it sent still counts."""
        self._playing.discard(slot)

    def add(self, delivered: Delivered) -> None:
        self._waiting.append(delivered)

    def take(self) -> Iterable[Delivered]:
        """The whole round in slot order once it is complete, else nothing."""
        counts = dict.fromkeys(self._playing, 0)
        for delivered in self._waiting:
            counts[delivered.slot] = counts.get(delivered.slot, 0) + 1
        complete = bool(self._waiting) and all(counts[slot] >= self._width for slot in self._playing)
        if not complete:
            return ()
        whole, self._waiting = self._waiting, []
        return sorted(whole, key=lambda delivered: (delivered.slot, delivered.seq))

    def drain(self) -> Iterable[Delivered]:
        """What waits in an unfinished round; the run has ended."""
        waiting, self._waiting = self._waiting, []
        return waiting
