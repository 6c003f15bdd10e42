"""A product of distributions: what an action space of several parts has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple, final

import numpy as np

from touchline.policy.head import AnyArray, Distribution, FloatArray


class Factor(NamedTuple):
    """A distribution as one of several."""

    of: Distribution
    columns: int | None  # how many numbers its action has; None where it is one number, not a row
    choice: bool  # its actions are integers


@dataclass(frozen=True, slots=True)
class Part:
    """A factor, and where its share of each row lies."""

    of: Distribution
    scalar: bool
    choice: bool
    head: slice
    outputs: slice
    log_std: slice
    noise: slice
    actions: slice


@final
class Joint:
    """Independent parts side by side: heads, outputs, free log standard deviations, noise and actions alike.

    Actions are ``[N, F]``: int64 where all parts are choices; float32 where any is continuous, a choice then being
    a small integer in it, which float32 holds exactly.
    """

    def __init__(self, factors: Sequence[Factor]) -> None:
        them = [factor.of for factor in factors]
        shares = zip(
            _side_by_side([one.parameters for one in them]),
            _side_by_side([one.outputs for one in them]),
            _side_by_side([one.log_std_size for one in them]),
            _side_by_side([one.noise_size for one in them]),
            _side_by_side([factor.columns or 1 for factor in factors]),
            strict=True,
        )
        self.parts = tuple(
            Part(factor.of, factor.columns is None, factor.choice, *share)
            for factor, share in zip(factors, shares, strict=True)
        )
        self.parameters = sum(one.parameters for one in them)
        self.outputs = sum(one.outputs for one in them)
        self.log_std_size = sum(one.log_std_size for one in them)
        self.noise_size = sum(one.noise_size for one in them)
        self.plain = all(one.plain for one in them)
        self.columns = self.parts[-1].actions.stop  # F
        self._choices = all(factor.choice for factor in factors)

    def head(
        self, outputs: FloatArray, log_std: FloatArray | None = None, out: FloatArray | None = None
    ) -> FloatArray:
        if self.plain and out is None:
            return outputs
        head = np.empty((len(outputs), self.parameters), outputs.dtype) if out is None else out
        for part in self.parts:
            free = None if part.of.plain or log_std is None else log_std[part.log_std]
            part.of.head(outputs[:, part.outputs], free, head[:, part.head])
        return head

    def head_backward(self, d_head: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        if self.plain:
            return d_head, None
        pairs = [part.of.head_backward(d_head[:, part.head]) for part in self.parts]
        free = [d_log_std for _, d_log_std in pairs if d_log_std is not None]
        return np.concatenate([d_outputs for d_outputs, _ in pairs], axis=1), np.concatenate(free)

    def draw_noise(
        self, rng: np.random.Generator, shape: tuple[int, ...], before: FloatArray | None = None
    ) -> FloatArray:
        drawn = [
            part.of.draw_noise(rng, shape, None if before is None else before[..., part.noise])
            for part in self.parts
        ]
        return np.concatenate(drawn, axis=-1)

    def sample(self, head: FloatArray, noise: FloatArray) -> AnyArray:
        return self._joined(
            head, [part.of.sample(head[..., part.head], noise[..., part.noise]) for part in self.parts]
        )

    def mode(self, head: FloatArray) -> AnyArray:
        return self._joined(head, [part.of.mode(head[..., part.head]) for part in self.parts])

    def log_prob(self, head: FloatArray, actions: AnyArray) -> FloatArray:
        """The joint log probability: the parts' sum, so that ratios are joint ratios."""
        logs = [part.of.log_prob(head[:, part.head], _own(part, actions)) for part in self.parts]
        joint: FloatArray = np.sum(logs, axis=0)
        return joint

    def log_prob_gradient(self, head: FloatArray, actions: AnyArray) -> FloatArray:
        gradients = [
            part.of.log_prob_gradient(head[:, part.head], _own(part, actions)) for part in self.parts
        ]
        return np.concatenate(gradients, axis=-1)

    def entropy(self, head: FloatArray) -> FloatArray:
        total: FloatArray = np.sum([p.of.entropy(head[..., p.head]) for p in self.parts], axis=0)
        return total

    def entropy_gradient(self, head: FloatArray) -> FloatArray:
        return np.concatenate([p.of.entropy_gradient(head[..., p.head]) for p in self.parts], axis=-1)

    def kl(self, p: FloatArray, q: FloatArray) -> FloatArray:
        parts = [part.of.kl(p[..., part.head], q[..., part.head]) for part in self.parts]
        total: FloatArray = np.sum(parts, axis=0)
        return total

    def _joined(self, head: FloatArray, parts: Sequence[AnyArray]) -> AnyArray:
        dtype = np.dtype(np.int64) if self._choices else head.dtype
        actions: AnyArray = np.empty((*head.shape[:-1], self.columns), dtype)
        for part, own in zip(self.parts, parts, strict=True):
            actions[..., part.actions] = own[..., None] if part.scalar else own
        return actions


def _own(part: Part, actions: AnyArray) -> AnyArray:
    """A part's actions as its own distribution draws them."""
    own = actions[..., part.actions]
    if part.choice:
        own = own.astype(np.int64, copy=False)
    return own[..., 0] if part.scalar else own


def _side_by_side(sizes: Sequence[int]) -> list[slice]:
    stops = list(accumulate(sizes))
    return [slice(stop - size, stop) for size, stop in zip(sizes, stops, strict=True)]
