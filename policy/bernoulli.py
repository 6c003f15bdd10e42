"""Bits: independent yes-or-no actions, and one choice of two by the sigmoid of one logit."""

from __future__ import annotations

from typing import final

import numpy as np

from touchline.policy.categorical import gumbel
from touchline.policy.head import AnyArray, FloatArray, PlainHead


def softplus(x: FloatArray) -> FloatArray:
    """log(1 + eˣ), without overflow; −softplus(−x) is the log of the sigmoid."""
    result: FloatArray = np.logaddexp(x.dtype.type(0), x)
    return result


def sigmoid(x: FloatArray) -> FloatArray:
    """1 / (1 + e⁻ˣ), exact in both tails."""
    return np.exp(-softplus(-x))


@final
class Bernoulli(PlainHead):
    """``n`` independent bits; head = logits ``[N, n]`` of a one, actions int64 ``[N, n]`` of 0 and 1."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.parameters = n
        self.noise_size = n

    def draw_noise(
        self, rng: np.random.Generator, shape: tuple[int, ...], before: FloatArray | None = None
    ) -> FloatArray:
        """Logistic noise ``[*shape, n]``: the difference of two Gumbels."""
        noise = gumbel(rng, (*shape, self.n))
        noise -= gumbel(rng, (*shape, self.n))
        return noise

    def sample(self, head: FloatArray, noise: FloatArray) -> AnyArray:
        """The Gumbel-max trick of the logits (0, x): one where x + noise is above 0."""
        return (head + noise > 0).astype(np.int64)

    def mode(self, head: FloatArray) -> AnyArray:
        return (head > 0).astype(np.int64)

    def log_prob(self, head: FloatArray, actions: AnyArray) -> FloatArray:
        """The joint log probability, Σ −log(1 + e^∓x)."""
        joint: FloatArray = -softplus(np.where(actions > 0, -head, head)).sum(axis=-1)
        return joint

    def log_prob_gradient(self, head: FloatArray, actions: AnyArray) -> FloatArray:
        """a − p."""
        gradient: FloatArray = actions.astype(head.dtype) - sigmoid(head)
        return gradient

    def entropy(self, head: FloatArray) -> FloatArray:
        """Σ log(1 + e⁻ᵐ) + m / (1 + eᵐ), m = |x|: the two logits' order does not matter, and nothing cancels."""
        m = np.abs(head)
        entropy: FloatArray = (softplus(-m) + m * sigmoid(-m)).sum(axis=-1)
        return entropy

    def entropy_gradient(self, head: FloatArray) -> FloatArray:
        """−x p (1 − p)."""
        gradient: FloatArray = -head * sigmoid(head) * sigmoid(-head)
        return gradient

    def kl(self, p: FloatArray, q: FloatArray) -> FloatArray:
        ones = sigmoid(p) * (softplus(-q) - softplus(-p))
        divergence: FloatArray = (ones + sigmoid(-p) * (softplus(q) - softplus(p))).sum(axis=-1)
        return divergence


@final
class Sigmoid(PlainHead):
    """One of two actions by one logit: P(action 1) = sigmoid(logit); head ``[N, 1]``, actions int64 ``[N]``.

    The same family as a softmax of two logits with half the last layer: x is the difference of the two.
    """

    def __init__(self) -> None:
        self._bit = Bernoulli(1)
        self.parameters = 1
        self.noise_size = 1

    def draw_noise(
        self, rng: np.random.Generator, shape: tuple[int, ...], before: FloatArray | None = None
    ) -> FloatArray:
        return self._bit.draw_noise(rng, shape)

    def sample(self, head: FloatArray, noise: FloatArray) -> AnyArray:
        return self._bit.sample(head, noise)[..., 0]

    def mode(self, head: FloatArray) -> AnyArray:
        return self._bit.mode(head)[..., 0]

    def log_prob(self, head: FloatArray, actions: AnyArray) -> FloatArray:
        return self._bit.log_prob(head, actions[..., None])

    def log_prob_gradient(self, head: FloatArray, actions: AnyArray) -> FloatArray:
        return self._bit.log_prob_gradient(head, actions[..., None])

    def entropy(self, head: FloatArray) -> FloatArray:
        return self._bit.entropy(head)

    def entropy_gradient(self, head: FloatArray) -> FloatArray:
        return self._bit.entropy_gradient(head)

    def kl(self, p: FloatArray, q: FloatArray) -> FloatArray:
        return self._bit.kl(p, q)
