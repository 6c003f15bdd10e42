"""Actor-critic networks of dense layers: forward and backward in one place.

The hidden states that ``forward`` returns are exactly what ``backward`` needs, so the two may run in
different processes: a Player pushes the first's output, a Trainer gives it to the second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.dense import (
    Activation,
    activate,
    dense,
    dense_backward,
    orthogonal,
    times_derivative,
)
from touchline.policy.parameters import Layout

FloatArray = NDArray[np.floating[Any]]
TORSO_GAIN, POLICY_GAIN, VALUE_GAIN = math.sqrt(2), 0.01, 1.0


@dataclass(frozen=True, slots=True)
class Layer:
    """One dense layer's parameters: weight ``[I, O]``, bias ``[O]``."""

    weight: FloatArray
    bias: FloatArray


@dataclass(frozen=True, slots=True)
class Weights:
    """A flat vector and the layers that are views into it. A gradient has the same form."""

    flat: FloatArray
    policy_torso: tuple[Layer, ...]
    policy_head: Layer
    value_torso: tuple[Layer, ...]  # the policy's own when shared
    value_head: Layer
    log_std: FloatArray | None  # [A] where actions are continuous


@dataclass(frozen=True, slots=True)
class Network:
    """The shape of an actor-critic: separate torsos for policy and value, or one that both share.

    ``outputs`` is the width of the policy's last layer; ``log_std`` the initial log standard deviation of a
    continuous policy, None for a discrete one.
    """

    features: int
    outputs: int
    hidden: tuple[int, ...]
    activation: Activation
    shared: bool
    log_std: float | None
    layout: Layout

    @staticmethod
    def build(
        *,
        features: int,
        outputs: int,
        hidden: Sequence[int],
        activation: Activation,
        shared: bool,
        log_std: float | None,
    ) -> Network:
        """The network and the layout of its parameters."""
        shapes: dict[str, tuple[int, ...]] = {}
        last = hidden[-1] if hidden else features
        for torso in ("torso",) if shared else ("policy", "value"):
            for i, (rows, columns) in enumerate(zip((features, *hidden), hidden, strict=False)):
                shapes[f"{torso}/{i}/weight"] = (rows, columns)
                shapes[f"{torso}/{i}/bias"] = (columns,)
        for head, columns in (("policy", outputs), ("value", 1)):
            shapes[f"{head}/head/weight"] = (last, columns)
            shapes[f"{head}/head/bias"] = (columns,)
        if log_std is not None:
            shapes["policy/log_std"] = (outputs,)
        layout = Layout(shapes)
        return Network(features, outputs, tuple(hidden), activation, shared, log_std, layout)

    @property
    def head_size(self) -> int:
        """P: how many numbers of a row say the policy's distribution."""
        return self.outputs if self.log_std is None else 2 * self.outputs

    @property
    def hidden_shapes(self) -> tuple[int, ...]:
        """The widths of the hidden states kept: the policy's layers, then the value's unless shared."""
        return self.hidden if self.shared else self.hidden * 2

    def bind(self, flat: FloatArray) -> Weights:
        """The layers as views into ``flat``: float ``[layout.size]``."""
        views = self.layout.views(flat)

        def layer(name: str) -> Layer:
            return Layer(views[f"{name}/weight"], views[f"{name}/bias"])

        def torso(name: str) -> tuple[Layer, ...]:
            return tuple(layer(f"{name}/{i}") for i in range(len(self.hidden)))

        policy, value = ("torso", "torso") if self.shared else ("policy", "value")
        return Weights(
            flat=flat,
            policy_torso=torso(policy),
            policy_head=layer("policy/head"),
            value_torso=torso(value),
            value_head=layer("value/head"),
            log_std=views.get("policy/log_std"),
        )

    def widened(self, weights: Weights, rows: int) -> Weights:
        """The same weights with every bias repeated for ``rows`` rows ``[rows, O]``: adding one then costs a third.

        For the forward pass of a step, which is made many times with few rows.
        """

        def wide(layer: Layer) -> Layer:
            return Layer(layer.weight, np.repeat(layer.bias[None], rows, axis=0))

        return replace(
            weights,
            policy_torso=tuple(map(wide, weights.policy_torso)),
            policy_head=wide(weights.policy_head),
        )

    def init(self, rng: np.random.Generator) -> FloatArray:
        """Initial parameters, flat float32: orthogonal, gain √2, policy head 0.01, value head 1, biases 0."""
        flat = np.zeros(self.layout.size, np.float32)
        for name, view in self.layout.views(flat).items():
            if name == "policy/log_std":
                view[...] = self.log_std
            elif name.endswith("weight"):
                view[...] = orthogonal((view.shape[0], view.shape[1]), gain=_gain(name), rng=rng)
        return flat

    def policy_forward(
        self,
        weights: Weights,
        x: FloatArray,
        *,
        hidden_out: Sequence[FloatArray] | None = None,
        head_out: FloatArray | None = None,
    ) -> tuple[list[FloatArray], FloatArray]:
        """Rows ``x`` ``[N, D]`` -> (the policy's hidden states ``[N, H]`` each, head ``[N, P]``)."""
        hidden = self._torso(weights.policy_torso, x, hidden_out)
        last = hidden[-1] if hidden else x
        if weights.log_std is None:
            return hidden, dense(last, weights.policy_head.weight, weights.policy_head.bias, head_out)
        mean = dense(last, weights.policy_head.weight, weights.policy_head.bias)
        head = np.empty((len(x), self.head_size), mean.dtype) if head_out is None else head_out
        head[:, : self.outputs] = mean
        head[:, self.outputs :] = weights.log_std
        return hidden, head

    def value_forward(
        self,
        weights: Weights,
        x: FloatArray,
        *,
        policy_hidden: Sequence[FloatArray] | None = None,
        hidden_out: Sequence[FloatArray] | None = None,
    ) -> tuple[list[FloatArray], FloatArray]:
        """Rows -> (the value's own hidden states, values ``[N]``).

        A shared torso has none of its own; its states are taken from ``policy_hidden`` where given.
        """
        if self.shared:
            hidden = list(policy_hidden) if policy_hidden is not None else self._torso(weights.value_torso, x)
            return [], self.value_of(weights, hidden[-1] if hidden else x)
        hidden = self._torso(weights.value_torso, x, hidden_out)
        return hidden, self.value_of(weights, hidden[-1] if hidden else x)

    def value_of(self, weights: Weights, last: FloatArray) -> FloatArray:
        """The value head alone: its last hidden state ``[N, H]`` -> values ``[N]``."""
        return dense(last, weights.value_head.weight, weights.value_head.bias)[:, 0]

    def backward(
        self,
        weights: Weights,
        x: FloatArray,
        hidden: Sequence[FloatArray],
        *,
        d_head: FloatArray,
        d_values: FloatArray,
        gradient: Weights,
        value_head: Layer | None = None,
    ) -> None:
        """Add to ``gradient`` what the rows' head and value gradients give, from hidden states alone.

        x ``[N, D]``; hidden as ``hidden_shapes`` says; d_head ``[N, P]``; d_values ``[N]``. ``value_head`` stands
        for the snapshot's own where the live one is wanted.
        """
        depth = len(self.hidden)
        policy_hidden, value_hidden = hidden[:depth], hidden[:depth] if self.shared else hidden[depth:]
        d_policy = self._policy_head_backward(weights, x, policy_hidden, d_head, gradient)
        d_value = d_values[:, None]
        value_last = value_hidden[-1] if depth else x
        dense_backward(value_last, d_value, gradient.value_head.weight, gradient.value_head.bias)
        if depth == 0:
            return
        d_torso = d_value * (value_head or weights.value_head).weight[:, 0]
        if self.shared:
            d_policy += d_torso
        else:
            self._torso_backward(weights.value_torso, x, value_hidden, d_torso, gradient.value_torso)
        self._torso_backward(weights.policy_torso, x, policy_hidden, d_policy, gradient.policy_torso)

    def _policy_head_backward(
        self,
        weights: Weights,
        x: FloatArray,
        hidden: Sequence[FloatArray],
        d_head: FloatArray,
        gradient: Weights,
    ) -> FloatArray:
        if gradient.log_std is not None:
            gradient.log_std[...] += d_head[:, self.outputs :].sum(axis=0)
            d_head = d_head[:, : self.outputs]
        last = hidden[-1] if hidden else x
        dense_backward(last, d_head, gradient.policy_head.weight, gradient.policy_head.bias)
        return d_head @ weights.policy_head.weight.T

    def _torso(
        self, layers: Sequence[Layer], x: FloatArray, out: Sequence[FloatArray] | None = None
    ) -> list[FloatArray]:
        hidden = []
        for i, layer in enumerate(layers):
            x = dense(x, layer.weight, layer.bias, None if out is None else out[i])
            activate(self.activation, x)
            hidden.append(x)
        return hidden

    def _torso_backward(
        self,
        layers: Sequence[Layer],
        x: FloatArray,
        hidden: Sequence[FloatArray],
        d: FloatArray,
        gradient: Sequence[Layer],
    ) -> None:
        for i in reversed(range(len(layers))):
            times_derivative(self.activation, d, hidden[i])
            below = hidden[i - 1] if i else x
            dense_backward(below, d, gradient[i].weight, gradient[i].bias)
            if i:
                d = d @ layers[i].weight.T


def _gain(name: str) -> float:
    match name:
        case "policy/head/weight":
            return POLICY_GAIN
        case "value/head/weight":
            return VALUE_GAIN
        case _:
            return TORSO_GAIN
