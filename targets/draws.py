"""Random points by number, so that anybody can produce any of them and who draws what changes nothing.

Draw k of iteration t comes from Philox with key = seed and counter = [0, kind, t, k] (word 0 the lowest: it counts
within a draw). One Player with n draws and n Players with one draw each see the same points, bit for bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
UNIFORM, NORMAL, HOP, CHANCE, FIRST, BATCHES, ORDER = range(7)  # word 1 of the counter, which no draw reaches
_WORD = (1 << 64) - 1


def stream(kind: int, *, seed: int, iteration: int, number: int) -> np.random.Generator:
    """The generator of one draw of one of the kinds above."""
    # A list of Python integers, one of them above 2**63, would pass through float64 and lose its last bits.
    counter = np.array([0, kind, iteration & _WORD, number & _WORD], np.uint64)
    key = np.array([seed & _WORD, seed >> 64 & _WORD], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def draw(*, seed: int, iteration: int, number: int, size: int) -> FloatArray:
    """Uniform in [−1, 1), float64 ``[size]``."""
    return stream(UNIFORM, seed=seed, iteration=iteration, number=number).uniform(-1, 1, size)


def normal_draw(*, seed: int, iteration: int, number: int, size: int) -> FloatArray:
    """Standard normal, float64 ``[size]``."""
    return stream(NORMAL, seed=seed, iteration=iteration, number=number).standard_normal(size)


def draws(*, seed: int, iteration: int, numbers: range, size: int) -> FloatArray:
    """``draw`` of each number, float64 ``[len(numbers), size]``."""
    found = np.empty((len(numbers), size))
    for row, number in zip(found, numbers, strict=True):
        row[:] = draw(seed=seed, iteration=iteration, number=number, size=size)
    return found


def normal_draws(*, seed: int, iteration: int, numbers: range, size: int) -> FloatArray:
    """``normal_draw`` of each number, float64 ``[len(numbers), size]``."""
    found = np.empty((len(numbers), size))
    for row, number in zip(found, numbers, strict=True):
        row[:] = normal_draw(seed=seed, iteration=iteration, number=number, size=size)
    return found
