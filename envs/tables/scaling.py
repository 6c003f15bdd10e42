"""Inputs to the range that a network wants, by what the training rows say."""

from __future__ import annotations

from typing import Any, Literal, assert_never

import numpy as np
from numpy.typing import NDArray

from touchline.envs.tables.table import FloatArray

Scale = Literal["none", "unit", "standard", "binary"]
BLOCK = 4096  # rows squared at a time, so that images need no second copy


def scaled(x: NDArray[Any], test_x: NDArray[Any], *, scale: Scale) -> tuple[FloatArray, FloatArray]:
    """x ``[N, D]`` and test_x ``[M, D]`` of any type -> two of float64, or float32 of bytes by unit or binary.

    ``unit``: over the greatest absolute value of x. ``standard``: less the mean of each column of x, over its
    deviation (of the population); 0 where a column of x is constant. ``binary``: 1 where above 0, else 0.
    """
    narrow = np.float32 if x.dtype == test_x.dtype == np.uint8 else np.float64
    match scale:
        case "none":
            return x.astype(np.float64), test_x.astype(np.float64)
        case "unit":
            greatest = narrow(max(abs(float(x.max())), abs(float(x.min()))))
            return _over(x.astype(narrow), greatest), _over(test_x.astype(narrow), greatest)
        case "standard":
            return _standard(x.astype(np.float64), test_x.astype(np.float64))
        case "binary":
            return (x > 0).astype(narrow), (test_x > 0).astype(narrow)
    assert_never(scale)


def _over(x: FloatArray, greatest: np.floating[Any]) -> FloatArray:
    if greatest > 0:
        x /= greatest
    return x


def _standard(x: FloatArray, test_x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both changed in place."""
    # By the values: the rounding of its mean would give a constant column a deviation, and blow it up to ±1.
    constant = x.max(axis=0) == x.min(axis=0)
    mean = x.mean(axis=0)
    x -= mean
    squares = sum(np.square(x[i : i + BLOCK]).sum(axis=0) for i in range(0, len(x), BLOCK))
    deviation = np.sqrt(squares / len(x))
    deviation[constant] = 1
    test_x -= mean
    for rows in (x, test_x):
        rows /= deviation
        rows[:, constant] = 0
    return x, test_x
