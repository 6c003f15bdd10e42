"""Products of a policy's Fisher matrix with a vector, without the matrix and without a forward pass.

F = E[grad log pi grad log piᵀ] = Jᵀ G J: J the derivative of the heads by the weights, G the Fisher matrix of a head.
With the hidden states h that the Player kept, R{·} the derivative along v as w moves by it (Pearlmutter 1994):

    R{z_l} = R{h_{l−1}} W_l + h_{l−1} V_l + b'_l        R{h_l} = phi'(h_l) R{z_l}        F v = Jᵀ G R{z_L}

phi' is known from h alone, so that z is never needed. Sums over rows: products of parts add up to that of the whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.categorical import Categorical
from touchline.policy.dense import dense, times_derivative
from touchline.policy.gaussian import DiagonalGaussian
from touchline.policy.head import Distribution
from touchline.policy.network import Weights
from touchline.policy.policy import Policy
from touchline.policy.spaces import SpaceError
from touchline.policy.torso import DenseTorso
from touchline.targets.played import PlayedRows, back_to_weights

FloatArray = NDArray[np.floating[Any]]


def check_natural(policy: Policy) -> None:
    """Raise SpaceError unless curvature products of this policy are known here: plain dense layers, and one choice or
    continuous actions."""
    network, form, distribution = policy.network, policy.form, policy.distribution
    if network.core is not None:
        raise SpaceError("policy.recurrent: expected none with method trpo, which knows dense layers alone")
    if type(network.torso) is not DenseTorso or form.sparse:
        keys = ("network", "convolutions", "layer_norm", "sparse")
        found = next((key for key in keys if getattr(form, key)), "hidden")
        raise SpaceError(
            f"policy.{found}: expected plain dense layers with method trpo, found {getattr(form, found)}. "
            "policy_gradient serves every network"
        )
    if policy.normalized:
        raise SpaceError("env.normalize: expected false with method trpo: its step is of one version")
    served = isinstance(distribution, DiagonalGaussian) and not distribution.plain
    if not served and not isinstance(distribution, Categorical):
        raise SpaceError(
            "action space: expected Discrete, or a Box with policy.std independent, with method trpo, found "
            f"{type(policy.action_space).__name__} as {type(distribution).__name__}. "
            "The methods policy_gradient and evolution serve it"
        )


def fisher_product(policy: Policy, w: FloatArray, rows: PlayedRows, v: FloatArray) -> FloatArray:
    """F v summed over rows, float64 ``[size]``, for w, which played the rows, and v float64 ``[size]``.

    The policy is one that ``check_natural`` takes.
    """
    weights, along = policy.network.bind(w), policy.network.bind(v)
    product = np.zeros(len(w))
    for _, chunk in rows.chunks():
        moving = heads_along(policy, weights, along, chunk)
        d_head = head_metric(policy.distribution, chunk.head, moving)
        back_to_weights(policy, weights, chunk, d_head=d_head, product=product)
    return product


def heads_along(policy: Policy, weights: Weights, along: Weights, rows: PlayedRows) -> FloatArray:
    """J v, float64 ``[N, P]``: how the heads move as the weights move along ``along``."""
    p, q = weights.policy_torso, along.policy_torso
    below, moving = rows.x, None
    for i, h in enumerate(rows.hidden):
        z = dense(below, q[f"{i}/weight"], q.get(f"{i}/bias"))
        if moving is not None:
            z += moving @ p[f"{i}/weight"]
        times_derivative(policy.form.activation, z, h)
        below, moving = h, z
    outputs = dense(below, along.policy_head.weight, along.policy_head.bias)
    if moving is not None:
        outputs += moving @ weights.policy_head.weight
    moved: FloatArray = policy.distribution.head(outputs, along.log_std)  # linear in both
    return moved


def head_metric(distribution: Distribution, head: FloatArray, moving: FloatArray) -> FloatArray:
    """G u of each row ``[N, P]``, G the Fisher matrix of its head and u ``moving``.

    Of logits: diag p − p pᵀ. Of means and log standard deviations: 1/σ² and 2, diagonal.
    """
    match distribution:
        case Categorical():
            p = np.exp(head - head.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            weighted: FloatArray = p * moving
            weighted -= p * weighted.sum(axis=1, keepdims=True)
            return weighted
        case DiagonalGaussian(size=size):
            metric = np.full_like(head, 2.0)
            metric[:, :size] = np.exp(-2 * head[:, size:])
            return metric * moving
    raise AssertionError(f"{type(distribution).__name__}: refused by check_natural")
