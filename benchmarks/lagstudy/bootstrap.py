"""Interquartile means and their stratified bootstrap intervals (Agarwal et al. 2021, "Deep Reinforcement Learning at
the Edge of the Statistical Precipice"): pure functions over scores."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
RESAMPLES = 2000
LEVEL = 0.95


class Estimate(NamedTuple):
    """A point and the ends of its interval, each a float or float64 ``[X]``."""

    value: FloatArray
    low: FloatArray
    high: FloatArray


def interquartile_mean(scores: FloatArray) -> FloatArray:
    """Mean of the middle half along the last axis, float64 ``[..., N]`` to ``[...]``.

    A quarter of the scores, rounded down, is left out at either end, as scipy's ``trim_mean(scores, 0.25)`` does.
    """
    n = scores.shape[-1]
    cut = n // 4
    mean: FloatArray = np.sort(scores, axis=-1)[..., cut : n - cut].mean(axis=-1)
    return mean


def estimate(
    scores: FloatArray, *, rng: np.random.Generator, resamples: int = RESAMPLES, level: float = LEVEL
) -> Estimate:
    """The interquartile mean of all scores ``[M, N]`` of M tasks and N runs each, and its interval.

    Runs are drawn anew within each task, tasks never: the interval is over runs alone.
    """
    tasks, runs = scores.shape
    drawn = rng.integers(runs, size=(resamples, tasks, runs))
    again = np.take_along_axis(scores[None], drawn, axis=2).reshape(resamples, tasks * runs)
    return _with_interval(interquartile_mean(scores.reshape(-1)), interquartile_mean(again), level)


def band(
    curves: FloatArray, *, rng: np.random.Generator, resamples: int = RESAMPLES, level: float = LEVEL
) -> Estimate:
    """The same at every point of the curves ``[N, X]`` of N runs: whole curves are drawn, ``[X]`` comes back."""
    drawn = rng.integers(len(curves), size=(resamples, len(curves)))
    again = np.moveaxis(curves[drawn], 1, -1)  # [resamples, X, N]
    return _with_interval(interquartile_mean(curves.T), interquartile_mean(again), level)


def _with_interval(value: FloatArray, resampled: FloatArray, level: float) -> Estimate:
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Estimate(value, low, high)
