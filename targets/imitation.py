"""What is minimised when the best episodes are imitated: the cross-entropy of the actions that were taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.inputs import Inputs
from touchline.policy.network import Weights
from touchline.policy.policy import Policy
from touchline.policy.spaces import Discrete, Space, SpaceError

FloatArray = NDArray[np.floating[Any]]
MAX_SHORT_ACTIONS = 256  # so many have room in one byte


def check_imitable(policy: Policy) -> None:
    """Raise SpaceError unless rows of (observation, action) are all that this policy needs to be fitted."""
    actions_of(policy.action_space)
    if policy.network.core is not None:
        raise SpaceError(
            "policy.recurrent: expected none with method imitation, whose rows are fitted in any order"
        )
    if policy.normalized:
        raise SpaceError(
            "env.normalize: expected false with method imitation, which fits observations as they are"
        )


def actions_of(space: Space) -> int:
    """How many actions there are. Raises SpaceError where they are no choice of one among several."""
    if not isinstance(space, Discrete):
        raise SpaceError(
            f"action space: expected Discrete with method imitation, found {type(space).__name__}. "
            "The methods policy_gradient and evolution serve it"
        )
    return space.n


def row_dtype(actions: int) -> str:
    """How one of so many actions is sent."""
    return "uint8" if actions <= MAX_SHORT_ACTIONS else "int64"


def snapshot_name(model: int) -> str:
    """What the weights of the policy number ``model`` are called in a snapshot."""
    return f"parameters/{model}" if model else "parameters"


def cross_entropy(
    policy: Policy,
    weights: Weights,
    x: Inputs,
    actions: NDArray[np.intp],
    *,
    row_weights: FloatArray,
    gradient: Weights | None = None,
) -> float:
    """−sum w log pi(a | x) over rows ``x`` ``[N, ...]``, ``actions`` ``[N]``, ``row_weights`` w ``[N]``.

    Its gradient, w (pi − e_a) at the logits, is added to ``gradient`` where given; the value function has none.
    """
    hidden, head = policy.network.policy_forward(weights, x)
    distribution = policy.distribution
    if gradient is not None:
        d_head = distribution.log_prob_gradient(head, actions)
        d_head *= -row_weights[:, None]
        policy.network.backward(
            weights,
            x,
            hidden,
            d_head=d_head,
            d_values=np.empty(0, row_weights.dtype),
            gradient=replace(gradient, value_head=None),
        )
    return -float(np.dot(row_weights, distribution.log_prob(head, actions)))
