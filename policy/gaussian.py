"""Continuous actions: independent normals, whose deviation is of the state or not."""

from __future__ import annotations

import math
from typing import final

import numpy as np

from touchline.policy.bernoulli import sigmoid, softplus
from touchline.policy.head import AnyArray, FloatArray
from touchline.policy.noise import correlate

LOG_2PI = math.log(2 * math.pi)
LOG_STD_BOUNDS = (-20.0, 2.0)  # of a deviation that a network gives, as in SAC (Haarnoja et al. 2018)


@final
class DiagonalGaussian:
    """Independent normals; actions float32 ``[N, A]``, as drawn; head ``[N, 2 A]``, means first.

    With ``initial`` None the head's second half is the log standard deviation, a parameter of its own for each
    action. Otherwise the network gives it too: the second half is a number x that ``soft_bound`` turns into a
    log standard deviation within LOG_STD_BOUNDS, and x = 0 into ``initial``.

    Actions are kept as drawn: clipping to the space's bounds, or squashing into them, is part of the
    environment. So log probabilities, ratios, entropy and divergence are those of the normal before it; the
    squashed action's log density differs by a term that no weight changes, and its ratios not at all. The mode
    is the mean, whose image is the squashed action's median.

    ``correlation`` is that of the noise of a step with that of the step before.
    """

    def __init__(self, size: int, *, initial: float | None = None, correlation: float = 0.0) -> None:
        self.size = size
        self.parameters = 2 * size
        self.noise_size = size
        self.plain = initial is not None
        self.outputs, self.log_std_size = (2 * size, 0) if self.plain else (size, size)
        self._offset = None if initial is None else soft_bound_inverse(initial)
        self._correlation = correlation

    def head(
        self, outputs: FloatArray, log_std: FloatArray | None = None, out: FloatArray | None = None
    ) -> FloatArray:
        if self.plain and out is None:
            return outputs
        head = np.empty((len(outputs), self.parameters), outputs.dtype) if out is None else out
        head[:, : self.outputs] = outputs
        if not self.plain:
            head[:, self.size :] = log_std
        return head

    def head_backward(self, d_head: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        if self.plain:
            return d_head, None
        return d_head[:, : self.size], d_head[:, self.size :].sum(axis=0)

    def draw_noise(
        self, rng: np.random.Generator, shape: tuple[int, ...], before: FloatArray | None = None
    ) -> FloatArray:
        noise = rng.standard_normal((*shape, self.size), dtype=np.float32)
        return correlate(noise, rho=self._correlation, before=before) if self._correlation else noise

    def sample(self, head: FloatArray, noise: FloatArray) -> AnyArray:
        mean, log_std = self._split(head)
        draw: AnyArray = mean + np.exp(log_std) * noise
        return draw

    def mode(self, head: FloatArray) -> AnyArray:
        return head[..., : self.size].copy()

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
        return np.concatenate([z * precision, self._through(head, z * z - 1)], axis=-1)

    def entropy(self, head: FloatArray) -> FloatArray:
        log_std = self._split(head)[1]
        entropy: FloatArray = log_std.sum(axis=-1) + head.dtype.type(0.5 * self.size * (1 + LOG_2PI))
        return entropy

    def entropy_gradient(self, head: FloatArray) -> FloatArray:
        gradient = np.zeros_like(head)
        gradient[..., self.size :] = self._through(head, np.ones_like(head[..., self.size :]))
        return gradient

    def kl(self, p: FloatArray, q: FloatArray) -> FloatArray:
        (mean_p, log_p), (mean_q, log_q) = self._split(p), self._split(q)
        ratio = np.exp(2 * (log_p - log_q))
        shift = np.square((mean_p - mean_q) * np.exp(-log_q))
        divergence: FloatArray = (log_q - log_p + (ratio + shift - 1) / 2).sum(axis=-1)
        return divergence

    def _split(self, head: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Means and log standard deviations."""
        mean, second = head[..., : self.size], head[..., self.size :]
        return mean, second if self._offset is None else soft_bound(second + self._offset)

    def _through(self, head: FloatArray, d_log_std: FloatArray) -> FloatArray:
        """A gradient of the log standard deviations as one of the head's second half."""
        if self._offset is None:
            return d_log_std
        gradient: FloatArray = d_log_std * soft_bound_slope(head[..., self.size :] + self._offset)
        return gradient


def soft_bound(x: FloatArray) -> FloatArray:
    """x pressed smoothly into LOG_STD_BOUNDS by two softplus (Chua et al. 2018): far from both it stays x.

    A clip has no gradient beyond a bound, and so no way back from it; a tanh over the whole range would make 0,
    which a new network gives, a deviation of e⁻⁹.
    """
    low, high = LOG_STD_BOUNDS
    return low + softplus(high - softplus(high - x) - low)


def soft_bound_slope(x: FloatArray) -> FloatArray:
    """The derivative of ``soft_bound``."""
    low, high = LOG_STD_BOUNDS
    slope: FloatArray = sigmoid(high - x) * sigmoid(high - softplus(high - x) - low)
    return slope


def soft_bound_inverse(bounded: float) -> float:
    """The x that ``soft_bound`` gives ``bounded`` for, which lies within the bounds."""
    low, high = LOG_STD_BOUNDS
    return high - _softplus_inverse(high - (low + _softplus_inverse(bounded - low)))


def _softplus_inverse(y: float) -> float:
    return y + math.log(-math.expm1(-y))
