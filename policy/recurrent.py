"""Recurrent cores: GRU and LSTM, one step for a Player, a whole unroll and its backward pass for a Trainer.

The gates of every step are kept, so that the backward pass through time needs no forward pass: a Player pushes
them, with the state that the unroll began from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.policy.torso import Initialization, Parameters, init_layer

FloatArray = NDArray[np.floating[Any]]
FORGET_BIAS = 1.0  # Gers et al. 2000: a memory that is kept until something is learnt


@dataclass(frozen=True, slots=True)
class Sequences:
    """Rows ``[T * B]``, time-major, that depend on those before them."""

    starts: NDArray[np.bool_]  # bool [T, B]: the state before this step is zero
    state: FloatArray  # float [B, S]: the state before step 0, where it is no start

    @property
    def shape(self) -> tuple[int, int]:
        """(T, B)."""
        return self.starts.shape[0], self.starts.shape[1]

    def lanes(self, index: slice | NDArray[np.intp]) -> Sequences:
        """Some of the lanes, whole."""
        return Sequences(self.starts[:, index], self.state[index])


def starts_of(ended: NDArray[np.bool_], valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where the state is zero before a step, bool ``[T, B]``: after an episode's end, and after the extra step that
    autoreset adds. Step 0 is no start: the state that is carried over has been reset already."""
    starts = np.zeros_like(ended)
    starts[1:] = ended[:-1] | ~valid[:-1]
    return starts


