"""Where the activations come from, and the gradient of the loss from them.

``reuse`` and ``live`` differentiate through the hidden states that the Player pushed; ``recompute`` makes a new
forward pass. Everything is accumulated in chunks that stay in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.network import Layer, Weights
from touchline.policy.policy import Policy, Snapshot
from touchline.trainer.corrections import Term, kappa
from touchline.trainer.estimates import Rows
from touchline.trainer.settings import Settings

FloatArray = NDArray[np.floating[Any]]
CHUNK_ROWS = 1024


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows of a batch with what a loss needs of them, N each."""

    x: FloatArray  # float32 [N, D], as the network reads them
    hidden: tuple[FloatArray, ...]  # float32 [N, H] each; empty for recompute
    behaviour_head: FloatArray  # float32 [N, P]
    behaviour_values: FloatArray  # float32 [N]
    behaviour_log_probs: FloatArray  # float32 [N]
    actions: NDArray[Any]  # [N, ...]
    advantages: FloatArray  # float32 [N]
    targets: FloatArray  # float32 [N]
    weights: FloatArray  # float32 [N]

    def __len__(self) -> int:
        return len(self.advantages)

    def part(self, index: slice | NDArray[np.intp]) -> Samples:
        """Some of the rows: views for a slice, copies for an index array."""
        return Samples(
            self.x[index],
            tuple(layer[index] for layer in self.hidden),
            self.behaviour_head[index],
            self.behaviour_values[index],
            self.behaviour_log_probs[index],
            self.actions[index],
            self.advantages[index],
            self.targets[index],
            self.weights[index],
        )

    def chunks(self, rows: int = CHUNK_ROWS) -> Iterator[Samples]:
        for start in range(0, len(self), rows):
            yield self.part(slice(start, start + rows))


@dataclass(slots=True)
class Sums:
    """Weighted sums over the rows of one gradient, for the metrics."""

    policy_loss: float = 0.0
    value_loss: float = 0.0
    entropy: float = 0.0
    weight: float = 0.0

    def add(self, other: Sums) -> None:
        self.policy_loss += other.policy_loss
        self.value_loss += other.value_loss
        self.entropy += other.entropy
        self.weight += other.weight


def samples_of(rows: Rows, policy: Policy, reader: Snapshot) -> Samples:
    """A result's rows, its observations as ``reader``'s normaliser reads them."""
    trajectory = rows.piece.trajectory
    steps, lanes = trajectory.shape
    n = steps * lanes

    def flat(array: NDArray[Any]) -> NDArray[Any]:
        return array.reshape(n, *array.shape[2:])

    return Samples(
        x=reader.rows(policy, flat(trajectory.observations[:-1])),
        hidden=tuple(flat(layer) for layer in trajectory.hidden),
        behaviour_head=flat(trajectory.head),
        behaviour_values=flat(trajectory.values[:-1]),
        behaviour_log_probs=flat(trajectory.log_probs),
        actions=flat(trajectory.actions),
        advantages=rows.advantages,
        targets=rows.targets,
        weights=rows.weights,
    )


def joined(parts: Sequence[Samples]) -> Samples:
    """The valid rows of several results as one, for shuffling."""
    kept = [part if part.weights.all() else part.part(np.flatnonzero(part.weights)) for part in parts]
    if len(kept) == 1:
        return kept[0]
    names = [name for name in Samples.__slots__ if name != "hidden"]
    return Samples(
        hidden=(), **{name: np.concatenate([getattr(part, name) for part in kept]) for name in names}
    )


def stored_gradient(
    samples: Samples,
    policy: Policy,
    weights: Weights,
    settings: Settings,
    *,
    gradient: Weights,
    value_head: Layer | None,
) -> Sums:
    """Add the gradient from pushed hidden states: exact at ``weights`` where those are the snapshot's that played.

    ``value_head``: the live last value layer, applied to the stored hidden states; None keeps the pushed values.
    """
    sums = Sums()
    for chunk in samples.chunks():
        values = chunk.behaviour_values
        if value_head is not None:
            last = chunk.hidden[-1] if chunk.hidden else chunk.x
            values = last @ value_head.weight[:, 0] + value_head.bias
        direction = policy.distribution.log_prob_gradient(chunk.behaviour_head, chunk.actions)
        direction *= chunk.advantages[:, None]
        term = Term(direction, chunk.advantages * chunk.behaviour_log_probs)
        d_head, d_values = _loss_gradient(
            chunk, policy, settings, head=chunk.behaviour_head, values=values, term=term, sums=sums
        )
        policy.network.backward(
            weights,
            chunk.x,
            chunk.hidden,
            d_head=d_head,
            d_values=d_values,
            gradient=gradient,
            value_head=value_head,
        )
    return sums


def recomputed_gradient(
    samples: Samples,
    policy: Policy,
    live: Weights,
    settings: Settings,
    *,
    gradient: Weights,
    clip: float,
) -> Sums:
    """Add the gradient at the live weights: a new forward pass, corrected by importance ratios where asked."""
    network, sums = policy.network, Sums()
    for chunk in samples.chunks():
        hidden, head = network.policy_forward(live, chunk.x)
        value_hidden, values = network.value_forward(live, chunk.x, policy_hidden=hidden)
        term = kappa(
            settings.correction,
            policy.distribution,
            head=head,
            actions=chunk.actions,
            advantages=chunk.advantages,
            behaviour_log_probs=chunk.behaviour_log_probs,
            behaviour_head=chunk.behaviour_head,
            clip=clip,
            truncate_at=settings.truncate_at,
        )
        d_head, d_values = _loss_gradient(
            chunk, policy, settings, head=head, values=values, term=term, sums=sums
        )
        network.backward(
            live, chunk.x, [*hidden, *value_hidden], d_head=d_head, d_values=d_values, gradient=gradient
        )
    return sums


def _loss_gradient(
    chunk: Samples,
    policy: Policy,
    settings: Settings,
    *,
    head: FloatArray,
    values: FloatArray,
    term: Term,
    sums: Sums,
) -> tuple[FloatArray, FloatArray]:
    """Descent directions at head and value: −(A kappa + entropy_cost grad H), baseline_cost (V − target)."""
    entropy = policy.distribution.entropy(head)
    errors = values - chunk.targets
    direction, objective = term
    sums.policy_loss -= float(np.dot(chunk.weights, objective))
    sums.value_loss += 0.5 * float(np.dot(chunk.weights, errors * errors))
    sums.entropy += float(np.dot(chunk.weights, entropy))
    sums.weight += float(chunk.weights.sum())
    if settings.entropy_cost:
        direction += np.float32(settings.entropy_cost) * policy.distribution.entropy_gradient(head)
    direction *= -chunk.weights[:, None]
    return direction, np.float32(settings.baseline_cost) * chunk.weights * errors
