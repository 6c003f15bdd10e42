"""Dense networks over the rows of a table: error, gradient and correct rows as functions of one flat weight vector.

Everything is a sum over rows, so that parts of a table add up to the whole. All numbers are float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.parameters import Layout
from touchline.targets.activations import Choice, Layer, activate, bend, slope
from touchline.targets.checking import checked_inputs, checked_layers, checked_targets, checked_weights
from touchline.targets.errors import TargetError
from touchline.targets.losses import Head, Loss, Output

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Forward:
    """A forward pass of N rows. ``z[l]`` are the sums of layer l, ``h[l]`` what it makes of them; h[-1] the outputs."""

    x: FloatArray  # float64 [N, inputs]
    z: tuple[FloatArray, ...]  # float64 [N, width] each
    h: tuple[FloatArray, ...]  # float64 [N, width] each

    def below(self, layer: int) -> FloatArray:
        """What enters a layer."""
        return self.h[layer - 1] if layer else self.x


@dataclass(frozen=True)
class TableNetwork:
    """h = phi(x W + b), layer after layer. x is ``[N, inputs]``, y float64 ``[N, outputs]`` (one-hot for classes), w
    float64 ``[size]``. Methods raise TargetError where one of them has another shape.
    """

    inputs: int
    hidden: tuple[int, ...]
    head: Head
    activations: tuple[Layer, ...]  # of the hidden layers
    bias: bool

    @classmethod
    def build(
        cls,
        *,
        inputs: int,
        hidden: Sequence[int],
        outputs: int,
        activation: str = "tanh",
        output: Output = "linear",
        loss: Loss = "squared",
        bias: bool = True,
    ) -> TableNetwork:
        """A network whose hidden layers share one activation.

        Raises TargetError for a width below 1, an unknown name, and an output that the loss makes no sense of.
        """
        widths = (inputs, *hidden, outputs)
        if min(widths) < 1:
            raise TargetError(f"widths of the layers: expected 1 or more each, found {list(widths)}")
        layers = checked_layers([(activation, 1.0)] * len(hidden), tuple(hidden))
        return cls(inputs, tuple(hidden), Head(outputs, output, loss), layers, bias)

    def with_activations(self, choices: Sequence[Choice | Sequence[Choice]]) -> TableNetwork:
        """The same network with these activations: for each hidden layer one choice, or one for each neuron.

        Raises TargetError where their number is not that of the layers or of a layer's neurons, for an unknown kind,
        and for a coefficient that is no finite number.
        """
        return replace(self, activations=checked_layers(choices, self.hidden))

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The parameters by name, in the order of the flat vector: ``0/weight`` [inputs, width], ``0/bias`` [width]."""
        widths = (self.inputs, *self.hidden, self.head.outputs)
        shapes: dict[str, tuple[int, ...]] = {}
        for layer, width in enumerate(widths[1:]):
            shapes[f"{layer}/weight"] = (widths[layer], width)
            if self.bias:
                shapes[f"{layer}/bias"] = (width,)
        return shapes

    @cached_property
    def layout(self) -> Layout:
        """Where each parameter lies in the flat vector."""
        return Layout(self.shapes)

    @property
    def size(self) -> int:
        return self.layout.size

    @property
    def layers(self) -> range:
        """The layers with weights, from below."""
        return range(len(self.hidden) + 1)

    def views(self, w: FloatArray) -> dict[str, FloatArray]:
        """The parameters by name: views, so that writing to one writes to ``w``."""
        return self.layout.views(checked_weights(w, self.size))

    def forward(self, w: FloatArray, x: FloatArray) -> Forward:
        """The sums and the values of every layer."""
        p, x = self.views(w), checked_inputs(x, self.inputs)
        z: list[FloatArray] = []
        h: list[FloatArray] = [x]
        for layer in self.layers:
            z.append(sums(p, layer, h[-1]))
            hidden = layer < len(self.hidden)
            h.append(activate(self.activations[layer], z[-1]) if hidden else self.head.values(z[-1]))
        return Forward(x, tuple(z), tuple(h[1:]))

    def outputs(self, w: FloatArray, x: FloatArray) -> FloatArray:
        """What the network makes of the rows, float64 ``[N, outputs]``."""
        return self.forward(w, x).h[-1]

    def errors(self, w: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
        """The error of each row, float64 ``[N]``."""
        forward = self.forward(w, x)
        return self.head.errors(forward.z[-1], checked_targets(y, len(x), self.head.outputs))

    def error(self, w: FloatArray, x: FloatArray, y: FloatArray) -> float:
        """The error summed over the rows."""
        return float(self.errors(w, x, y).sum())

    def gradient(self, w: FloatArray, x: FloatArray, y: FloatArray) -> tuple[float, FloatArray]:
        """The error summed over the rows, and its gradient float64 ``[size]``, by back-propagation."""
        forward, y = self.forward(w, x), checked_targets(y, len(x), self.head.outputs)
        error = float(self.head.errors(forward.z[-1], y).sum())
        return error, self.backward(w, forward, self.head.gradient(forward.z[-1], y))

    def backward(self, w: FloatArray, forward: Forward, d: FloatArray) -> FloatArray:
        """From ``d`` ``[N, outputs]``, the gradient of a scalar at the last sums, its gradient float64 ``[size]``."""
        p, gradient = self.views(w), np.empty(self.size)
        parts = self.views(gradient)
        for layer in reversed(self.layers):
            np.matmul(forward.below(layer).T, d, out=parts[f"{layer}/weight"])
            if self.bias:
                d.sum(axis=0, out=parts[f"{layer}/bias"])
            if layer:
                d = (d @ p[f"{layer}/weight"].T) * self.slopes(forward, layer - 1)
        return gradient

    def slopes(self, forward: Forward, layer: int) -> FloatArray:
        """dh/dz of a hidden layer, float64 ``[N, width]``."""
        return slope(self.activations[layer], forward.z[layer], forward.h[layer])

    def bends(self, forward: Forward, layer: int) -> FloatArray:
        """d²h/dz² of a hidden layer, float64 ``[N, width]``."""
        return bend(self.activations[layer], forward.z[layer], forward.h[layer])

    def numeric_gradient(
        self, w: FloatArray, x: FloatArray, y: FloatArray, *, indices: range, step: float = 1e-6
    ) -> FloatArray:
        """The gradient at some of the weights, float64 ``[len(indices)]``, by central differences.

        Two evaluations of the error a weight, so that a split of the weights splits the work.
        """
        moved, gradient = w.copy(), np.empty(len(indices))
        for number, index in enumerate(indices):
            moved[index] = w[index] + step
            above = self.error(moved, x, y)
            moved[index] = w[index] - step
            gradient[number] = (above - self.error(moved, x, y)) / (2 * step)
            moved[index] = w[index]
        return gradient

    def correct(self, w: FloatArray, x: FloatArray, y: FloatArray) -> int:
        """How many rows are right: the largest output is the largest wanted; one output: both on one side of ½."""
        return self.right(self.forward(w, x), checked_targets(y, len(x), self.head.outputs))

    def right(self, forward: Forward, y: FloatArray) -> int:
        """``correct`` of a forward pass that was made already."""
        if self.head.outputs == 1:
            return int(((forward.h[-1] > 0.5) == (y > 0.5)).sum())
        # The sums order as the outputs do, but do not all round to 1 where a network is sure.
        return int((forward.z[-1].argmax(axis=1) == y.argmax(axis=1)).sum())


def sums(p: dict[str, FloatArray], layer: int, h: FloatArray) -> FloatArray:
    """x W + b of one layer: h ``[N, inputs]`` -> ``[N, width]``."""
    z: FloatArray = h @ p[f"{layer}/weight"]
    if f"{layer}/bias" in p:
        z += p[f"{layer}/bias"]
    return z
