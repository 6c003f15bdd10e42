"""Where the activations come from, and the gradient of the loss from them.

``reuse`` and ``live`` differentiate through the hidden states that the Player pushed; ``recompute`` makes a new
forward pass. Everything is accumulated in chunks that stay in the cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.inputs import only_array
from touchline.policy.network import Layer, Weights
from touchline.policy.policy import Policy
from touchline.trainer.corrections import Term, kappa
from touchline.trainer.ratios import cut_rows
from touchline.trainer.samples import Samples
from touchline.trainer.settings import Settings

FloatArray = NDArray[np.floating[Any]]


@dataclass(slots=True)
class Sums:
    """Weighted sums over the rows of one gradient, for the metrics."""

    policy_loss: float = 0.0
    value_loss: float = 0.0
    entropy: float = 0.0
    weight: float = 0.0
    # Of the importance ratios, where a live forward pass gives any: each valid row counts once, whatever its weight.
    rows: float = 0.0
    rhos: float = 0.0
    squared_rhos: float = 0.0
    cut: float = 0.0

    def add(self, other: Sums) -> None:
        for name in Sums.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


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
            last = chunk.hidden[-1] if chunk.hidden else only_array(chunk.x)
            values = policy.network.value_of(weights, last, head=value_head)
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
            sequences=chunk.sequences,
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
    rng: np.random.Generator | None = None,
) -> Sums:
    """Add the gradient at the live weights: a new forward pass, corrected by importance ratios where asked.

    ``rng``: of the actions that ``centred`` draws where it has no closed form.
    """
    network, sums = policy.network, Sums()
    for chunk in samples.chunks():
        hidden, head, values = network.forward(live, chunk.x, sequences=chunk.sequences)
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
            rng=rng,
        )
        _add_ratios(sums, chunk, term, settings, clip=clip)
        d_head, d_values = _loss_gradient(
            chunk, policy, settings, head=head, values=values, term=term, sums=sums
        )
        network.backward(
            live,
            chunk.x,
            hidden,
            d_head=d_head,
            d_values=d_values,
            gradient=gradient,
            sequences=chunk.sequences,
        )
    return sums


def _add_ratios(sums: Sums, chunk: Samples, term: Term, settings: Settings, *, clip: float) -> None:
    """What the metrics say of the ratios of the valid rows."""
    assert term.rhos is not None
    valid = chunk.weights > 0
    rhos, advantages = term.rhos[valid], chunk.advantages[valid]
    cut = cut_rows(
        settings.correction,
        rhos=rhos,
        advantages=advantages,
        clip=clip,
        truncate_at=settings.truncate_at,
        clip_rho_threshold=settings.clip_rho_threshold,
    )
    sums.rows += len(rhos)
    sums.rhos += float(rhos.sum(dtype=np.float64))
    sums.squared_rhos += float(np.square(rhos, dtype=np.float64).sum())
    sums.cut += int(np.count_nonzero(cut))


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
    direction, objective = term.direction, term.objective
    sums.policy_loss -= float(np.dot(chunk.weights, objective))
    if policy.network.has_value:
        sums.value_loss += 0.5 * float(np.dot(chunk.weights, errors * errors))
    sums.entropy += float(np.dot(chunk.weights, entropy))
    sums.weight += float(chunk.weights.sum())
    if settings.entropy_cost:
        direction += np.float32(settings.entropy_cost) * policy.distribution.entropy_gradient(head)
    direction *= -chunk.weights[:, None]
    return direction, np.float32(settings.baseline_cost) * chunk.weights * errors
