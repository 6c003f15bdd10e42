"""Pieces of a batch, and the settings of an update, as the tests want them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from policy_trajectories import near, policy_of, snapshot_of, trajectory_of

from touchline.policy.policy import Policy, Snapshot
from touchline.trainer.batch import Piece
from touchline.trainer.estimates import Rows
from touchline.trainer.settings import Settings

Array = NDArray[Any]
# Costs that float32 holds exactly, so that float64 gradients are not off by their rounding.
DEFAULTS: dict[str, Any] = {
    "algorithm": "a2c",
    "advantage": "gae",
    "gradient": "reuse",
    "correction": "none",
    "live_value_head": False,
    "batch_steps": 1,
    "batch_episodes": None,
    "epochs": 1,
    "minibatch_steps": None,
    "gamma": 0.9,
    "gae_lambda": 0.8,
    "n_steps": 3,
    "entropy_cost": 0.125,
    "baseline_cost": 0.5,
    "clip": 0.25,
    "clip_schedule": "constant",
    "truncate_at": 1.0,
    "clip_rho_threshold": 1.0,
    "clip_c_threshold": 1.0,
    "return_resets": "episode",
    "normalize_rewards": False,
    "normalize_advantage": "none",
    "reduction": "mean",
    "learning_rate": 0.25,
    "learning_rate_schedule": "constant",
    "max_gradient_norm": None,
    "total_steps": None,
}


def settings_of(**changes: Any) -> Settings:
    unknown = changes.keys() - DEFAULTS.keys()
    assert not unknown, unknown
    return Settings(**(DEFAULTS | changes))


def pieces_of(
    policy: Policy, played: Snapshot, rng: np.random.Generator, *, count: int = 2, lag: int = 0, **kwargs: Any
) -> list[Piece]:
    """Results that ``played`` played, of several lengths, the later ones of half the weight."""
    return [
        Piece(
            trajectory_of(policy, played, rng, steps=6 - i, lanes=2 + i, **kwargs), played, lag, 1.0 / (1 + i)
        )
        for i in range(count)
    ]


def two_versions(
    action: str, seed: int = 0, dtype: str = "float64", **changes: Any
) -> tuple[Policy, Snapshot, Snapshot]:
    """A policy, the snapshot that played and the live one, two versions later."""
    rng = np.random.default_rng(seed)
    policy = policy_of(action, **changes)
    played = snapshot_of(policy, rng, version=3, dtype=dtype)
    return policy, played, near(policy, played, rng, version=5)


def plain_objective(log_probs: Array, rows: Rows) -> Array:
    """A log pi(a): what is climbed without a correction."""
    return rows.advantages * log_probs


def loss_at(
    policy: Policy,
    flat: Array,
    rows: Rows,
    reader: Snapshot,
    settings: Settings,
    objective: Callable[[Array, Rows], Array] = plain_objective,
) -> float:
    """The actor-critic loss of a result's rows as a function of the parameters, written out.

    ``reader`` normalises the observations; ``objective`` gives each row's policy term from its log probability.
    """
    trajectory, network = rows.piece.trajectory, policy.network
    n = rows.advantages.size
    observations = trajectory.observations[:-1].reshape(n, *trajectory.observations.shape[2:])
    x, weights = reader.rows(policy, observations), network.bind(flat)
    _, head, values = network.forward(weights, x, sequences=trajectory.sequences)
    actions = trajectory.actions.reshape(n, *trajectory.actions.shape[2:])
    per_row = (
        -objective(policy.distribution.log_prob(head, actions), rows)
        - settings.entropy_cost * policy.distribution.entropy(head)
        + settings.baseline_cost / 2 * (values - rows.targets) ** 2
    )
    return float(rows.weights @ per_row)


def zeros(policy: Policy) -> Any:
    """A gradient of nothing, float64."""
    return policy.network.bind(np.zeros(policy.network.layout.size))
