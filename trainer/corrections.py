"""What a correction puts at the head for an action drawn under an older policy: pure functions over rows.

With A the advantage, kappa what multiplies it and u the live policy, v the one that played:

    none        grad log u(a)                      (v's own under ``reuse``)
    importance  rho grad log u(a),                 rho = u(a) / v(a)
    truncated   min(c, rho) grad log u(a)
    centred     min(c, rho) grad log u(a) + E_u[(1 − c/rho)_+ grad log u]   (``centring``: E_v[kappa] = 0, so a
                baseline changes nothing)
    clip        rho grad log u(a), or 0 where the ratio has left [1 − eps, 1 + eps] in the advantage's direction (PPO)

The objective beside it is what the metrics call the policy loss, but for its sign: A log u(a) without a correction,
the weight times A with one, and PPO's min(rho A, clip(rho) A).
"""

from __future__ import annotations

from typing import Any, NamedTuple, assert_never

import numpy as np
from numpy.typing import NDArray

from touchline.policy.distributions import Distribution
from touchline.trainer.centring import excess
from touchline.trainer.ratios import Correction, FloatArray, inside, ratios


class Term(NamedTuple):
    """Each row's part in the policy's loss, the sign apart."""

    direction: FloatArray  # float [N, P]: A · kappa, the ascent direction at the head
    objective: FloatArray  # float [N]
    rhos: FloatArray | None = None  # float [N]; None where there was no live forward pass to take them from


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
    rng: np.random.Generator | None = None,
) -> Term:
    """A · kappa and the objective, for rows of advantages ``[N]``.

    ``head`` is the target policy's, ``behaviour_head`` that of the snapshot that played. ``rng`` is read by
    ``centred`` alone, where it has no closed form.
    """
    direction = distribution.log_prob_gradient(head, actions)
    log_probs = distribution.log_prob(head, actions)
    rhos = ratios(log_probs, behaviour_log_probs)
    match correction:
        case "none" | "vtrace":  # V-trace's advantages hold their weights already
            direction *= advantages[:, None]
            return Term(direction, advantages * log_probs, rhos)
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
        direction += excess(
            distribution, head=head, behaviour_head=behaviour_head, truncate_at=truncate_at, rng=rng
        )
    direction *= advantages[:, None]
    objective = weights * advantages
    if correction == "clip":
        objective = np.minimum(rhos * advantages, np.clip(rhos, 1 - clip, 1 + clip) * advantages)
    return Term(direction, objective, rhos)
