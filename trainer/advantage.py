"""Advantages and returns: pure functions over time-major arrays ``[T, B]``.

All take ``next_values``: the value that step t bootstraps from, V(x_{t+1}), zero where the episode terminated and
the final observation's value where it was truncated; and ``continues``: 1.0 where step t + 1 belongs to the same
episode, else 0.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.trainer.ratios import bounded_exp

FloatArray = NDArray[np.floating[Any]]


def gae(
    *,
    rewards: FloatArray,
    values: FloatArray,
    next_values: FloatArray,
    continues: FloatArray,
    gamma: float,
    gae_lambda: float,
) -> FloatArray:
    """Generalised advantage estimates ``[T, B]`` (Schulman et al. 2016, equation 16).

        A_t = delta_t + gamma lambda A_{t+1},   delta_t = r_t + gamma V(x_{t+1}) − V(x_t)

    lambda = 0 is the one-step error, lambda = 1 the discounted return minus the value.
    """
    deltas = rewards + gamma * next_values - values
    decays = gamma * gae_lambda * continues
    return _scan(deltas, decays)


def monte_carlo(
    *, rewards: FloatArray, next_values: FloatArray, continues: FloatArray, gamma: float
) -> FloatArray:
    """Discounted returns ``[T, B]``: G_t = r_t + gamma G_{t+1}, from the bootstrap value where an episode was cut."""
    cut = (1 - continues) * next_values
    cut[-1] = next_values[-1]  # nothing follows the last step, whatever its ``continues`` says
    return _scan(rewards + gamma * cut, gamma * continues)


def n_step(
    *,
    rewards: FloatArray,
    next_values: FloatArray,
    continues: FloatArray,
    gamma: float,
    n: int,
) -> FloatArray:
    """n-step returns ``[T, B]``: at most n rewards, then the value reached; fewer at an episode's or the unroll's end.

    G^(1)_t = r_t + gamma V(x_{t+1});   G^(k)_t = r_t + gamma (G^(k−1)_{t+1} if t continues else V(x_{t+1})).
    """
    returns = rewards + gamma * next_values
    for _ in range(n - 1):
        following = next_values.copy()
        following[:-1] += continues[:-1] * (returns[1:] - next_values[:-1])
        returns = rewards + gamma * following
    return returns


@dataclass(frozen=True, slots=True)
class VTraceReturns:
    """``vs`` the targets of the value, ``pg_advantages`` of the policy: float ``[T, B]`` both."""

    vs: FloatArray
    pg_advantages: FloatArray


def vtrace(
    *,
    log_rhos: FloatArray,
    rewards: FloatArray,
    values: FloatArray,
    next_values: FloatArray,
    continues: FloatArray,
    gamma: float,
    gae_lambda: float = 1.0,
    clip_rho_threshold: float = 1.0,
    clip_c_threshold: float = 1.0,
) -> VTraceReturns:
    """V-trace (Espeholt et al. 2018, equation 1 and remark 1), values those of the target policy.

        vs_t = V_t + delta_t + gamma c_t (vs_{t+1} − V_{t+1}),   delta_t = rho_t (r_t + gamma V_{t+1} − V_t)

    rho_t = min(clip_rho_threshold, pi/mu), c_t = lambda min(clip_c_threshold, pi/mu). On policy, with lambda = 1,
    vs is the n-step return.
    """
    rhos = bounded_exp(log_rhos)
    clipped_rhos = np.minimum(clip_rho_threshold, rhos)
    cs = gae_lambda * np.minimum(clip_c_threshold, rhos)
    deltas = clipped_rhos * (rewards + gamma * next_values - values)
    corrections = _scan(deltas, gamma * continues * cs)
    vs = values + corrections
    vs_next = next_values.copy()
    vs_next[:-1] += continues[:-1] * corrections[1:]
    return VTraceReturns(vs=vs, pg_advantages=clipped_rhos * (rewards + gamma * vs_next - values))


def _scan(deltas: FloatArray, decays: FloatArray) -> FloatArray:
    """y_t = deltas_t + decays_t y_{t+1}, backwards from y_T = 0."""
    result = deltas.copy()
    for t in range(len(deltas) - 2, -1, -1):
        result[t] += decays[t] * result[t + 1]
    return result
