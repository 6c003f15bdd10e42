"""From episodes to curves: rolling statistics of one run, and several runs on one axis. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
MAX_POINTS = 400  # more than a print shows
FEWEST = 10  # episodes that a rolling value rests on, where the run has that many

PER_BIN = 4  # records of a running total that make a rate


@dataclass(frozen=True)
class Curve:
    """A line and the band around it, over ``x``; all float64 [N]."""

    x: FloatArray
    line: FloatArray
    low: FloatArray
    high: FloatArray


def rolling(x: FloatArray, values: FloatArray, *, window: int, low: float = 0.1, high: float = 0.9) -> Curve:
    """Mean and quantiles of the last ``window`` values, at up to MAX_POINTS places of ``x``, each once.

    Args:
        x: float64 [E], where each value was seen; never falls.
        values: float64 [E].
        window: how many values a point looks back on; fewer at the start, where there are no more.
        low, high: the quantiles of the band.
    """
    ends = _ends(x)
    windows = [values[max(0, end - window) : end] for end in ends]
    quantiles = np.array([np.quantile(part, (low, high)) for part in windows]).reshape(-1, 2)
    return Curve(
        x=x[ends - 1],
        line=np.array([part.mean() for part in windows]),
        low=quantiles[:, 0],
        high=quantiles[:, 1],
    )


def across(curves: Sequence[Curve]) -> Curve:
    """The mean of several runs' lines, and the range from the lowest to the highest.

    A run that has ended keeps its last value: were it left out, the mean would be of those that took
    longest, and would drop as good runs finish. The axis starts where all have begun.
    """
    start = max(curve.x[0] for curve in curves)
    stop = max(curve.x[-1] for curve in curves)
    x = np.linspace(start, max(start, stop), MAX_POINTS)
    lines = np.array([np.interp(x, curve.x, curve.line) for curve in curves])
    return Curve(x=x, line=lines.mean(axis=0), low=lines.min(axis=0), high=lines.max(axis=0))


def rates(seconds: FloatArray, totals: FloatArray, *, bins: int = 60) -> tuple[FloatArray, FloatArray]:
    """What a running total gains a second, over equal spans of time.

    Args:
        seconds, totals: float64 [U], neither of which falls.
        bins: how many spans at most; fewer where a span would hold less than PER_BIN records, since
            the rate between two neighbours says more about the clock than about the run.

    Returns:
        The middle of each span and its rate, float64 [bins]; empty for fewer than two records.
    """
    span = seconds[-1] - seconds[0] if len(seconds) > 1 else 0.0
    if span <= 0:
        return np.zeros(0), np.zeros(0)
    edges = np.linspace(seconds[0], seconds[-1], max(1, min(bins, len(seconds) // PER_BIN)) + 1)
    gained = np.diff(np.interp(edges, seconds, totals))
    return (edges[1:] + edges[:-1]) / 2, gained / np.diff(edges)


def _ends(x: FloatArray) -> NDArray[np.int64]:
    """Where the windows end (exclusive): at the last of the values seen at one ``x``, spread evenly."""
    last_of_x = np.flatnonzero(np.diff(x, append=np.inf)) + 1
    enough = last_of_x[last_of_x >= min(FEWEST, len(x))]
    chosen = np.linspace(0, len(enough) - 1, min(MAX_POINTS, len(enough))).round().astype(np.int64)
    return enough[chosen]
