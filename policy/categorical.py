"""Choices: one of n, several independent ones, bits, and two actions by one logit."""

from __future__ import annotations

from typing import final

import numpy as np

from touchline.policy.head import AnyArray, FloatArray, PlainHead


def log_softmax(logits: FloatArray) -> FloatArray:
    """Row-wise log of the softmax, shifted by the maximum so that it cannot overflow."""
    shifted: FloatArray = logits - logits.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def gumbel(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Gumbel noise float32: −log of an exponential."""
    noise: FloatArray = rng.standard_exponential(shape, dtype=np.float32)
    np.maximum(noise, np.finfo(np.float32).tiny, out=noise)
    np.log(noise, out=noise)
    return np.negative(noise, out=noise)


@final
class Categorical(PlainHead):
    """One of ``n`` actions; head = logits ``[N, n]``, actions int64 ``[N]``, from 0."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.parameters = n
        self.noise_size = n

    def draw_noise(
        self, rng: np.random.Generator, shape: tuple[int, ...], before: FloatArray | None = None
    ) -> FloatArray:
        """Gumbel noise ``[*shape, n]``."""
        return gumbel(rng, (*shape, self.n))

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


@final
class MultiCategorical(PlainHead):
    """Independent choices; head = their logits side by side, actions int64 ``[N, F]``."""

    def __init__(self, nvec: tuple[int, ...]) -> None:
        self.factors = tuple(Categorical(n) for n in nvec)
        self.parameters = sum(nvec)
        self.noise_size = sum(nvec)
        stops = np.cumsum(nvec)
        self._slices = tuple(slice(int(stop - n), int(stop)) for n, stop in zip(nvec, stops, strict=True))

    def draw_noise(
        self, rng: np.random.Generator, shape: tuple[int, ...], before: FloatArray | None = None
    ) -> FloatArray:
        return gumbel(rng, (*shape, self.noise_size))

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


def _chosen(table: FloatArray, actions: AnyArray) -> FloatArray:
    chosen: FloatArray = table[np.arange(len(actions)), actions]
    return chosen
