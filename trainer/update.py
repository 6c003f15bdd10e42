"""One update: a batch of admitted results in, the next snapshot out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.features import encode
from touchline.policy.network import Layer, Weights
from touchline.policy.normalizer import Statistics
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.seeds import shuffle_stream
from touchline.trainer.batch import Piece
from touchline.trainer.estimates import Rows, estimate
from touchline.trainer.gradients import (
    Samples,
    Sums,
    joined,
    recomputed_gradient,
    samples_of,
    stored_gradient,
)
from touchline.trainer.optimizers import Optimizer, clip_by_norm, scheduled
from touchline.trainer.ring import Ring
from touchline.trainer.settings import Settings

FloatArray = NDArray[np.floating[Any]]
KL_ROWS = 96  # below 100 µs with 64 x 64, a fiftieth of an update of 2,048 rows


@dataclass(frozen=True, slots=True)
class Losses:
    """Means over the batch's valid steps, over every pass that was made.

    ``policy`` is that of the objective climbed, ratio and clip included. ``kl``: from the snapshot that played to the
    live policy before the update, KL(p_v || p_u), over some rows of the oldest result; 0 where nothing lags, NaN
    where that result has no valid step.
    """

    policy: float
    value: float
    entropy: float
    gradient_norm: float
    learning_rate: float
    explained_variance: float
    kl: float


@dataclass(frozen=True, slots=True)
class Update:
    """What one update came to. ``gradient_steps``: optimiser steps made by it."""

    snapshot: Snapshot
    gradient_steps: int
    losses: Losses


class Updater:
    """Owns the live weights: the ring of snapshots, the optimiser and the gradient buffer."""

    def __init__(
        self, policy: Policy, settings: Settings, *, ring: Ring, optimizer: Optimizer, run_seed: int
    ) -> None:
        self.ring = ring
        self._policy = policy
        self._settings = settings
        self._optimizer = optimizer
        self._run_seed = run_seed
        self._gradient = policy.network.bind(np.zeros(policy.network.layout.size, np.float32))

    @property
    def live(self) -> Snapshot:
        return self.ring.live

    def optimizer_state(self) -> Mapping[str, NDArray[Any]]:
        return self._optimizer.state()

    def update(self, pieces: Sequence[Piece], *, steps_admitted: int) -> Update:
        """Make the next version from a batch. ``steps_admitted`` before it decides the schedules."""
        settings, live = self._settings, self.live
        kl = divergence(pieces, self._policy, live)
        rows = estimate(pieces, self._policy, live, settings)
        rate = scheduled(
            settings.learning_rate,
            schedule=settings.learning_rate_schedule,
            steps=steps_admitted,
            total=settings.total_steps,
        )
        clip = scheduled(
            settings.clip, schedule=settings.clip_schedule, steps=steps_admitted, total=settings.total_steps
        )
        weights = self._policy.network.bind(live.weights.flat.copy())
        if settings.passes:
            sums, norms = self._many_steps(rows, weights, rate=rate, clip=clip)
        else:
            sums, norms = self._one_step(rows, weights, rate=rate, clip=clip)
        snapshot = Snapshot.of(
            self._policy, live.epoch, live.version + 1, weights.flat, self._moved_statistics(pieces)
        )
        self.ring.push(snapshot)
        return Update(snapshot, len(norms), _losses(sums, norms, rate, rows, kl))

    def _one_step(
        self, rows: Sequence[Rows], weights: Weights, *, rate: float, clip: float
    ) -> tuple[Sums, list[float]]:
        sums = Sums()
        for one in rows:
            sums.add(self._piece_gradient(one, clip=clip))
        return sums, [self._step(weights, rate)]

    def _piece_gradient(self, rows: Rows, *, clip: float) -> Sums:
        policy, settings, live, played = self._policy, self._settings, self.live, rows.piece.snapshot
        if settings.gradient == "recompute":
            samples = samples_of(rows, policy, live)
            return recomputed_gradient(
                samples, policy, live.weights, settings, gradient=self._gradient, clip=clip
            )
        samples = samples_of(rows, policy, played)
        at = played.weights if settings.gradient == "reuse" else live.weights
        head: Layer | None = live.weights.value_head if settings.live_value_head else None
        return stored_gradient(samples, policy, at, settings, gradient=self._gradient, value_head=head)

    def _many_steps(
        self, rows: Sequence[Rows], weights: Weights, *, rate: float, clip: float
    ) -> tuple[Sums, list[float]]:
        sums, norms = Sums(), []
        samples = joined([samples_of(one, self._policy, self.live) for one in rows])
        for minibatch in self._minibatches(samples):
            sums.add(
                recomputed_gradient(
                    minibatch, self._policy, weights, self._settings, gradient=self._gradient, clip=clip
                )
            )
            norms.append(self._step(weights, rate))
        return sums, norms

    def _minibatches(self, samples: Samples) -> Iterator[Samples]:
        """Shuffled parts of near equal size, every row once an epoch; each part's weights are a mean again."""
        rng = shuffle_stream(run_seed=self._run_seed, update=self.live.version)
        size = min(self._settings.minibatch_steps or len(samples), len(samples))
        parts = max(1, round(len(samples) / size))
        for _ in range(self._settings.epochs):
            for index in np.array_split(rng.permutation(len(samples)), parts):
                minibatch = samples.part(index)
                minibatch.weights[...] *= np.float32(len(samples) / len(index))
                yield minibatch

    def _step(self, weights: Weights, rate: float) -> float:
        norm = clip_by_norm(self._gradient.flat, self._settings.max_gradient_norm)
        self._optimizer.step(weights.flat, self._gradient.flat, learning_rate=rate)
        self._gradient.flat[...] = 0
        return norm

    def _moved_statistics(self, pieces: Sequence[Piece]) -> Statistics:
        """Statistics move after the gradient and from trained data alone."""
        statistics = self.live.statistics
        if not self._policy.normalized:
            return statistics
        for piece in pieces:
            trajectory = piece.trajectory
            raw = trajectory.observations[:-1][trajectory.valid]
            statistics = statistics.moved(encode(self._policy.observation_space, raw))
        return statistics


