"""Advantages of trajectories against a baseline that is solved for, not trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchline.policy.policy import Policy
from touchline.policy.trajectory import Trajectory
from touchline.targets.solving import SolverName
from touchline.trainer.advantage import gae
from touchline.trainer.batch import transitions
from touchline.trainer.lstd import RandomFeatures, lstd, seen


@dataclass(frozen=True, slots=True)
class Baseline:
    """``advantages`` of each trajectory, float32 ``[T B]`` of root mean square 1 over all; ``explained``: the share of
    the variance of the lambda-returns that the values explain."""

    advantages: tuple[NDArray[np.float32], ...]
    explained: float


def estimated(
    policy: Policy,
    trajectories: Sequence[Trajectory],
    features: RandomFeatures,
    *,
    gamma: float,
    gae_lambda: float,
    solver: SolverName,
) -> Baseline:
    """GAE with the values of least-squares temporal differences on these trajectories themselves.

    Scaled, not centred: a constant in the advantages stays what the baseline made it.
    """
    pieces = seen(policy, trajectories, features)
    theta = lstd(pieces, trajectories, gamma=gamma, solver=solver)
    advantages, values = [], []
    for piece, trajectory in zip(pieces, trajectories, strict=True):
        whole = transitions(trajectory, values=piece.phi @ theta, final_values=piece.finals @ theta)
        found = gae(
            rewards=whole.rewards.astype(np.float64),
            values=whole.values,
            next_values=whole.next_values,
            continues=whole.continues,
            gamma=gamma,
            gae_lambda=gae_lambda,
        )
        advantages.append(found.reshape(-1))
        values.append(whole.values.reshape(-1))
    every = np.concatenate(advantages)
    scale = 1 / (np.sqrt(np.mean(np.square(every))) + 1e-8)
    variance = float(np.var(every + np.concatenate(values)))
    return Baseline(
        tuple((scale * one).astype(np.float32) for one in advantages),
        1 - float(np.var(every)) / variance if variance > 0 else 0.0,
    )
