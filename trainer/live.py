"""What the live snapshot makes of a trajectory that an older one played: a new forward pass over all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.inputs import Inputs
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.recurrent import Sequences
from touchline.policy.trajectory import Trajectory

FloatArray = NDArray[np.floating[Any]]
AnyArray = NDArray[Any]


@dataclass(frozen=True, slots=True)
class LiveView:
    """Head ``[T, B, P]``, values ``[T + 1, B]`` and values of the K final observations, under another snapshot.

    A memory begins with the state that the Player pushed, as in IMPALA.
    """

    head: FloatArray
    values: FloatArray
    final_values: FloatArray


def live_view(trajectory: Trajectory, policy: Policy, snapshot: Snapshot) -> LiveView:
    """The forward pass of ``snapshot`` over every observation of the trajectory."""
    steps, lanes = trajectory.shape
    observations = trajectory.observations
    rows = snapshot.rows(policy, observations.reshape(-1, *observations.shape[2:]))
    sequences = _with_the_last(trajectory) if policy.network.core is not None else None
    hidden, head, values = policy.network.forward(snapshot.weights, rows, sequences=sequences)
    return LiveView(
        head=head[: steps * lanes].reshape(steps, lanes, -1),
        values=values.reshape(steps + 1, lanes),
        final_values=_final_values(trajectory, policy, snapshot, hidden),
    )


def _with_the_last(trajectory: Trajectory) -> Sequences:
    """T + 1 steps: the observation after the last action belongs to them."""
    known = trajectory.sequences
    last = trajectory.terminated[-1:] | trajectory.truncated[-1:] | ~trajectory.valid[-1:]
    return Sequences(np.concatenate([known.starts, last]), known.state)


def _final_values(
    trajectory: Trajectory, policy: Policy, snapshot: Snapshot, hidden: list[FloatArray]
) -> FloatArray:
    network, finals = policy.network, trajectory.final_observations
    if not len(finals):
        return trajectory.final_values
    rows: Inputs = snapshot.rows(policy, finals)
    if network.core is None:
        return network.value_forward(snapshot.weights, rows)[1]
    at = trajectory.final_steps @ np.array([trajectory.shape[1], 1])
    state = network.state_after([layer[at] for layer in hidden])
    final_hidden = network.policy_forward(snapshot.weights, rows, state=state)[0]
    return network.value_forward(snapshot.weights, rows, policy_hidden=final_hidden)[1]
