"""What a network reads: rows of one array, or of several that stand side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

AnyArray = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Parts:
    """Several arrays ``[N, ...]`` of the same rows: one a leaf of a Dict or Tuple observation."""

    arrays: tuple[AnyArray, ...]

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: slice | NDArray[np.intp]) -> Parts:
        """Some of the rows: views for a slice, copies for an index array."""
        return Parts(tuple(array[index] for array in self.arrays))


Inputs = AnyArray | Parts


def joined_inputs(several: Sequence[Inputs]) -> Inputs:
    """The rows of several inputs as one. All of them are arrays, or all of them Parts."""
    if isinstance(several[0], Parts):
        columns = zip(*(one.arrays for one in several if isinstance(one, Parts)), strict=True)
        return Parts(tuple(np.concatenate(column) for column in columns))
    return np.concatenate([one for one in several if not isinstance(one, Parts)])


def only_array(inputs: Inputs) -> AnyArray:
    """The one array of inputs that have no parts. Raises TypeError for others: our own mistake."""
    if isinstance(inputs, Parts):
        raise TypeError(f"expected one array, found {len(inputs.arrays)} parts")
    return inputs
