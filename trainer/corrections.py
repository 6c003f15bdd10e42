"""What a correction puts at the head for an action drawn under an older policy: pure functions over rows.

With A the advantage, kappa what multiplies it and u the live policy, v the one that played:

    none        grad log u(a)                      (v's own under ``reuse``)
    importance  rho grad log u(a),                 rho = u(a) / v(a)
    truncated   min(c, rho) grad log u(a)
    centred     min(c, rho) (e_a − u) − (q − |q| u),   q = min(c v, u)    (categorical; ACER's bias correction with
                the sampled advantage as critic: E_v[kappa] = 0, so a baseline changes nothing)
    clip        rho grad log u(a), or 0 where the ratio has left [1 − eps, 1 + eps] in the advantage's direction (PPO)

The objective beside it is what the metrics call the policy loss, but for its sign: A log u(a) without a correction,
the weight times A with one, and PPO's min(rho A, clip(rho) A).
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, assert_never

import numpy as np
from numpy.typing import NDArray

from touchline.policy.distributions import Distribution, log_softmax

FloatArray = NDArray[np.floating[Any]]
Correction = Literal["none", "importance", "truncated", "centred", "vtrace", "clip"]
LOG_RATIO_BOUND = 20.0  # what exp gives beyond it overflows in a product; no estimate survives it


class Term(NamedTuple):
    """Each row's part in the policy's loss, the sign apart."""

    direction: FloatArray  # float [N, P]: A · kappa, the ascent direction at the head
    objective: FloatArray  # float [N]


def kappa(
    correction: Correction,
    distribution: Distribution,
    *,
    head: FloatArray,
    actions: NDArray[Any],
    advantages: FloatArray,
    behaviour_log_probs: FloatArray,
    behaviour_head: FloatArray,
    clip: float,
    truncate_at: float,
) -> Term:
    """A · kappa and the objective, for rows of advantages ``[N]``.

    ``head`` is the target policy's, ``behaviour_head`` that of the snapshot that played.
    """
    direction = distribution.log_prob_gradient(head, actions)
    log_probs = distribution.log_prob(head, actions)
    if correction == "none" or correction == "vtrace":  # V-trace's advantages hold their weights already
        direction *= advantages[:, None]
        return Term(direction, advantages * log_probs)
    rhos = ratios(log_probs, behaviour_log_probs)
    match correction:
        case "importance":
            weights = rhos
        case "truncated" | "centred":
            weights = np.minimum(truncate_at, rhos)
        case "clip":
            weights = np.where(inside(rhos, advantages, clip=clip), rhos, 0)
        case _:
            assert_never(correction)
    direction *= weights[:, None]
    if correction == "centred":
        direction -= drift_of_truncation(head, behaviour_head, truncate_at=truncate_at)
    direction *= advantages[:, None]
    objective = weights * advantages
    if correction == "clip":
        objective = np.minimum(rhos * advantages, np.clip(rhos, 1 - clip, 1 + clip) * advantages)
    return Term(direction, objective)


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


def drift_of_truncation(head: FloatArray, behaviour_head: FloatArray, *, truncate_at: float) -> FloatArray:
    """E over the behaviour policy of min(c, rho)(e_a − u) = q − |q| u, float ``[N, A]``, categorical heads."""
    u, v = np.exp(log_softmax(head)), np.exp(log_softmax(behaviour_head))
    q = np.minimum(truncate_at * v, u)
    drift: FloatArray = q - q.sum(axis=-1, keepdims=True) * u
    return drift
