"""The rows of a table cut into the minibatches of an epoch, by number: any Player finds the rows of any of them.

An order names an epoch and a range of positions. What stands there is the epoch's permutation of all rows, which
everybody draws for himself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from touchline.targets.draws import ORDER, stream
from touchline.targets.errors import TargetError
from touchline.targets.splitting import Remainder, split


@lru_cache(maxsize=4)  # every minibatch of an epoch asks for the same
def epoch_order(*, seed: int, epoch: int, rows: int) -> NDArray[np.intp]:
    """Which row stands at which position in this epoch, intp ``[rows]``: a permutation. Read-only."""
    order = stream(ORDER, seed=seed, iteration=epoch, number=0).permutation(rows)
    order.flags.writeable = False
    return order


@dataclass(frozen=True, slots=True)
class Blocks:
    """``rows`` positions cut into blocks of ``size``, the last of an epoch with what is left; each block cut again
    among ``parts``.

    Where ``size`` divides ``rows``, the mean over an epoch's blocks of their mean gradients is the gradient of the mean
    over all rows. Raises TargetError for a size below 1.
    """

    rows: int
    size: int
    parts: int
    remainder: Remainder = "spread"

    def __post_init__(self) -> None:
        if self.size < 1:
            raise TargetError(f"batch_rows: expected 1 or more, found {self.size}")

    @property
    def an_epoch(self) -> int:
        """Blocks of an epoch."""
        return math.ceil(self.rows / self.size)

    def epoch_of(self, number: int) -> int:
        """The epoch of block ``number``, which counts on from epoch to epoch."""
        return number // self.an_epoch

    def pieces(self, number: int) -> tuple[range, ...]:
        """The positions of each part of block ``number``; no more pieces than the block has rows."""
        first = number % self.an_epoch * self.size
        length = min(self.size, self.rows - first)
        parts = split(length, min(self.parts, length), remainder=self.remainder)
        return tuple(range(first + part.start, first + part.stop) for part in parts)
