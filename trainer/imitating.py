"""Fitting a policy to rows of observations and actions: the rows that are remembered, and the passes over them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.inputs import Inputs
from touchline.policy.network import Weights
from touchline.policy.policy import Policy
from touchline.targets.imitation import cross_entropy
from touchline.targets.optimizers import Optimizer
from touchline.trainer.optimizers import clip_by_norm

AnyArray = NDArray[Any]
CHUNK_ROWS = 4096  # of a forward pass: what stays in the cache


@dataclass(frozen=True, slots=True)
class Rows:
    """What is imitated: raw observations, the actions taken, and how much each row counts."""

    observations: AnyArray  # the space's dtype [N, ...]
    actions: NDArray[np.intp]  # [N]
    weights: NDArray[np.float32]  # [N]

    def __len__(self) -> int:
        return len(self.actions)

    @staticmethod
    def joined(several: Sequence[Rows]) -> Rows:
        """All of them, one after another; there is one at least."""
        if len(several) == 1:
            return several[0]
        return Rows(
            np.concatenate([one.observations for one in several]),
            np.concatenate([one.actions for one in several]),
            np.concatenate([one.weights for one in several]),
        )


class Buffer:
    """The rows of the latest ``keep`` rounds that brought any; of all where that is None."""

    def __init__(self, *, keep: int | None) -> None:
        self._keep = keep
        self._rounds: deque[list[Rows]] = deque(maxlen=keep)

    def add(self, rows: Sequence[Rows]) -> None:
        """A round's rows, as they came."""
        self._rounds.append(list(rows))

    def __len__(self) -> int:
        """How many rows are remembered."""
        return sum(len(rows) for each in self._rounds for rows in each)

    def rows(self) -> Rows:
        """All that is remembered, joined when it is asked for and not before; there is one round at least."""
        joined = Rows.joined([rows for each in self._rounds for rows in each])
        if self._keep is None:  # never forgotten: nothing needs to tell the rounds apart
            self._rounds = deque([[joined]])
        return joined


@dataclass(frozen=True, slots=True)
class Fit:
    """How a fit is made. ``epochs``: passes; ``batch_rows``: rows of one gradient step."""

    epochs: int
    batch_rows: int
    learning_rate: float
    max_gradient_norm: float | None


@dataclass(frozen=True, slots=True)
class Fitted:
    """Mean cross-entropy over the rows, before the passes and after them."""

    before: float
    after: float


def fit(
    policy: Policy,
    flat: NDArray[np.floating[Any]],
    rows: Rows,
    how: Fit,
    *,
    optimizer: Optimizer,
    rng: np.random.Generator,
) -> Fitted:
    """Move ``flat`` ``[size]`` in place towards the actions of the rows: shuffled minibatches, each row once a pass.

    A step takes Σ weight · gradient / rows of its minibatch, where weights below 1, of results that are too old, make
    the step shorter.
    """
    weights, gradient = policy.network.bind(flat), policy.network.bind(np.zeros_like(flat))
    x = policy.reading.inputs(rows.observations, None)
    before = mean_cross_entropy(policy, weights, x, rows)
    batches = max(1, round(len(rows) / how.batch_rows))
    for _ in range(how.epochs):
        for index in np.array_split(rng.permutation(len(rows)), batches):
            some = rows.weights[index]
            gradient.flat[...] = 0
            share = some / np.float32(len(some))
            cross_entropy(
                policy, weights, x[index], rows.actions[index], row_weights=share, gradient=gradient
            )
            clip_by_norm(gradient.flat, how.max_gradient_norm)
            optimizer.step(flat, gradient.flat, learning_rate=how.learning_rate)
    return Fitted(before, mean_cross_entropy(policy, weights, x, rows))


def mean_cross_entropy(policy: Policy, weights: Weights, x: Inputs, rows: Rows) -> float:
    """The weighted mean of −log pi(a | x), in chunks that stay in the cache."""
    total = 0.0
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        total += cross_entropy(
            policy, weights, x[chunk], rows.actions[chunk], row_weights=rows.weights[chunk]
        )
    return total / float(rows.weights.sum(dtype=np.float64))
