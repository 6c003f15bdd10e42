"""The weights that a descent begins with."""

from __future__ import annotations

import math
from typing import Any, Literal, assert_never

import numpy as np
from numpy.typing import NDArray

from touchline.targets.errors import TargetError
from touchline.targets.network import TableNetwork

FloatArray = NDArray[np.floating[Any]]
How = Literal["glorot", "normal", "uniform", "ott"]
OTT_SIZES = ((6, 10.0), (10, 100.0))  # of each layer's weights: 0 .. 5 tenths, 0 .. 9 hundredths


def initial_weights(
    network: TableNetwork, rng: np.random.Generator, *, how: How, scale: float = 1.0
) -> FloatArray:
    """Weights and biases, float64 ``[size]``; ``scale`` multiplies them all.

    ``glorot``: uniform within √(6 / (inputs + width)) of 0 in each layer, biases 0 (Glorot & Bengio 2010).
    ``normal``, ``uniform``: of deviation 1, or within 1 of 0, biases too: the box that a search begins in.
    ``ott``: ±{0, 0.1, .., 0.5}, then ±{0, 0.01, .., 0.09}, sign and size drawn uniformly (J. Ott's
    *Neural-Network-Parallelization*). Raises TargetError where the network has biases or not one hidden layer.
    """
    w = np.zeros(network.size)
    match how:
        case "glorot":
            _glorot(network, w, rng)
        case "normal":
            rng.standard_normal(out=w)
        case "uniform":
            w[...] = rng.uniform(-1, 1, network.size)
        case "ott":
            _ott(network, w, rng)
        case _:
            assert_never(how)
    w *= scale
    return w


def _glorot(network: TableNetwork, w: FloatArray, rng: np.random.Generator) -> None:
    for name, view in network.views(w).items():
        if name.endswith("weight"):
            view[...] = rng.uniform(-1, 1, view.shape) * math.sqrt(6 / sum(view.shape))


def _ott(network: TableNetwork, w: FloatArray, rng: np.random.Generator) -> None:
    if network.bias or len(network.hidden) != 1:
        raise TargetError(
            f"initial weights: ott expects one hidden layer and no biases, found {len(network.hidden)} and "
            f"{'biases' if network.bias else 'none'}. Take glorot"
        )
    for view, (sizes, unit) in zip(network.views(w).values(), OTT_SIZES, strict=True):
        view[...] = rng.choice([-1.0, 1.0], view.shape) * rng.integers(sizes, size=view.shape) / unit
