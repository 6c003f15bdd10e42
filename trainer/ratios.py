"""Importance ratios rho = u(a)/v(a): from log probabilities, where a correction cuts them, and what they leave.

u is the live policy, v the one that played. Pure functions over rows.
"""

from __future__ import annotations

from typing import Any, Literal, assert_never

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
Correction = Literal["none", "importance", "truncated", "centred", "vtrace", "clip"]
LOG_RATIO_BOUND = 20.0  # what exp gives beyond it overflows in a product; no estimate survives it
# By which ratios of one policy with itself may exceed 1: Player and Trainer sum in other orders.
ROUNDING = 1e-4


def ratios(target_log_probs: FloatArray, behaviour_log_probs: FloatArray) -> FloatArray:
    """rho = exp(log u(a) − log v(a)), the logarithm bounded at ±20."""
    return bounded_exp(target_log_probs - behaviour_log_probs)


def bounded_exp(log_rhos: FloatArray) -> FloatArray:
    """rho from its logarithm, bounded at ±20."""
    rhos: FloatArray = np.exp(np.clip(log_rhos, -LOG_RATIO_BOUND, LOG_RATIO_BOUND))
    return rhos


def inside(rhos: FloatArray, advantages: FloatArray, *, clip: float) -> NDArray[np.bool_]:
    """Where PPO's surrogate still has a gradient (Schulman et al. 2017, equation 7)."""
    return np.where(advantages > 0, rhos <= 1 + clip, rhos >= 1 - clip)


def cut_rows(
    correction: Correction,
    *,
    rhos: FloatArray,
    advantages: FloatArray,
    clip: float,
    truncate_at: float,
    clip_rho_threshold: float,
) -> NDArray[np.bool_]:
    """Rows ``[N]`` whose ratio the correction cuts, more than rounding would.

    Under ``none`` and ``importance``, which cut nothing: those that a cut at ``truncate_at`` would.
    """
    match correction:
        case "clip":
            return ~inside(rhos, advantages, clip=clip)
        case "vtrace":
            threshold = clip_rho_threshold
        case "truncated" | "centred" | "none" | "importance":
            threshold = truncate_at
        case _:
            assert_never(correction)
    cut: NDArray[np.bool_] = rhos > threshold * (1 + ROUNDING)
    return cut


def effective_fraction(*, total: float, squares: float, rows: float) -> float:
    """Kish's effective sample size of ``rows`` weights as a share of them: (Σ w)²/(n Σ w²); NaN of none."""
    return total * total / (rows * squares) if rows else float("nan")
