"""Actor-critic networks: torsos, perhaps a recurrent core, and the heads; forward and backward in one place.

The hidden states that the forward pass keeps are exactly what ``backward`` needs, so the two may run in
different processes: a Player pushes the first's output, a Trainer gives it to the second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.policy.dense import dense, dense_backward
from touchline.policy.inputs import Inputs, only_array
from touchline.policy.parameters import Layout
from touchline.policy.recurrent import Core, Sequences, unrolled
from touchline.policy.torso import TORSO_GAIN, Initialization, Parameters, Torso, init_layer, wide_bias

FloatArray = NDArray[np.floating[Any]]
POLICY_GAIN, VALUE_GAIN = 0.01, 1.0
__all__ = ["POLICY_GAIN", "TORSO_GAIN", "VALUE_GAIN", "Layer", "Network", "Weights"]


class HeadForm(Protocol):
    """What of a distribution a network must know: how its head is made of outputs and free parameters."""

    @property
    def outputs(self) -> int: ...

    @property
    def parameters(self) -> int: ...

    @property
    def log_std_size(self) -> int: ...

    @property
    def plain(self) -> bool: ...

    def head(
        self, outputs: FloatArray, log_std: FloatArray | None, out: FloatArray | None = None
    ) -> FloatArray: ...

    def head_backward(self, d_head: FloatArray) -> tuple[FloatArray, FloatArray | None]: ...


@dataclass(frozen=True, slots=True)
class Layer:
    """One dense layer's parameters: weight ``[I, O]``, bias ``[O]`` or None."""

    weight: FloatArray
    bias: FloatArray | None


@dataclass(frozen=True, slots=True)
class Weights:
    """A flat vector and the parameters that are views into it. A gradient has the same form."""

    flat: FloatArray
    policy_torso: Parameters
    core: Parameters  # empty without one
    policy_head: Layer
    value_torso: Parameters  # the policy's own when shared
    value_head: Layer | None
    log_std: FloatArray | None  # where the deviation of actions does not depend on the state


