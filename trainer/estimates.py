"""From a batch of results to rows: advantages, value targets and weights, by the config's estimator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from touchline.policy.policy import Policy, Snapshot
from touchline.trainer.advantage import gae, monte_carlo, n_step, vtrace
from touchline.trainer.batch import (
    Piece,
    Transitions,
    begun_anew,
    mean_square_scale,
    side_by_side,
    split,
    standardise,
    standardised_alone,
    transitions,
)
from touchline.trainer.live import live_view
from touchline.trainer.rewards import RewardScale
from touchline.trainer.settings import Settings

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Rows:
    """One result as rows, N = T B.

    ``weights`` are 0 where a step is not valid, and sum to at most 1 over the batch, or with ``reduction: sum`` to
    at most its steps.
    """

    piece: Piece
    advantages: FloatArray  # float32 [N], normalised
    targets: FloatArray  # float32 [N], of the value
    weights: FloatArray  # float32 [N]


def estimate(
    pieces: Sequence[Piece],
    policy: Policy,
    live: Snapshot,
    settings: Settings,
    *,
    reward_scale: RewardScale | None = None,
) -> list[Rows]:
    """Advantages and targets of a batch. GAE, n-step and Monte-Carlo use behaviour values, V-trace live ones.

    ``reward_scale`` as it stands is that of the whole batch; it is not moved.
    """
    shapes = [piece.trajectory.shape for piece in pieces]
    paid = pieces if reward_scale is None else [_scaled(piece, reward_scale) for piece in pieces]
    if settings.advantage == "vtrace":
        advantages, targets = _vtrace(paid, policy, live, settings)
    else:
        whole = side_by_side([transitions(piece.trajectory) for piece in paid])
        advantages, targets = _behaviour(whole, settings)
    valid = [piece.trajectory.valid.reshape(-1) for piece in pieces]
    advantage_rows = _normalised(split(advantages, shapes), valid, settings)
    count = 1
    if settings.reduction == "mean":
        count = max(1, sum(int(np.count_nonzero(mask)) for mask in valid))
    return [
        Rows(piece, advantage, target, mask * np.float32(piece.weight / count))
        for piece, advantage, target, mask in zip(
            pieces, advantage_rows, split(targets, shapes), valid, strict=True
        )
    ]


def _scaled(piece: Piece, scale: RewardScale) -> Piece:
    trajectory = piece.trajectory
    return replace(piece, trajectory=replace(trajectory, rewards=scale(trajectory.rewards)))


def _behaviour(whole: Transitions, settings: Settings) -> tuple[FloatArray, FloatArray]:
    if settings.return_resets == "reward":
        whole = begun_anew(whole)
    match settings.advantage:
        case "gae":
            advantages = gae(
                rewards=whole.rewards,
                values=whole.values,
                next_values=whole.next_values,
                continues=whole.continues,
                gamma=settings.gamma,
                gae_lambda=settings.gae_lambda,
            )
            return advantages, advantages + whole.values
        case "n_step":
            returns = n_step(
                rewards=whole.rewards,
                next_values=whole.next_values,
                continues=whole.continues,
                gamma=settings.gamma,
                n=settings.n_steps,
            )
            return returns - whole.values, returns
        case "monte_carlo":
            returns = monte_carlo(
                rewards=whole.rewards,
                next_values=whole.next_values,
                continues=whole.continues,
                gamma=settings.gamma,
            )
            return returns - whole.values, returns
        case "vtrace":
            raise AssertionError("V-trace needs the live forward pass")
        case _:
            assert_never(settings.advantage)


def _vtrace(
    pieces: Sequence[Piece], policy: Policy, live: Snapshot, settings: Settings
) -> tuple[FloatArray, FloatArray]:
    log_rhos, parts = [], []
    for piece in pieces:
        log_rho, part = _live_view(piece, policy, live)
        log_rhos.append(log_rho)
        parts.append(part)
    whole = side_by_side(parts)
    longest = len(whole.rewards)
    padded = [np.pad(log_rho, ((0, longest - len(log_rho)), (0, 0))) for log_rho in log_rhos]
    returns = vtrace(
        log_rhos=np.concatenate(padded, axis=1),
        rewards=whole.rewards,
        values=whole.values,
        next_values=whole.next_values,
        continues=whole.continues,
        gamma=settings.gamma,
        gae_lambda=settings.gae_lambda,
        clip_rho_threshold=settings.clip_rho_threshold,
        clip_c_threshold=settings.clip_c_threshold,
    )
    return returns.pg_advantages, returns.vs


def _live_view(piece: Piece, policy: Policy, live: Snapshot) -> tuple[FloatArray, Transitions]:
    """log rho ``[T, B]`` and the transitions under live values."""
    trajectory, view = piece.trajectory, live_view(piece.trajectory, policy, live)
    steps, lanes = trajectory.shape
    actions = trajectory.actions.reshape(steps * lanes, *trajectory.actions.shape[2:])
    log_probs = policy.distribution.log_prob(view.head.reshape(steps * lanes, -1), actions)
    seen = transitions(trajectory, values=view.values, final_values=view.final_values)
    return log_probs.reshape(steps, lanes) - trajectory.log_probs, seen


def _normalised(
    rows: list[FloatArray], valid: list[NDArray[np.bool_]], settings: Settings
) -> list[FloatArray]:
    match settings.normalize_advantage:
        case "none":
            return rows
        case "scale":
            scale = np.float32(mean_square_scale(rows, valid))
            return [row * scale for row in rows]
        case "center":
            centred = standardise(rows, valid)
            return [centred(row) for row in rows]
        case "center_episode":
            return [standardised_alone(row, mask) for row, mask in zip(rows, valid, strict=True)]
        case _:
            assert_never(settings.normalize_advantage)