def divergence(pieces: Sequence[Piece], policy: Policy, live: Snapshot) -> float:
    """KL(p_v || p_u) of the oldest piece, a mean over at most KL_ROWS of its valid rows, evenly spread.

    p_v is read from the head that was pushed; p_u costs a forward pass of those rows, and none where nothing lags.
    """
    oldest = max(pieces, key=lambda piece: piece.lag)
    if oldest.lag == 0:
        return 0.0
    trajectory = oldest.trajectory
    valid = np.flatnonzero(trajectory.valid)
    if not len(valid):
        return math.nan
    chosen = valid[:: math.ceil(len(valid) / KL_ROWS) | 1]  # an odd stride, or it may meet some lanes alone
    observations, pushed = (
        array.reshape(trajectory.valid.size, *array.shape[2:])[chosen]
        for array in (trajectory.observations[:-1], trajectory.head)
    )
    head = policy.network.policy_forward(live.weights, live.rows(policy, observations))[1]
    return float(policy.distribution.kl(pushed, head).mean())


def _losses(sums: Sums, norms: Sequence[float], rate: float, rows: Sequence[Rows], kl: float) -> Losses:
    weight = max(sums.weight, 1e-12)
    return Losses(
        policy=sums.policy_loss / weight,
        value=sums.value_loss / weight,
        entropy=sums.entropy / weight,
        gradient_norm=sum(norms) / len(norms),
        learning_rate=rate,
        explained_variance=_explained_variance(rows),
        kl=kl,
    )


def _explained_variance(rows: Sequence[Rows]) -> float:
    """1 − Var(target − V) / Var(target), behaviour values, over the valid steps."""
    masks = [one.weights > 0 for one in rows]
    targets = np.concatenate([one.targets[mask] for one, mask in zip(rows, masks, strict=True)])
    values = np.concatenate(
        [one.piece.trajectory.values[:-1].reshape(-1)[mask] for one, mask in zip(rows, masks, strict=True)]
    )
    spread = float(targets.var())
    return 1 - float((targets - values).var()) / spread if spread > 0 else 0.0
