"""Every point of a grid, by number: complete enumeration, a baseline and an oracle rather than a trainer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchline.targets.errors import TargetError
from touchline.targets.radix import all_digits, digits

FloatArray = NDArray[np.float64]
MOST = 2.0**53  # beyond it neighbouring digits would be the same float64
SLACK = (
    1e-9  # of a step: how far past the end a point may fall and still count, for (0.3 − 0) / 0.1 is below 3
)


@dataclass(frozen=True, slots=True)
class Grid:
    """Points w_i(I) = low_i + step_i a_i(I), a_i(I) being the mixed-radix digits of I, weight 0's the quickest."""

    low: tuple[float, ...]
    step: tuple[float, ...]
    counts: tuple[int, ...]  # n_i = floor((high_i − low_i) / step_i + 1e-9) + 1

    @classmethod
    def of(
        cls,
        low: float | Sequence[float],
        high: float | Sequence[float],
        step: float | Sequence[float],
        size: int,
    ) -> Grid:
        """Over ``size`` weights; each bound is one number for all of them or one for each. TargetError: no grid."""
        lows, highs, steps = (
            _each(name, bound, size) for name, bound in (("low", low), ("high", high), ("step", step))
        )
        counts = tuple(_count(*bounds) for bounds in zip(lows, highs, steps, strict=True))
        return cls(lows, steps, counts)

    @property
    def size(self) -> int:
        """How many weights a point has."""
        return len(self.counts)

    @property
    def total(self) -> int:
        """How many points there are, exactly."""
        return math.prod(self.counts)

    def point(self, number: int) -> FloatArray:
        """Point ``number``, float64 ``[size]``. TargetError: there is none."""
        point: FloatArray = np.array(self.low) + np.array(self.step) * digits(number, self.counts)
        return point

    def points(self, numbers: range) -> FloatArray:
        """Consecutive points, float64 ``[len(numbers), size]``. TargetError: one of them does not exist."""
        points: FloatArray = np.array(self.low) + np.array(self.step) * all_digits(numbers, self.counts)
        return points


def _each(name: str, bound: float | Sequence[float], size: int) -> tuple[float, ...]:
    values = (bound,) * size if isinstance(bound, int | float) else tuple(bound)
    if len(values) != size:
        raise TargetError(
            f"{name}: expected one number, or one for each of {size} weights, found {len(values)}"
        )
    if not all(map(math.isfinite, values)):
        raise TargetError(f"{name}: expected finite numbers, found {bound}")
    return tuple(float(value) for value in values)


def _count(low: float, high: float, step: float) -> int:
    if step <= 0:
        raise TargetError(f"step: expected a number above 0, found {step:g}")
    if high < low:
        raise TargetError(f"high: expected at least low, {low:g}, found {high:g}: exchange the two")
    steps = (high - low) / step
    if steps >= MOST:
        raise TargetError(
            f"step: expected fewer than 2^53 steps from {low:g} to {high:g}, found {step:g}: widen it"
        )
    return math.floor(steps + SLACK) + 1
