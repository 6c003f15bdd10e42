"""One update: a batch of admitted results in, the next snapshot out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.network import Layer, Weights
from touchline.policy.normalizer import Statistics
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.seeds import centring_stream, shuffle_stream
from touchline.targets.optimizers import Optimizer
from touchline.trainer.abreast import abreast
from touchline.trainer.batch import Piece
from touchline.trainer.drift import Drift, drift_of
from touchline.trainer.estimates import Rows, estimate
from touchline.trainer.gradients import Sums, recomputed_gradient, stored_gradient
from touchline.trainer.minibatches import minibatches
from touchline.trainer.optimizers import clip_by_norm, scheduled
from touchline.trainer.ratios import effective_fraction
from touchline.trainer.rewards import RewardScale
from touchline.trainer.ring import Ring
from touchline.trainer.samples import Samples, samples_of
from touchline.trainer.settings import Settings
from touchline.trainer.soundness import (
    NotFinite,
    blame,
    check_gradient,
    check_rewards,
    check_statistics,
    check_weights,
)

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Losses:
    """Means over the batch's valid steps, over every pass that was made.

    ``policy`` is that of the objective climbed, ratio and clip included. ``drift``: how far the live policy had gone
    from the ones that played.
    """

    policy: float
    value: float
    entropy: float
    gradient_norm: float
    learning_rate: float
    explained_variance: float
    drift: Drift


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
        self._reward_scale = RewardScale(settings.gamma) if settings.normalize_rewards else None
        self._gradient = policy.network.bind(np.zeros(policy.network.layout.size, np.float32))

    @property
    def live(self) -> Snapshot:
        return self.ring.live

    def optimizer_state(self) -> Mapping[str, NDArray[Any]]:
        """What a checkpoint holds of the optimiser, and of the scale of rewards where there is one."""
        scale = {} if self._reward_scale is None else self._reward_scale.state()
        return {**self._optimizer.state(), **scale}

    def update(self, pieces: Sequence[Piece], *, steps_admitted: int) -> Update:
        """Make the next version from a batch. ``steps_admitted`` before it decides the schedules.

        Raises NotFinite where the gradient or the next weights are not finite. Nothing has then been moved: weights,
        statistics, the optimiser's moments and the scale of rewards are as they were.
        """
        kept = self._optimizer.state()
        try:
            # No warnings: what comes of it is looked at.
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                paid, moved = self._scales(pieces)
                update = self._next(pieces, steps_admitted=steps_admitted, reward_scale=paid)
        except NotFinite:
            self._optimizer.restore(kept)
            self._gradient.flat[...] = 0
            raise
        self.ring.push(update.snapshot)
        self._reward_scale = moved
        return update

    def _scales(self, pieces: Sequence[Piece]) -> tuple[RewardScale | None, RewardScale | None]:
        """The scale of this batch's rewards, and that after it. Of the first one, before there is any, it is its own.

        Raises NotFinite for rewards that would make it useless.
        """
        scale = self._reward_scale
        if scale is None:
            return None, None
        moved = scale.moved(pieces)
        check_rewards(scale, moved, pieces)
        return (scale if scale.known else moved), moved

    def _next(
        self, pieces: Sequence[Piece], *, steps_admitted: int, reward_scale: RewardScale | None
    ) -> Update:
        settings, live = self._settings, self.live
        drift = drift_of(pieces, self._policy, live, settings)
        rows = estimate(pieces, self._policy, live, settings, reward_scale=reward_scale)
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
        statistics = self._moved_statistics(pieces)
        check_weights(weights.flat, self._policy.network.layout)
        check_statistics(live.statistics, statistics)
        snapshot = Snapshot.of(self._policy, live.epoch, live.version + 1, weights.flat, statistics)
        return Update(snapshot, len(norms), _losses(sums, norms, rate, rows, drift))

    def _one_step(
        self, rows: Sequence[Rows], weights: Weights, *, rate: float, clip: float
    ) -> tuple[Sums, list[float]]:
        sums, rng = Sums(), centring_stream(run_seed=self._run_seed, update=self.live.version)
        for samples, played in self._parts(rows):
            sums.add(self._part_gradient(samples, played, clip=clip, rng=rng))
        return sums, [self._step(weights, rate, rows)]

    def _parts(self, rows: Sequence[Rows]) -> Iterator[tuple[Samples, Snapshot]]:
        """What the gradient is summed over: each result, or those of a recurrent policy side by side, as far as the
        weights of one snapshot serve them."""
        if self._policy.network.core is None:
            yield from ((self._samples(one), one.piece.snapshot) for one in rows)
            return
        groups: dict[int, list[Rows]] = {}
        for one in rows:
            own = one.piece.snapshot.version if self._settings.gradient == "reuse" else self.live.version
            groups.setdefault(own, []).append(one)
        for group in groups.values():
            for samples in abreast([self._samples(one) for one in group]):
                yield samples, group[0].piece.snapshot

    def _samples(self, rows: Rows) -> Samples:
        """A result's rows, read by the snapshot whose hidden states are differentiated through."""
        recomputed = self._settings.gradient == "recompute"
        return samples_of(rows, self._policy, self.live if recomputed else rows.piece.snapshot)

    def _part_gradient(
        self, samples: Samples, played: Snapshot, *, clip: float, rng: np.random.Generator
    ) -> Sums:
        policy, settings, live = self._policy, self._settings, self.live
        if settings.gradient == "recompute":
            return recomputed_gradient(
                samples, policy, live.weights, settings, gradient=self._gradient, clip=clip, rng=rng
            )
        at = played.weights if settings.gradient == "reuse" else live.weights
        head: Layer | None = live.weights.value_head if settings.live_value_head else None
        return stored_gradient(samples, policy, at, settings, gradient=self._gradient, value_head=head)

    def _many_steps(
        self, rows: Sequence[Rows], weights: Weights, *, rate: float, clip: float
    ) -> tuple[Sums, list[float]]:
        sums, norms = Sums(), []
        shuffled = minibatches(
            [samples_of(one, self._policy, self.live) for one in rows],
            size=self._settings.minibatch_steps,
            epochs=self._settings.epochs,
            mean=self._settings.reduction == "mean",
            rng=shuffle_stream(run_seed=self._run_seed, update=self.live.version),
        )
        for minibatch in shuffled:
            for part in abreast(minibatch):
                sums.add(
                    recomputed_gradient(
                        part, self._policy, weights, self._settings, gradient=self._gradient, clip=clip
                    )
                )
            norms.append(self._step(weights, rate, rows))
        return sums, norms

    def _step(self, weights: Weights, rate: float, rows: Sequence[Rows]) -> float:
        norm = self._checked_norm(weights, rows)
        self._optimizer.step(weights.flat, self._gradient.flat, learning_rate=rate)
        self._gradient.flat[...] = 0
        return norm

    def _checked_norm(self, weights: Weights, rows: Sequence[Rows]) -> float:
        """The gradient's norm before it is clipped. Raises NotFinite, with what spoilt it: ``weights``, or of ``rows``
        a step or a result."""
        flat = self._gradient.flat
        norm = clip_by_norm(flat, self._settings.max_gradient_norm)
        try:
            check_gradient(norm, flat, self._policy.network.layout)
        except NotFinite as error:
            check_weights(weights.flat, self._policy.network.layout)  # of an earlier step of this update
            source = blame(rows, self._spoils)
            raise NotFinite(f"{error} ({source})" if source else str(error)) from None
        return norm

    def _spoils(self, rows: Rows) -> bool:
        """Whether the gradient of one result, at the live weights, is not finite, or its square."""
        self._gradient.flat[...] = 0
        rng = centring_stream(run_seed=self._run_seed, update=self.live.version)
        self._part_gradient(self._samples(rows), rows.piece.snapshot, clip=self._settings.clip, rng=rng)
        return not math.isfinite(clip_by_norm(self._gradient.flat, None))

    def _moved_statistics(self, pieces: Sequence[Piece]) -> Statistics:
        """Statistics move after the gradient and from trained data alone."""
        statistics = self.live.statistics
        if not self._policy.normalized:
            return statistics
        for piece in pieces:
            trajectory = piece.trajectory
            raw = trajectory.observations[:-1][trajectory.valid]
            statistics = statistics.moved(self._policy.reading.vectors(raw))
        return statistics


def _losses(sums: Sums, norms: Sequence[float], rate: float, rows: Sequence[Rows], drift: Drift) -> Losses:
    weight = max(sums.weight, 1e-12)
    if sums.rows:  # a live forward pass of every row is better than one of a few
        drift = replace(
            drift,
            effective_fraction=effective_fraction(total=sums.rhos, squares=sums.squared_rhos, rows=sums.rows),
            cut_fraction=sums.cut / sums.rows,
        )
    return Losses(
        policy=sums.policy_loss / weight,
        value=sums.value_loss / weight,
        entropy=sums.entropy / weight,
        gradient_norm=sum(norms) / len(norms),
        learning_rate=rate,
        explained_variance=_explained_variance(rows),
        drift=drift,
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
