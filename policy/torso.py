"""Torsos: what stands between a network's inputs and its heads. They hold shapes; weights are handed to them.

What ``forward`` keeps is exactly what ``backward`` needs beside the inputs and the weights, so the two may run in
different processes: a Player pushes the first's output, a Trainer gives it to the second.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.policy.dense import Activation, activate, orthogonal, times_derivative
from touchline.policy.inputs import Inputs, only_array
from touchline.policy.products import DENSE, Product

FloatArray = NDArray[np.floating[Any]]
Parameters = Mapping[str, FloatArray]
Initialization = Literal["orthogonal", "scaled_normal"]
TORSO_GAIN = math.sqrt(2)


class Torso(Protocol):
    """Stateless: the same object serves every snapshot, and both policy and value."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The parameters by name, in their order."""

    @property
    def kept(self) -> tuple[tuple[int, ...], ...]:
        """The shapes, without the rows, of what ``forward`` gives; the last is the output ``(size,)``.

        Empty: the inputs are the output.
        """

    @property
    def size(self) -> int:
        """F: the width of the output."""

    def init(self, views: Parameters, rng: np.random.Generator) -> None:
        """Fill the parameters, float32 views, with initial values."""

    def forward(self, p: Parameters, x: Inputs, out: Sequence[FloatArray] | None = None) -> list[FloatArray]:
        """Rows -> what is kept, ``[N, ...]`` each, in ``out`` where given."""

    def backward(
        self, p: Parameters, x: Inputs, kept: Sequence[FloatArray], d: FloatArray, gradient: Parameters
    ) -> None:
        """Add to ``gradient`` what the output's gradient ``d`` ``[N, F]`` gives. May overwrite ``d``."""

    def widened(self, p: Parameters, rows: int) -> Parameters:
        """The same parameters, as is quickest for many forward passes of so many rows."""


class DenseTorso:
    """Dense layers of any number, each followed by the activation."""

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
        """``first`` multiplies the inputs; every other product is of dense rows."""
        self._activation = activation
        self._initialization: Initialization = initialization
        self._products = (first, *(DENSE,) * len(hidden))
        self.kept = tuple((width,) for width in hidden)
        self.size = hidden[-1] if hidden else features
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._names = tuple((f"{i}/weight", f"{i}/bias") for i in range(len(hidden)))
        for (weight, constant), shape in zip(
            self._names, itertools.pairwise((features, *hidden)), strict=True
        ):
            self.shapes[weight] = shape
            if bias:
                self.shapes[constant] = shape[1:]

    def init(self, views: Parameters, rng: np.random.Generator) -> None:
        for view in views.values():
            init_layer(view, gain=TORSO_GAIN, how=self._initialization, rng=rng)

    def forward(self, p: Parameters, x: Inputs, out: Sequence[FloatArray] | None = None) -> list[FloatArray]:
        h = only_array(x)
        kept = []
        for i, (weight, bias) in enumerate(self._names):
            h = self._products[i].forward(h, p[weight], p.get(bias), None if out is None else out[i])
            activate(self._activation, h)
            kept.append(h)
        return kept

    def backward(
        self, p: Parameters, x: Inputs, kept: Sequence[FloatArray], d: FloatArray, gradient: Parameters
    ) -> None:
        self._down(p, x, kept, d, gradient)

    def backward_to_inputs(
        self, p: Parameters, x: Inputs, kept: Sequence[FloatArray], d: FloatArray, gradient: Parameters
    ) -> FloatArray:
        """``backward``, and the gradient ``[N, D]`` of the inputs, for what stands below."""
        d = self._down(p, x, kept, d, gradient)
        return d @ p["0/weight"].T if self._names else d

    def _down(
        self, p: Parameters, x: Inputs, kept: Sequence[FloatArray], d: FloatArray, gradient: Parameters
    ) -> FloatArray:
        """Down to the gradient of the first layer's sums."""
        for i in reversed(range(len(self._names))):
            weight, bias = self._names[i]
            times_derivative(self._activation, d, kept[i])
            below = kept[i - 1] if i else only_array(x)
            self._products[i].backward(below, d, gradient[weight], gradient.get(bias))
            if i:
                d = d @ p[weight].T
        return d

    def widened(self, p: Parameters, rows: int) -> Parameters:
        """With every bias repeated for the rows ``[rows, O]``: adding one then costs a third."""
        return {name: wide_bias(view, rows) if view.ndim == 1 else view for name, view in p.items()}


def wide_bias(bias: FloatArray, rows: int) -> FloatArray:
    """A bias ``[O]`` repeated ``[rows, O]``."""
    return np.repeat(bias[None], rows, axis=0)


def init_layer(view: FloatArray, *, gain: float, how: Initialization, rng: np.random.Generator) -> None:
    """Fill one parameter: a bias ``[O]`` with 0; a weight ``[I, O]`` orthogonal times the gain, or with deviation
    1/√I, which knows no gain (Karpathy 2016)."""
    if view.ndim == 1:
        view[...] = 0
    elif how == "scaled_normal":
        view[...] = rng.standard_normal(view.shape) / math.sqrt(view.shape[0])
    else:
        view[...] = orthogonal((view.shape[0], view.shape[1]), gain=gain, rng=rng)
