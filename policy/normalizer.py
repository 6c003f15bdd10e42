"""Running statistics of observations, versioned with the weights.

A snapshot plays, and is differentiated, with the statistics that it was published with: they are part of
the function that the weights parametrise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
CLIP = 10.0
EPSILON = 1e-8


@dataclass(frozen=True, slots=True)
class Statistics:
    """Count, mean and sum of squared deviations of each feature, in float64. Frozen: moving makes a new one."""

    count: float
    mean: NDArray[np.float64]  # float64 [D]
    m2: NDArray[np.float64]  # float64 [D]

    @staticmethod
    def empty(features: int) -> Statistics:
        return Statistics(0.0, np.zeros(features), np.zeros(features))

    def moved(self, rows: FloatArray) -> Statistics:
        """The statistics with ``rows`` ``[N, D]`` added (Chan, Golub, LeVeque 1979, the pairwise form)."""
        n = rows.shape[0]
        if n == 0:
            return self
        rows_mean = rows.mean(axis=0, dtype=np.float64)
        rows_m2 = np.square(rows - rows_mean).sum(axis=0)
        total = self.count + n
        shift = rows_mean - self.mean
        return Statistics(
            count=total,
            mean=self.mean + shift * (n / total),
            m2=self.m2 + rows_m2 + np.square(shift) * (self.count * n / total),
        )

    @property
    def variance(self) -> NDArray[np.float64]:
        """Population variance ``[D]``; ones before anything was seen, so that normalising is then identity."""
        return self.m2 / self.count if self.count > 0 else np.ones_like(self.m2)

    def to_array(self) -> NDArray[np.float64]:
        """float64 ``[1 + 2 D]``: count, mean, m2. How statistics cross the wire and rest on disk."""
        return np.concatenate([[self.count], self.mean, self.m2])

    @staticmethod
    def from_array(array: NDArray[np.float64]) -> Statistics:
        """What ``to_array`` wrote. Raises ValueError for an even or empty length."""
        if array.ndim != 1 or array.size % 2 != 1:
            raise ValueError(f"statistics: expected a float64 array of 1 + 2 D, found {list(array.shape)}")
        features = array.size // 2
        return Statistics(float(array[0]), array[1 : 1 + features].copy(), array[1 + features :].copy())


class Normalizer:
    """(x − mean) / std, clipped to ±10, by fixed statistics."""

    def __init__(self, statistics: Statistics, dtype: str = "float32") -> None:
        self.statistics = statistics
        self._mean = statistics.mean.astype(dtype)
        self._scale = (1.0 / np.sqrt(statistics.variance + EPSILON)).astype(dtype)

    def __call__(self, x: FloatArray, out: FloatArray | None = None) -> FloatArray:
        """Normalise rows ``[..., D]`` into ``out`` (a new array when None)."""
        y: FloatArray = np.subtract(x, self._mean, out=out)
        y *= self._scale
        np.clip(y, -CLIP, CLIP, out=y)
        return y
