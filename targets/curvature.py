"""Products of curvature matrices with a vector, without the matrices: for the Krylov methods.

Both walk the network once more with the direction beside the weights (Pearlmutter 1994, *Fast exact multiplication by
the Hessian*). R{·} is the derivative along v as w moves by it:

    R{z_l} = R{h_{l−1}} W_l + h_{l−1} V_l + b'_l        R{h_l} = phi'(z_l) R{z_l}

Sums over rows, as every measure of a table: products of parts add up to that of the whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.targets.checking import checked_targets, checked_weights
from touchline.targets.network import Forward, TableNetwork, sums

FloatArray = NDArray[np.floating[Any]]


def fisher_product(network: TableNetwork, w: FloatArray, x: FloatArray, v: FloatArray) -> FloatArray:
    """F v = Σ over rows of Jᵀ G J v, float64 ``[size]``, for w and v float64 ``[size]``, x ``[N, inputs]``.

    J is the derivative of the last sums by the weights. With cross-entropy F is the Fisher matrix of what the network
    itself believes, with squared error the Gauss-Newton matrix: symmetric and positive semidefinite, always.
    Raises TargetError for another shape.
    """
    forward = network.forward(w, x)
    along, _ = _forward_along(network, w, forward, v)
    return network.backward(w, forward, network.head.fisher(forward.z[-1], along[-1]))


def hessian_product(
    network: TableNetwork, w: FloatArray, x: FloatArray, y: FloatArray, v: FloatArray
) -> FloatArray:
    """H v, float64 ``[size]``: H the Hessian of the error summed over rows, exact, and indefinite away from a minimum.

    w and v float64 ``[size]``, x ``[N, inputs]``, y float64 ``[N, outputs]``. Where relu has no second derivative it is
    taken for 0. Raises TargetError for another shape.
    """
    forward, y = network.forward(w, x), checked_targets(y, len(x), network.head.outputs)
    z_along, h_along = _forward_along(network, w, forward, v)
    d = network.head.gradient(forward.z[-1], y)
    d_along = network.head.hessian(forward.z[-1], y, z_along[-1])
    p, q, product = network.views(w), network.views(v), np.empty(network.size)
    parts = network.views(product)
    for layer in reversed(network.layers):
        name = f"{layer}/weight"
        np.matmul(forward.below(layer).T, d_along, out=parts[name])
        if layer:
            parts[name] += h_along[layer - 1].T @ d
        if network.bias:
            d_along.sum(axis=0, out=parts[f"{layer}/bias"])
        if layer:
            # d_z = d_h phi'(z), and its derivative along v by the product rule.
            d_h, d_h_along = d @ p[name].T, d_along @ p[name].T + d @ q[name].T
            slopes = network.slopes(forward, layer - 1)
            d_along = d_h_along * slopes + d_h * network.bends(forward, layer - 1) * z_along[layer - 1]
            d = d_h * slopes
    return product


def _forward_along(
    network: TableNetwork, w: FloatArray, forward: Forward, v: FloatArray
) -> tuple[list[FloatArray], list[FloatArray]]:
    """R{z} of every layer and R{h} of the hidden ones, float64 ``[N, width]`` each."""
    p, q = network.views(w), network.views(checked_weights(v, network.size, name="direction"))
    z_along: list[FloatArray] = []
    h_along: list[FloatArray] = []
    for layer in network.layers:
        z_along.append(sums(q, layer, forward.below(layer)))
        if layer:
            z_along[layer] += h_along[layer - 1] @ p[f"{layer}/weight"]
        if layer < len(network.hidden):
            h_along.append(network.slopes(forward, layer) * z_along[layer])
    return z_along, h_along
