"""How many results of a Player were evaluations: they take a number, and leave its lanes as they stood."""

from __future__ import annotations

from collections import defaultdict


class Numbering:
    """Per slot. Told of evaluations and asked for results in any order of the two, of each kind in its own order."""

    def __init__(self) -> None:
        self._passed: defaultdict[int, int] = defaultdict(int)
        self._ahead: defaultdict[int, list[int]] = defaultdict(list)

    def evaluated(self, slot: int, seq: int) -> None:
        """Result ``seq`` of this slot was an evaluation."""
        self._ahead[slot].append(seq)

    def evaluations_before(self, slot: int, seq: int) -> int:
        """Evaluations among the results of this slot before ``seq``; asked in the order of the results."""
        ahead = self._ahead[slot]
        later = [number for number in ahead if number > seq]
        self._passed[slot] += len(ahead) - len(later)
        self._ahead[slot] = later
        return self._passed[slot]
