"""Layer normalisation (Ba, Kiros, Hinton 2016): forward and backward side by side, and dense layers that have it.

A layer's sums are brought to mean 0 and deviation 1 over its units, row by row, then scaled and shifted by what is
learnt: ``y = g (z − mean) / √(variance + 1e-5) + b``. The activation follows.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.dense import Activation, activate, times_derivative
from touchline.policy.inputs import Inputs, only_array
from touchline.policy.products import DENSE, Product
from touchline.policy.torso import TORSO_GAIN, Initialization, Parameters, init_layer, wide_bias

FloatArray = NDArray[np.floating[Any]]
EPSILON = 1e-5  # the paper names none; PyTorch and TensorFlow's successors have this one


def normalise(z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Rows ``z`` ``[N, F]`` -> ``[N, F + 1]``: the normalised sums, then 1/deviation of the row. Overwrites ``z``."""
    state = np.empty((z.shape[0], z.shape[1] + 1), z.dtype) if out is None else out
    z -= z.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", z, z) / z.dtype.type(z.shape[1])
    scale = 1 / np.sqrt(variance + z.dtype.type(EPSILON))
    np.multiply(z, scale[:, None], out=state[:, :-1])
    state[:, -1] = scale
    return state


def normalise_backward(d: FloatArray, state: FloatArray) -> FloatArray:
    """The gradient of the sums ``z`` ``[N, F]`` from ``d`` of the normalised ones and what ``normalise`` gave.

    ``(d − mean d − n mean(d n)) / deviation``: the paper's supplement, per row.
    """
    n = state[:, :-1]
    along = np.einsum("ij,ij->i", d, n) / d.dtype.type(d.shape[1])
    dz: FloatArray = d - d.mean(axis=1, keepdims=True)
    dz -= along[:, None] * n
    dz *= state[:, -1:]
    return dz


class NormedTorso:
    """Dense layers of any number, each normalised before the activation.

    Kept of each layer are its normalised sums and 1/deviation ``(F + 1,)``, from which the activation follows; of the
    last the activation ``(F,)`` too.
    """

    def __init__(
        self,
        *,
        features: int,
        hidden: Sequence[int],
        activation: Activation,
        bias: bool = True,
        initialization: Initialization = "orthogonal",
        first: Product = DENSE,
    ) -> None:
        """``bias``: of the normalised sums; there is none before, which normalising would take away.

        ``first`` multiplies the inputs.
        """
        self._activation = activation
        self._initialization: Initialization = initialization
        self._depth = len(hidden)
        self._products = (first, *(DENSE,) * len(hidden))
        self.kept = (*((width + 1,) for width in hidden), *((width,) for width in hidden[-1:]))
        self.size = hidden[-1] if hidden else features
        self.shapes: dict[str, tuple[int, ...]] = {}
        for i, shape in enumerate(itertools.pairwise((features, *hidden))):
            self.shapes[f"{i}/weight"] = shape
            self.shapes[f"{i}/gain"] = shape[1:]
            if bias:
                self.shapes[f"{i}/bias"] = shape[1:]

    def init(self, views: Parameters, rng: np.random.Generator) -> None:
        for name, view in views.items():
            if name.endswith("gain"):
                view[...] = 1
            else:
                init_layer(view, gain=TORSO_GAIN, how=self._initialization, rng=rng)

    def forward(self, p: Parameters, x: Inputs, out: Sequence[FloatArray] | None = None) -> list[FloatArray]:
        h = only_array(x)
        kept: list[FloatArray] = []
        for i in range(self._depth):
            z = self._products[i].forward(h, p[f"{i}/weight"], None, None)
            kept.append(normalise(z, None if out is None else out[i]))
            h = self._activated(p, i, kept[i], out[-1] if out is not None and i == self._depth - 1 else None)
        return [*kept, h] if kept else []

    def backward(
        self, p: Parameters, x: Inputs, kept: Sequence[FloatArray], d: FloatArray, gradient: Parameters
    ) -> None:
        if self._depth:
            self._down(p, x, kept, d, gradient)

    def backward_to_inputs(
        self, p: Parameters, x: Inputs, kept: Sequence[FloatArray], d: FloatArray, gradient: Parameters
    ) -> FloatArray:
        """``backward``, and the gradient ``[N, D]`` of dense inputs."""
        return self._down(p, x, kept, d, gradient) @ p["0/weight"].T if self._depth else d

    def widened(self, p: Parameters, rows: int) -> Parameters:
        """With every gain and bias repeated for the rows: multiplying and adding then cost a third."""
        return {name: wide_bias(view, rows) if view.ndim == 1 else view for name, view in p.items()}

    def _activated(
        self, p: Parameters, i: int, state: FloatArray, out: FloatArray | None = None
    ) -> FloatArray:
        h: FloatArray = np.multiply(state[:, :-1], p[f"{i}/gain"], out=out)
        bias = p.get(f"{i}/bias")
        if bias is not None:
            h += bias
        activate(self._activation, h)
        return h

    def _down(
        self, p: Parameters, x: Inputs, kept: Sequence[FloatArray], d: FloatArray, gradient: Parameters
    ) -> FloatArray:
        """Down to the gradient of the first layer's sums."""
        h = kept[-1]
        for i in reversed(range(self._depth)):
            times_derivative(self._activation, d, h)
            gain, bias = gradient[f"{i}/gain"], gradient.get(f"{i}/bias")
            gain += np.einsum("ij,ij->j", d, kept[i][:, :-1])
            if bias is not None:
                bias += d.sum(axis=0)
            d = normalise_backward(d * p[f"{i}/gain"], kept[i])
            h = self._activated(p, i - 1, kept[i - 1]) if i else only_array(x)
            self._products[i].backward(h, d, gradient[f"{i}/weight"], None)
            if i:
                d = d @ p[f"{i}/weight"].T
        return d
