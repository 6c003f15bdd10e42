"""Centred truncation: what is added to min(c, rho) s_u(a), so that its expectation over who played is 0.

With s_u = grad log u at the head and a ~ v, truncation drifts by E_v[min(c, rho) s_u] = E_u[min(c/rho, 1) s_u], and
E_u[s_u] = 0, so the drift is −E_u[(1 − c/rho)_+ s_u]. The term added back is that expectation over the *live* policy,
the bias correction of ACER (Wang et al. 2017, equation 7) with the sampled advantage as critic:

- one choice: exactly, −Σ_a q_a s_u(a) with q = min(c v, u); for a softmax −(q − |q| u);
- normals whose deviations are parameters of their own and, to the bit, those of the policy that played: exactly,
  because the ratio then depends on the action along one line only. A deviation that is learnt moves with nearly every
  update, so under lag this is the case of one that has stopped moving;
- everything else: one more action a' ~ u a row, (1 − c/rho(a'))_+ s_u(a'): right on average, bounded by s_u(a').
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.distributions import (
    Categorical,
    DiagonalGaussian,
    Distribution,
    Sigmoid,
    log_softmax,
)
from touchline.trainer.ratios import ratios

FloatArray = NDArray[np.floating[Any]]
SMALLEST_SHIFT = 1e-12  # of the means, in deviations: below it the policies are one


def excess(
    distribution: Distribution,
    *,
    head: FloatArray,
    behaviour_head: FloatArray,
    truncate_at: float,
    rng: np.random.Generator | None,
) -> FloatArray:
    """E_u[(1 − c/rho)_+ s_u] float ``[N, P]``, or an unbiased draw of it, for which ``rng`` is needed.

    ``head`` is the live policy's, ``behaviour_head`` that of the snapshot that played.
    """
    match distribution:
        case Categorical():
            return -drift_of_truncation(head, behaviour_head, truncate_at=truncate_at)
        case Sigmoid():
            return _sigmoid_excess(distribution, head, behaviour_head, truncate_at=truncate_at)
        case _:
            pass
    exact = equal_deviations(distribution, head, behaviour_head)
    if exact.all():
        return gaussian_excess(head, behaviour_head, truncate_at=truncate_at)
    assert rng is not None, "centred truncation of this distribution draws an action a row"
    whole = sampled_excess(
        distribution, head=head, behaviour_head=behaviour_head, truncate_at=truncate_at, rng=rng
    )
    if exact.any():
        whole[exact] = gaussian_excess(head[exact], behaviour_head[exact], truncate_at=truncate_at)
    return whole


def drift_of_truncation(head: FloatArray, behaviour_head: FloatArray, *, truncate_at: float) -> FloatArray:
    """E over the behaviour policy of min(c, rho)(e_a − u) = q − |q| u, float ``[N, A]``, categorical heads."""
    u, v = np.exp(log_softmax(head)), np.exp(log_softmax(behaviour_head))
    q = np.minimum(truncate_at * v, u)
    drift: FloatArray = q - q.sum(axis=-1, keepdims=True) * u
    return drift


def _sigmoid_excess(
    distribution: Sigmoid, head: FloatArray, behaviour_head: FloatArray, *, truncate_at: float
) -> FloatArray:
    """−Σ_a min(c v(a), u(a)) s_u(a) of two actions, float ``[N, 1]``."""
    whole = np.zeros_like(head)
    for action in (0, 1):
        actions = np.full(len(head), action)
        u, v = (np.exp(distribution.log_prob(each, actions)) for each in (head, behaviour_head))
        q = np.minimum(truncate_at * v, u)
        whole -= q[:, None] * distribution.log_prob_gradient(head, actions)
    return whole


def equal_deviations(
    distribution: Distribution, head: FloatArray, behaviour_head: FloatArray
) -> NDArray[np.bool_]:
    """Rows ``[N]`` in which live and behaviour policy are normals of the same free deviations, bit for bit."""
    if not isinstance(distribution, DiagonalGaussian) or distribution.plain:
        return np.zeros(len(head), bool)
    log_std, behaviour_log_std = (each[:, distribution.size :] for each in (head, behaviour_head))
    equal: NDArray[np.bool_] = (log_std == behaviour_log_std).all(axis=-1)
    return equal


def gaussian_excess(head: FloatArray, behaviour_head: FloatArray, *, truncate_at: float) -> FloatArray:
    """The expectation for heads ``[N, 2 A]`` of means, then equal log standard deviations.

    In z = (a − mean_u)/σ, with d = (mean_v − mean_u)/σ, m = |d| and t = z·d/m, log rho = −m t + m²/2 is above log c
    where t < b + m, b = −m/2 − (log c)/m. There E[(1 − c/rho) t] = −c m Φ(b) and E[(1 − c/rho)(t² − 1)] =
    m φ(b + m) − c m² Φ(b); what is across the line has mean 0, so per element s = z/σ and z² − 1 give

        mean: −c Φ(b) d/σ        log σ: d² (φ(b + m)/m − c Φ(b))
    """
    size = head.shape[-1] // 2
    precision = np.exp(-head[:, size:].astype(np.float64))
    d = (behaviour_head[:, :size].astype(np.float64) - head[:, :size]) * precision
    m = np.maximum(np.sqrt(np.square(d).sum(axis=-1, keepdims=True)), SMALLEST_SHIFT)
    b = -m / 2 - math.log(truncate_at) / m
    below = truncate_at * normal_cdf(b)
    density = np.exp(-np.square(np.clip(b + m, -37, 37)) / 2) / math.sqrt(2 * math.pi)
    whole = np.concatenate([-below * d * precision, d * d * (density / m - below)], axis=-1)
    return whole.astype(head.dtype)


def sampled_excess(
    distribution: Distribution,
    *,
    head: FloatArray,
    behaviour_head: FloatArray,
    truncate_at: float,
    rng: np.random.Generator,
) -> FloatArray:
    """(1 − c/rho(a'))_+ s_u(a') for one a' ~ u a row, float ``[N, P]``."""
    # One step of N lanes: noise that is correlated over time is independent across them.
    noise = distribution.draw_noise(rng, (1, len(head)))[0]
    actions = distribution.sample(head, noise)
    rhos = ratios(distribution.log_prob(head, actions), distribution.log_prob(behaviour_head, actions))
    weights = np.maximum(1 - truncate_at / rhos, 0)
    whole: FloatArray = weights[:, None] * distribution.log_prob_gradient(head, actions)
    return whole


def normal_cdf(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Φ, float64, exact in both tails; numpy has no error function, the standard library's takes a number a time."""
    return np.asarray(_erfc(-x / math.sqrt(2)), np.float64) / 2


_erfc = np.frompyfunc(math.erfc, 1, 1)
