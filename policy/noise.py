"""Noise that remembers: exploration by long pushes, where independent noise cancels itself."""

from __future__ import annotations

import math

from touchline.policy.head import FloatArray


def correlate(innovations: FloatArray, *, rho: float, before: FloatArray | None = None) -> FloatArray:
    """e_t = ρ e_(t−1) + √(1 − ρ²) ξ_t along the first axis, in place; float ``[T, ...]``, ξ standard normal.

    The start is stationary: e_0 = ξ_0 unless ``before``, the last noise of the steps before, is given. So each
    e_t alone is standard normal whatever ρ is, and k steps apart their correlation is ρᵏ. Log probabilities are
    those of each step's own distribution, as for coloured noise (Eberhard et al. 2023; Hollenstein et al. 2024,
    "Colored noise in PPO"); a relative is gSDE (Raffin et al. 2021), whose noise depends on the state.
    """
    fresh = math.sqrt(1 - rho * rho)
    if before is not None and len(innovations):
        innovations[0] *= fresh
        innovations[0] += rho * before
    for t in range(1, len(innovations)):
        innovations[t] *= fresh
        innovations[t] += rho * innovations[t - 1]
    return innovations
