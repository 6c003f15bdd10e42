"""Action distributions, as functions of the head: the last layer's outputs ``[N, P]``.

Every function is pure and takes rows. Gradients are with respect to the head, so that a loss is a weighted
sum of these rows and one backward pass follows. ``noise`` is drawn before, in one call an unroll.
"""

from __future__ import annotations

import math
from typing import Any, Protocol, assert_never

import numpy as np
from numpy.typing import NDArray

from touchline.policy.spaces import Box, Discrete, MultiBinary, MultiDiscrete, Space, SpaceError

FloatArray = NDArray[np.floating[Any]]
AnyArray = NDArray[Any]
LOG_2PI = math.log(2 * math.pi)


class Distribution(Protocol):
    """What a head means. P parameters a row, noise of N a row, actions as the environment's space has them."""

    parameters: int  # P
    noise_size: int

    def draw_noise(self, rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray: ...

    def sample(self, head: FloatArray, noise: FloatArray) -> AnyArray: ...

    def mode(self, head: FloatArray) -> AnyArray: ...

    def log_prob(self, head: FloatArray, actions: AnyArray) -> FloatArray: ...

    def log_prob_gradient(self, head: FloatArray, actions: AnyArray) -> FloatArray: ...

    def entropy(self, head: FloatArray) -> FloatArray: ...

    def entropy_gradient(self, head: FloatArray) -> FloatArray: ...

    def kl(self, p: FloatArray, q: FloatArray) -> FloatArray: ...


def log_softmax(logits: FloatArray) -> FloatArray:
    """Row-wise log of the softmax, shifted by the maximum so that it cannot overflow."""
    shifted: FloatArray = logits - logits.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


class Categorical:
    """One of ``n`` actions; head = logits ``[N, n]``, actions int64 ``[N]``, from 0."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.parameters = n
        self.noise_size = n

    def draw_noise(self, rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Gumbel noise float32 ``[*shape, n]``: −log of an exponential."""
        noise: FloatArray = rng.standard_exponential((*shape, self.n), dtype=np.float32)
        np.maximum(noise, np.finfo(np.float32).tiny, out=noise)
        np.log(noise, out=noise)
        return np.negative(noise, out=noise)

    def sample(self, head: FloatArray, noise: FloatArray) -> AnyArray:
        """The Gumbel-max trick: argmax of logits + noise is a draw from the softmax."""
        actions: AnyArray = (head + noise).argmax(axis=-1)
        return actions

    def mode(self, head: FloatArray) -> AnyArray:
        actions: AnyArray = head.argmax(axis=-1)
        return actions

    def log_prob(self, head: FloatArray, actions: AnyArray) -> FloatArray:
        return _chosen(log_softmax(head), actions)

    def log_prob_gradient(self, head: FloatArray, actions: AnyArray) -> FloatArray:
        """e_a − p."""
        gradient = np.exp(log_softmax(head))
        np.negative(gradient, out=gradient)
        gradient[np.arange(len(actions)), actions] += 1
        return gradient

    def entropy(self, head: FloatArray) -> FloatArray:
        logs = log_softmax(head)
        entropy: FloatArray = -(np.exp(logs) * logs).sum(axis=-1)
        return entropy

    def entropy_gradient(self, head: FloatArray) -> FloatArray:
        """−p (log p + H)."""
        logs = log_softmax(head)
        p = np.exp(logs)
        h = -(p * logs).sum(axis=-1, keepdims=True)
        gradient: FloatArray = -p * (logs + h)
        return gradient

    def kl(self, p: FloatArray, q: FloatArray) -> FloatArray:
        log_p = log_softmax(p)
        divergence: FloatArray = (np.exp(log_p) * (log_p - log_softmax(q))).sum(axis=-1)
        return divergence


class MultiCategorical:
    """Independent choices; head = their logits side by side, actions int64 ``[N, F]``."""

    def __init__(self, nvec: tuple[int, ...]) -> None:
        self.factors = tuple(Categorical(n) for n in nvec)
        self.parameters = sum(nvec)
        self.noise_size = sum(nvec)
        stops = np.cumsum(nvec)
        self._slices = tuple(slice(int(stop - n), int(stop)) for n, stop in zip(nvec, stops, strict=True))

    def draw_noise(self, rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        return Categorical(self.parameters).draw_noise(rng, shape)

    def sample(self, head: FloatArray, noise: FloatArray) -> AnyArray:
        noisy = head + noise
        return self.mode(noisy)

    def mode(self, head: FloatArray) -> AnyArray:
        return np.stack([head[..., part].argmax(axis=-1) for part in self._slices], axis=-1)

    def log_prob(self, head: FloatArray, actions: AnyArray) -> FloatArray:
        """The joint log probability: the factors' sum, so that ratios are joint ratios."""
        logs = [f.log_prob(head[:, part], actions[:, i]) for i, (f, part) in enumerate(self._parts())]
        joint: FloatArray = np.sum(logs, axis=0)
        return joint

    def log_prob_gradient(self, head: FloatArray, actions: AnyArray) -> FloatArray:
        parts = [
            f.log_prob_gradient(head[:, part], actions[:, i]) for i, (f, part) in enumerate(self._parts())
        ]
        return np.concatenate(parts, axis=-1)

    def entropy(self, head: FloatArray) -> FloatArray:
        total: FloatArray = np.sum([f.entropy(head[..., part]) for f, part in self._parts()], axis=0)
        return total

    def entropy_gradient(self, head: FloatArray) -> FloatArray:
        return np.concatenate([f.entropy_gradient(head[..., part]) for f, part in self._parts()], axis=-1)

    def kl(self, p: FloatArray, q: FloatArray) -> FloatArray:
        total: FloatArray = np.sum([f.kl(p[..., part], q[..., part]) for f, part in self._parts()], axis=0)
        return total

    def _parts(self) -> list[tuple[Categorical, slice]]:
        return list(zip(self.factors, self._slices, strict=True))


class DiagonalGaussian:
    """Independent normals; head = means then log standard deviations ``[N, 2 A]``, actions float32 ``[N, A]``.

    Actions are kept as drawn: clipping to the space's bounds is part of the environment, so log
    probabilities and ratios stay those of the normal.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.parameters = 2 * size
        self.noise_size = size

    def draw_noise(self, rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        return rng.standard_normal((*shape, self.size), dtype=np.float32)

    def sample(self, head: FloatArray, noise: FloatArray) -> AnyArray:
        mean, log_std = self._split(head)
        draw: AnyArray = mean + np.exp(log_std) * noise
        return draw

    def mode(self, head: FloatArray) -> AnyArray:
        return self._split(head)[0].copy()

    def log_prob(self, head: FloatArray, actions: AnyArray) -> FloatArray:
        mean, log_std = self._split(head)
        z = (actions - mean) * np.exp(-log_std)
        half = head.dtype.type(0.5)
        log_prob: FloatArray = -(half * z * z + log_std).sum(axis=-1) - half * head.dtype.type(
            self.size * LOG_2PI
        )
        return log_prob

    def log_prob_gradient(self, head: FloatArray, actions: AnyArray) -> FloatArray:
        """d/dmean = z/σ, d/dlog σ = z² − 1."""
        mean, log_std = self._split(head)
        precision = np.exp(-log_std)
        z = (actions - mean) * precision
        return np.concatenate([z * precision, z * z - 1], axis=-1)

    def entropy(self, head: FloatArray) -> FloatArray:
        log_std = self._split(head)[1]
        entropy: FloatArray = log_std.sum(axis=-1) + head.dtype.type(0.5 * self.size * (1 + LOG_2PI))
        return entropy

    def entropy_gradient(self, head: FloatArray) -> FloatArray:
        gradient = np.zeros_like(head)
        gradient[..., self.size :] = 1
        return gradient

    def kl(self, p: FloatArray, q: FloatArray) -> FloatArray:
        (mean_p, log_p), (mean_q, log_q) = self._split(p), self._split(q)
        ratio = np.exp(2 * (log_p - log_q))
        shift = np.square((mean_p - mean_q) * np.exp(-log_q))
        divergence: FloatArray = (log_q - log_p + (ratio + shift - 1) / 2).sum(axis=-1)
        return divergence

    def _split(self, head: FloatArray) -> tuple[FloatArray, FloatArray]:
        return head[..., : self.size], head[..., self.size :]


def distribution_of(space: Space) -> Distribution:
    """The distribution of an action space. Raises SpaceError for one that has none."""
    match space:
        case Discrete():
            return Categorical(space.n)
        case MultiDiscrete():
            return MultiCategorical(space.nvec)
        case Box():
            if not np.issubdtype(np.dtype(space.dtype), np.floating):
                raise SpaceError(f"action space: expected a Box of floats, found dtype {space.dtype}")
            return DiagonalGaussian(space.size)
        case MultiBinary():
            raise SpaceError("action space: expected Discrete, MultiDiscrete or Box, found MultiBinary")
        case _:
            assert_never(space)


def _chosen(table: FloatArray, actions: AnyArray) -> FloatArray:
    chosen: FloatArray = table[np.arange(len(actions)), actions]
    return chosen
