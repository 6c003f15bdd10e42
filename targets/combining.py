"""Making one network of several that were trained apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, assert_never

import numpy as np
from numpy.typing import NDArray

from touchline.targets.errors import TargetError

FloatArray = NDArray[np.floating[Any]]
Combination = Literal["mean", "sum", "displacements"]


def combine(
    weights: Sequence[FloatArray], *, how: Combination, start: FloatArray | None = None
) -> FloatArray:
    """One weight vector float64 ``[size]`` of several, added in the order given: equal inputs give equal bits.

    ``mean`` (1/n) Σ w_k and ``sum`` Σ w_k: J. Ott's two. ``displacements``: start + Σ (w_k − start), what all of them
    moved from where they all began. Raises TargetError for no weights, and for displacements without a start.
    """
    if not weights:
        raise TargetError("weights to combine: expected one network or more, found none")
    match how:
        case "mean":
            return _total(weights) / len(weights)
        case "sum":
            return _total(weights)
        case "displacements":
            if start is None:
                raise TargetError("displacements: expected the weights that all began with, found none")
            return start + _total([w - start for w in weights])
        case _:
            assert_never(how)


def _total(vectors: Sequence[FloatArray]) -> FloatArray:
    total = np.array(vectors[0], np.float64)
    for vector in vectors[1:]:
        if vector.shape != total.shape:
            raise TargetError(
                f"weights to combine: expected all of shape {list(total.shape)}, found {list(vector.shape)}"
            )
        total += vector
    return total
