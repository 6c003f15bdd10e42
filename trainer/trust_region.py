"""A trust region step (Schulman et al. 2015): how far along a direction, and which trials are taken."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a candidate brought, in the mean over all steps: ``gain`` of the surrogate, ``kl`` from the old policy."""

    gain: float
    kl: float

    @staticmethod
    def of(sums: FloatArray) -> Trial:
        """From (gain summed, divergence summed, steps), float64 ``[3]``."""
        gain, divergence, steps = sums.tolist()
        return Trial(gain / steps, divergence / steps)

    def accepted(self, *, delta: float) -> bool:
        """Whether it is better, and within the trust region."""
        return self.gain > 0 and self.kl <= delta


def full_step(direction: FloatArray, gradient: FloatArray, *, delta: float) -> FloatArray | None:
    """d √(2 delta / d·A d), float64 ``[size]``, of the d that conjugate gradients found for A d = g, A = F + damping I.

    The quadratic model of the divergence is at most ``delta`` there: with the damping, as in the authors' code, it is a
    little less, which is what the cubic term takes. d·A d = d·g, wherever the solve was stopped: its residual is
    orthogonal to the Krylov space that d lies in, so that no product more is needed.

    None where d does not lead upwards: the gradient is 0, or next to it.
    """
    curvature = float(direction @ gradient)
    if not (math.isfinite(curvature) and curvature > 0):
        return None
    with np.errstate(over="ignore"):
        step = direction * math.sqrt(2 * delta / curvature)
    return step if np.isfinite(step).all() else None