class Core(Protocol):
    """A memory between torso and heads."""

    size: int  # H
    state_size: int  # S
    kept: tuple[tuple[int, ...], ...]  # the last is the output (H,)

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The parameters by name, in their order."""

    def init(self, views: Parameters, rng: np.random.Generator) -> None:
        """Fill the parameters."""

    def step(
        self, p: Parameters, x: FloatArray, state: FloatArray, out: Sequence[FloatArray] | None = None
    ) -> list[FloatArray]:
        """One step of N rows: x ``[N, F]``, state ``[N, S]`` -> what is kept, ``[N, ...]`` each."""

    def state_after(self, kept: Sequence[FloatArray]) -> FloatArray:
        """The state ``[..., S]`` that a step left behind, from what it kept."""

    def backward(
        self,
        p: Parameters,
        x: FloatArray,
        kept: Sequence[FloatArray],
        d: FloatArray,
        sequences: Sequences,
        gradient: Parameters,
    ) -> FloatArray:
        """Through time: the output's gradient ``d`` ``[T B, H]`` -> that of the rows x ``[T B, F]``; adds to
        ``gradient``."""


def unrolled(core: Core, p: Parameters, x: FloatArray, sequences: Sequences) -> list[FloatArray]:
    """T steps of B lanes: x ``[T B, F]``, time-major -> what each step keeps, ``[T B, ...]``."""
    steps, lanes = sequences.shape
    dtype = p["hidden"].dtype
    kept = [np.empty((steps, lanes, *shape), dtype) for shape in core.kept]
    rows = x.reshape(steps, lanes, -1)
    state = sequences.state
    for t in range(steps):
        state = np.where(sequences.starts[t][:, None], dtype.type(0), state)
        state = core.state_after(core.step(p, rows[t], state, [layer[t] for layer in kept]))
    return [layer.reshape(steps * lanes, *layer.shape[2:]) for layer in kept]


def states_before(core: Core, kept: Sequence[FloatArray], sequences: Sequences) -> FloatArray:
    """The state that each step began from, ``[T, B, S]``, from what the steps kept."""
    steps, lanes = sequences.shape
    before = np.empty((steps, lanes, core.state_size), kept[-1].dtype)
    before[0] = sequences.state
    before[1:] = core.state_after(kept).reshape(steps, lanes, -1)[:-1]
    before[sequences.starts] = 0
    return before


class GRU:
    """Cho et al. 2014, with the reset gate after the product, as cuDNN and PyTorch have it:

        r, z = σ(x W + h U + b),   n = tanh(x W_n + b_n + r (h U_n + c)),   h' = (1 − z) n + z h

    Kept: r, z, n and h U_n + c side by side ``[4 H]``, then h' ``[H]``. Without ``bias`` b and c are left out.
    """

    def __init__(
        self, *, features: int, size: int, bias: bool = True, initialization: Initialization = "orthogonal"
    ) -> None:
        self._initialization: Initialization = initialization
        self.size = self.state_size = size
        self.kept: tuple[tuple[int, ...], ...] = ((4 * size,), (size,))
        self.shapes: dict[str, tuple[int, ...]] = {
            "input": (features, 3 * size),
            "hidden": (size, 3 * size),
        }
        if bias:
            self.shapes |= {"bias": (3 * size,), "candidate_bias": (size,)}

    def init(self, views: Parameters, rng: np.random.Generator) -> None:
        _init_gates(views, self.size, self._initialization, rng)

    def step(
        self, p: Parameters, x: FloatArray, state: FloatArray, out: Sequence[FloatArray] | None = None
    ) -> list[FloatArray]:
        size = self.size
        gates, h = _buffers(self.kept, p, x, out)
        given, carried = _sums(p, x), state @ p["hidden"]
        reset_update = gates[:, : 2 * size]
        _sigmoid(given[:, : 2 * size] + carried[:, : 2 * size], reset_update)
        gates[:, 3 * size :] = carried[:, 2 * size :]
        if "candidate_bias" in p:
            gates[:, 3 * size :] += p["candidate_bias"]
        r, z, n = gates[:, :size], gates[:, size : 2 * size], gates[:, 2 * size : 3 * size]
        np.tanh(given[:, 2 * size :] + r * gates[:, 3 * size :], out=n)
        np.add(n, z * (state - n), out=h)
        return [gates, h]

    def state_after(self, kept: Sequence[FloatArray]) -> FloatArray:
        return kept[1]

    def backward(
        self,
        p: Parameters,
        x: FloatArray,
        kept: Sequence[FloatArray],
        d: FloatArray,
        sequences: Sequences,
        gradient: Parameters,
    ) -> FloatArray:
        steps, lanes = sequences.shape
        before = states_before(self, kept, sequences)
        gates = kept[0].reshape(steps, lanes, 4, self.size)
        d_out = d.reshape(steps, lanes, self.size)
        d_given = np.empty((steps, lanes, 3, self.size), d.dtype)  # at the sums that x enters
        d_carried = np.empty_like(d_given)  # at the sums that h enters
        d_state = np.zeros((lanes, self.size), d.dtype)
        for t in reversed(range(steps)):
            r, z, n, inner = (gates[t, :, i] for i in range(4))
            dh = d_out[t] + d_state
            dn = dh * (1 - z) * (1 - n * n)
            d_given[t, :, 0] = dn * inner * r * (1 - r)
            d_given[t, :, 1] = dh * (before[t] - n) * z * (1 - z)
            d_given[t, :, 2] = dn
            d_carried[t, :, :2] = d_given[t, :, :2]
            d_carried[t, :, 2] = dn * r
            d_state = dh * z + d_carried[t].reshape(lanes, -1) @ p["hidden"].T
            d_state[sequences.starts[t]] = 0
        flat_given = d_given.reshape(steps * lanes, -1)
        flat_carried = d_carried.reshape(steps * lanes, -1)
        _add_products(gradient, x, before, flat_given, flat_carried)
        if "candidate_bias" in gradient:
            gradient["candidate_bias"][...] += flat_carried[:, 2 * self.size :].sum(axis=0)
        d_x: FloatArray = flat_given @ p["input"].T
        return d_x


class LSTM:
    """Hochreiter and Schmidhuber 1997, with forget gates (Gers et al. 2000):

        i, f, o = σ(x W + h U + b),   g = tanh(…),   c' = f c + i g,   h' = o tanh(c')

    Kept: i, f, g and o side by side ``[4 H]``, c' ``[H]``, h' ``[H]``. The state is c then h. Without ``bias`` b is
    left out, and with it the forget gates' initial 1.
    """

    def __init__(
        self, *, features: int, size: int, bias: bool = True, initialization: Initialization = "orthogonal"
    ) -> None:
        self._initialization: Initialization = initialization
        self.size, self.state_size = size, 2 * size
        self.kept: tuple[tuple[int, ...], ...] = ((4 * size,), (size,), (size,))
        self.shapes: dict[str, tuple[int, ...]] = {
            "input": (features, 4 * size),
            "hidden": (size, 4 * size),
        }
        if bias:
            self.shapes["bias"] = (4 * size,)

    def init(self, views: Parameters, rng: np.random.Generator) -> None:
        _init_gates(views, self.size, self._initialization, rng)
        if "bias" in views:
            views["bias"][self.size : 2 * self.size] = FORGET_BIAS

    def step(
        self, p: Parameters, x: FloatArray, state: FloatArray, out: Sequence[FloatArray] | None = None
    ) -> list[FloatArray]:
        size = self.size
        gates, c, h = _buffers(self.kept, p, x, out)
        before, carried = state[:, :size], state[:, size:]
        sums = _sums(p, x)
        sums += carried @ p["hidden"]
        _sigmoid(sums, gates)
        np.tanh(sums[:, 2 * size : 3 * size], out=gates[:, 2 * size : 3 * size])
        i, f, g, o = (gates[:, k * size : (k + 1) * size] for k in range(4))
        np.add(f * before, i * g, out=c)
        np.multiply(o, np.tanh(c), out=h)
        return [gates, c, h]

    def state_after(self, kept: Sequence[FloatArray]) -> FloatArray:
        return np.concatenate([kept[1], kept[2]], axis=-1)

    def backward(
        self,
        p: Parameters,
        x: FloatArray,
        kept: Sequence[FloatArray],
        d: FloatArray,
        sequences: Sequences,
        gradient: Parameters,
    ) -> FloatArray:
        steps, lanes = sequences.shape
        size = self.size
        before = states_before(self, kept, sequences)
        gates = kept[0].reshape(steps, lanes, 4, size)
        squashed = np.tanh(kept[1]).reshape(steps, lanes, size)
        d_out = d.reshape(steps, lanes, size)
        d_sums = np.empty((steps, lanes, 4, size), d.dtype)
        d_state = np.zeros((lanes, 2 * size), d.dtype)
        for t in reversed(range(steps)):
            i, f, g, o = (gates[t, :, k] for k in range(4))
            dh = d_out[t] + d_state[:, size:]
            dc = d_state[:, :size] + dh * o * (1 - squashed[t] ** 2)
            d_sums[t, :, 0] = dc * g * i * (1 - i)
            d_sums[t, :, 1] = dc * before[t, :, :size] * f * (1 - f)
            d_sums[t, :, 2] = dc * i * (1 - g * g)
            d_sums[t, :, 3] = dh * squashed[t] * o * (1 - o)
            d_state[:, :size] = dc * f
            d_state[:, size:] = d_sums[t].reshape(lanes, -1) @ p["hidden"].T
            d_state[sequences.starts[t]] = 0
        flat = d_sums.reshape(steps * lanes, -1)
        _add_products(gradient, x, before[..., size:], flat, flat)
        d_x: FloatArray = flat @ p["input"].T
        return d_x


def _sums(p: Parameters, x: FloatArray) -> FloatArray:
    """What the rows give the gates: x W + b."""
    sums: FloatArray = x @ p["input"]
    if "bias" in p:
        sums += p["bias"]
    return sums


def _add_products(
    gradient: Parameters, x: FloatArray, before: FloatArray, d_given: FloatArray, d_carried: FloatArray
) -> None:
    """What all steps together give the weights: one matrix product each, after the walk through time."""
    gradient["input"][...] += x.T @ d_given
    gradient["hidden"][...] += before.reshape(len(x), -1).T @ d_carried
    if "bias" in gradient:
        gradient["bias"][...] += d_given.sum(axis=0)


def _buffers(
    kept: Sequence[tuple[int, ...]], p: Parameters, x: FloatArray, out: Sequence[FloatArray] | None
) -> Sequence[FloatArray]:
    return out if out is not None else [np.empty((len(x), *shape), p["hidden"].dtype) for shape in kept]


def _sigmoid(z: FloatArray, out: FloatArray) -> None:
    """σ(z) = (1 + tanh(z / 2)) / 2, which cannot overflow."""
    np.multiply(z, z.dtype.type(0.5), out=out)
    np.tanh(out, out=out)
    out += 1
    out *= z.dtype.type(0.5)


def _init_gates(views: Parameters, size: int, how: Initialization, rng: np.random.Generator) -> None:
    """Each gate's block as any layer, orthogonal with gain 1; biases 0."""
    for name, view in views.items():
        view[...] = 0
        if name in {"input", "hidden"}:
            for start in range(0, view.shape[1], size):
                init_layer(view[:, start : start + size], gain=1.0, how=how, rng=rng)