@dataclass(frozen=True, slots=True)
class Network:
    """The shape of an actor-critic: separate torsos for policy and value, or one that both share.

    A ``core`` reads what the shared torso gives, and both heads read the core. ``has_value`` false: values are 0.
    """

    torso: Torso
    core: Core | None
    head_form: HeadForm
    shared: bool
    has_value: bool
    bias: bool
    initialization: Initialization
    log_std: float
    layout: Layout

    @staticmethod
    def build(
        *,
        torso: Torso,
        head_form: HeadForm,
        shared: bool,
        core: Core | None = None,
        has_value: bool = True,
        bias: bool = True,
        initialization: Initialization = "orthogonal",
        log_std: float = 0.0,
    ) -> Network:
        """The network and the layout of its parameters. ``log_std`` is the initial one."""
        shared = shared or not has_value
        shapes: dict[str, tuple[int, ...]] = {}
        for name in ("torso",) if shared else ("policy", "value"):
            shapes |= {f"{name}/{local}": shape for local, shape in torso.shapes.items()}
        if core is not None:
            shapes |= {f"core/{local}": shape for local, shape in core.shapes.items()}
        last = torso.size if core is None else core.size
        for head, columns in (("policy", head_form.outputs), *((("value", 1),) if has_value else ())):
            shapes[f"{head}/head/weight"] = (last, columns)
            if bias:
                shapes[f"{head}/head/bias"] = (columns,)
        if head_form.log_std_size:
            shapes["policy/log_std"] = (head_form.log_std_size,)
        return Network(
            torso, core, head_form, shared, has_value, bias, initialization, log_std, Layout(shapes)
        )

    @property
    def head_size(self) -> int:
        """P: how many numbers of a row say the policy's distribution."""
        return self.head_form.parameters

    @property
    def state_size(self) -> int:
        """S: the width of the recurrent state; 0 without one."""
        return 0 if self.core is None else self.core.state_size

    @property
    def policy_kept(self) -> tuple[tuple[int, ...], ...]:
        """The shapes, without the rows, of the hidden states on the policy's way; the last is what its head reads."""
        return self.torso.kept if self.core is None else (*self.torso.kept, *self.core.kept)

    def noted(self, *, keep_hidden: bool) -> tuple[tuple[int, ...], ...]:
        """Those of ``policy_kept`` that playing notes, the last of them: all where they are kept, or are a memory's.

        Of a shared torso the last alone otherwise: the values are read from it.
        """
        if keep_hidden or self.core is not None:
            return self.policy_kept
        return self.policy_kept[-1:] if self.shared and self.has_value else ()

    @property
    def value_kept(self) -> tuple[tuple[int, ...], ...]:
        """Those of the value's own torso; none when it has none of its own."""
        return () if self.shared else self.torso.kept

    @property
    def kept(self) -> tuple[tuple[int, ...], ...]:
        """All hidden states that ``backward`` needs, in its order."""
        return (*self.policy_kept, *self.value_kept)

    def bind(self, flat: FloatArray) -> Weights:
        """The parameters as views into ``flat``: float ``[layout.size]``."""
        views = self.layout.views(flat)
        policy, value = ("torso", "torso") if self.shared else ("policy", "value")
        return Weights(
            flat=flat,
            policy_torso=_under(views, policy, self.torso.shapes),
            core=_under(views, "core", {} if self.core is None else self.core.shapes),
            policy_head=Layer(views["policy/head/weight"], views.get("policy/head/bias")),
            value_torso=_under(views, value, self.torso.shapes),
            value_head=Layer(views["value/head/weight"], views.get("value/head/bias"))
            if self.has_value
            else None,
            log_std=views.get("policy/log_std"),
        )

    def widened(self, weights: Weights, rows: int) -> Weights:
        """The same weights, as is quickest for the forward pass of a step, made many times with so many rows."""
        head = weights.policy_head
        wide = None if head.bias is None else wide_bias(head.bias, rows)
        return replace(
            weights,
            policy_torso=self.torso.widened(weights.policy_torso, rows),
            policy_head=Layer(head.weight, wide),
        )

    def init(self, rng: np.random.Generator) -> FloatArray:
        """Initial parameters, flat float32: torsos by their own rule, policy head gain 0.01, value head 1."""
        flat = np.zeros(self.layout.size, np.float32)
        weights = self.bind(flat)
        self.torso.init(weights.policy_torso, rng)
        if not self.shared:
            self.torso.init(weights.value_torso, rng)
        if self.core is not None:
            self.core.init(weights.core, rng)
        init_layer(weights.policy_head.weight, gain=POLICY_GAIN, how=self.initialization, rng=rng)
        if weights.value_head is not None:
            init_layer(weights.value_head.weight, gain=VALUE_GAIN, how=self.initialization, rng=rng)
        if weights.log_std is not None:
            weights.log_std[...] = self.log_std
        return flat

    def initial_state(self, rows: int) -> FloatArray:
        """The recurrent state at an episode's start, float32 ``[rows, S]``."""
        return np.zeros((rows, self.state_size), np.float32)

    def state_after(self, hidden: Sequence[FloatArray]) -> FloatArray:
        """The state ``[..., S]`` that steps left behind, from the policy's hidden states."""
        assert self.core is not None, "a network without a core has no state"
        return self.core.state_after(hidden[len(self.torso.kept) : len(self.policy_kept)])

    def policy_forward(
        self,
        weights: Weights,
        x: Inputs,
        *,
        state: FloatArray | None = None,
        hidden_out: Sequence[FloatArray] | None = None,
        head_out: FloatArray | None = None,
    ) -> tuple[list[FloatArray], FloatArray]:
        """One step of rows ``x`` ``[N, ...]`` -> (the policy's hidden states ``[N, ...]`` each, head ``[N, P]``).

        ``state`` ``[N, S]``: that of a recurrent network, None at the start of episodes.
        """
        own = len(self.torso.kept)
        hidden = self.torso.forward(weights.policy_torso, x, None if hidden_out is None else hidden_out[:own])
        if self.core is not None:
            if state is None:
                state = np.zeros((len(x), self.state_size), weights.flat.dtype)
            out = None if hidden_out is None else hidden_out[own:]
            hidden += self.core.step(weights.core, _last(hidden, x), state, out)
        return hidden, self._head(weights, _last(hidden, x), head_out)

    def value_forward(
        self,
        weights: Weights,
        x: Inputs,
        *,
        policy_hidden: Sequence[FloatArray] | None = None,
        hidden_out: Sequence[FloatArray] | None = None,
    ) -> tuple[list[FloatArray], FloatArray]:
        """Rows -> (the value's own hidden states, values ``[N]``).

        A shared torso has none of its own; its states are taken from ``policy_hidden`` where given, and must be
        given where there is a core.
        """
        if not self.shared:
            hidden = self.torso.forward(weights.value_torso, x, hidden_out)
            return hidden, self.value_of(weights, _last(hidden, x))
        if policy_hidden is None:
            assert self.core is None, "the values of a recurrent network need its hidden states"
            policy_hidden = self.torso.forward(weights.value_torso, x)
        return [], self.value_of(weights, _last(policy_hidden, x))

    def value_of(self, weights: Weights, last: FloatArray, *, head: Layer | None = None) -> FloatArray:
        """The value head alone, or another in its place: its hidden state ``[N, H]`` -> values ``[N]``."""
        head = head or weights.value_head
        if head is None:
            return np.zeros(len(last), last.dtype)
        return dense(last, head.weight, head.bias)[:, 0]

    def forward(
        self, weights: Weights, x: Inputs, *, sequences: Sequences | None = None
    ) -> tuple[list[FloatArray], FloatArray, FloatArray]:
        """Rows -> (all hidden states as ``backward`` takes them, head ``[N, P]``, values ``[N]``).

        ``sequences`` says which rows follow which, where there is a core: N = T B.
        """
        if self.core is None:
            hidden, head = self.policy_forward(weights, x)
        else:
            assert sequences is not None, "rows of a recurrent network come in sequences"
            hidden = self.torso.forward(weights.policy_torso, x)
            hidden += unrolled(self.core, weights.core, _last(hidden, x), sequences)
            head = self._head(weights, _last(hidden, x))
        own, values = self.value_forward(weights, x, policy_hidden=hidden)
        return [*hidden, *own], head, values

    def backward(
        self,
        weights: Weights,
        x: Inputs,
        hidden: Sequence[FloatArray],
        *,
        d_head: FloatArray,
        d_values: FloatArray,
        gradient: Weights,
        value_head: Layer | None = None,
        sequences: Sequences | None = None,
    ) -> None:
        """Add to ``gradient`` what the rows' head and value gradients give, from hidden states alone.

        x ``[N, ...]``; hidden as ``kept`` says; d_head ``[N, P]``; d_values ``[N]``. ``value_head`` stands
        for the snapshot's own where the live one is wanted; ``sequences`` as in ``forward``.
        """
        policy_hidden, value_hidden = hidden[: len(self.policy_kept)], hidden[len(self.policy_kept) :]
        d = self._policy_head_backward(weights, _last(policy_hidden, x), d_head, gradient)
        if gradient.value_head is not None and weights.value_head is not None:
            value_last = _last(policy_hidden if self.shared else value_hidden, x)
            dense_backward(
                value_last, d_values[:, None], gradient.value_head.weight, gradient.value_head.bias
            )
            d_value = d_values[:, None] * (value_head or weights.value_head).weight[:, 0]
            if self.shared:
                d += d_value
            else:
                self.torso.backward(weights.value_torso, x, value_hidden, d_value, gradient.value_torso)
        torso_hidden = policy_hidden[: len(self.torso.kept)]
        if self.core is not None:
            assert sequences is not None, "rows of a recurrent network come in sequences"
            kept, below = policy_hidden[len(self.torso.kept) :], _last(torso_hidden, x)
            d = self.core.backward(weights.core, below, kept, d, sequences, gradient.core)
        self.torso.backward(weights.policy_torso, x, torso_hidden, d, gradient.policy_torso)

    def _head(self, weights: Weights, last: FloatArray, out: FloatArray | None = None) -> FloatArray:
        layer = weights.policy_head
        if self.head_form.plain:
            return dense(last, layer.weight, layer.bias, out)
        return self.head_form.head(dense(last, layer.weight, layer.bias), weights.log_std, out)

    def _policy_head_backward(
        self, weights: Weights, last: FloatArray, d_head: FloatArray, gradient: Weights
    ) -> FloatArray:
        if not self.head_form.plain:
            d_head, d_log_std = self.head_form.head_backward(d_head)
            if gradient.log_std is not None and d_log_std is not None:
                gradient.log_std[...] += d_log_std
        dense_backward(last, d_head, gradient.policy_head.weight, gradient.policy_head.bias)
        d_last: FloatArray = d_head @ weights.policy_head.weight.T
        return d_last


def _last(hidden: Sequence[FloatArray], x: Inputs) -> FloatArray:
    """What the next layer reads: the last hidden state, or the inputs where there is none."""
    return hidden[-1] if hidden else only_array(x)


def _under(views: Mapping[str, FloatArray], name: str, shapes: Mapping[str, object]) -> Parameters:
    return {local: views[f"{name}/{local}"] for local in shapes}
