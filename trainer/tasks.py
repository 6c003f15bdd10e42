"""Numbered tasks and who has them: dealt out, dealt again when a Player is lost or late, taken once.

Neither clock nor sockets: ``now`` is in seconds, from any beginning.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

Number = int
Player = int


class Tasks:
    """Which tasks wait and which are with whom. A number that is neither has come, or was never opened."""

    def __init__(self, *, lease_seconds: float) -> None:
        self._lease_seconds = lease_seconds
        self._waiting: list[Number] = []
        self._given: dict[Number, dict[Player, float]] = {}

    def due(self, player: Player, now: float) -> bool:
        """Whether ``give`` has a task for this Player: one that waits, or is late with others."""
        return bool(self._waiting) or self._late(player, now) is not None

    @property
    def under_way(self) -> int:
        """Tasks opened whose result has not come."""
        return len(self._waiting) + len(self._given)

    def open(self, numbers: Iterable[Number]) -> None:
        """These are to be done."""
        for number in numbers:
            assert number not in self, "opened once"
            heapq.heappush(self._waiting, number)

    def give(self, player: Player, now: float) -> Number | None:
        """The smallest number that waits; else one whose lease has run out with others; None where there is neither."""
        if self._waiting:
            number = heapq.heappop(self._waiting)
        else:
            late = self._late(player, now)
            if late is None:
                return None
            number = late
        self._given.setdefault(number, {})[player] = now
        return number

    def came(self, number: Number) -> bool:
        """A result of this task came: whether it is the first, and was asked for."""
        if self._given.pop(number, None) is not None:
            return True
        if number in self._waiting:  # of a Player that was given up
            self._waiting.remove(number)
            heapq.heapify(self._waiting)
            return True
        return False

    def again(self, number: Number, player: Player) -> None:
        """What this Player sent for the task was of no use."""
        holders = self._given.get(number, {})
        holders.pop(player, None)
        self._free(number)

    def lost(self, player: Player) -> None:
        """Nothing is to be expected of this Player."""
        for number in [number for number, holders in self._given.items() if player in holders]:
            del self._given[number][player]
            self._free(number)

    def forget(self, numbers: Iterable[Number]) -> None:
        """These are wanted no longer."""
        unwanted = set(numbers)
        self._waiting = [number for number in self._waiting if number not in unwanted]
        heapq.heapify(self._waiting)
        for number in unwanted:
            self._given.pop(number, None)

    def __contains__(self, number: Number) -> bool:
        return number in self._given or number in self._waiting

    def _late(self, player: Player, now: float) -> Number | None:
        late = [
            number
            for number, holders in self._given.items()
            if player not in holders and now - max(holders.values()) >= self._lease_seconds
        ]
        return min(late, default=None)

    def _free(self, number: Number) -> None:
        if number in self._given and not self._given[number]:
            del self._given[number]
            heapq.heappush(self._waiting, number)
