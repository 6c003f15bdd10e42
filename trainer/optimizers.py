"""Clipping a gradient, and schedules of the learning rate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]


def clip_by_norm(gradient: FloatArray, max_norm: float | None) -> float:
    """Scale ``gradient`` in place to at most ``max_norm`` (None: leave it); its Euclidean norm before.

    One whose norm is not finite is left as it is, for whoever refuses it to look at.
    """
    norm = float(np.sqrt(np.dot(gradient, gradient)))
    if max_norm is not None and max_norm < norm < math.inf:
        gradient *= max_norm / norm
    return norm


def scheduled(value: float, *, schedule: str, steps: int, total: int | None) -> float:
    """``value`` after ``steps`` admitted steps: constant, or linear to 0 at ``total``."""
    if schedule == "constant" or total is None:
        return value
    return value * max(0.0, 1 - steps / total)
