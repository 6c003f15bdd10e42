"""What a step need not do: values, log probabilities and the value's hidden states, once an unroll."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.envs.lanes import Ended
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.trajectory import Trajectory

FloatArray = NDArray[np.floating[Any]]
AnyArray = NDArray[Any]
CHUNK_ROWS = 1024


def assemble(
    policy: Policy,
    snapshot: Snapshot,
    *,
    observations: AnyArray,
    hidden: Sequence[FloatArray],
    head: FloatArray,
    actions: AnyArray,
    rewards: FloatArray,
    terminated: NDArray[np.bool_],
    truncated: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    ended: Sequence[tuple[int, Ended]],
) -> Trajectory:
    """The trajectory of T steps of B lanes, which owns the arrays given.

    ``hidden``: the policy's hidden states ``[T, B, H]``, empty where the order does not ask for them; ``ended``: the
    episodes that ended, each with its step.
    """
    steps, lanes = rewards.shape
    value_hidden, values = _values(policy, snapshot, observations, hidden)
    truncations = [(t, one) for t, one in ended if one.truncated and not one.terminated]
    final_observations, final_values = _finals(
        policy, snapshot, observations, [one for _, one in truncations]
    )
    flat_actions = actions.reshape(steps * lanes, *actions.shape[2:])
    log_probs = policy.distribution.log_prob(head.reshape(steps * lanes, -1), flat_actions)
    return Trajectory(
        observations=observations,
        hidden=(*hidden, *value_hidden),
        head=head,
        actions=actions,
        log_probs=log_probs.reshape(steps, lanes),
        values=values,
        rewards=rewards,
        terminated=terminated,
        truncated=truncated & ~terminated,
        valid=valid,
        final_steps=np.array([(t, one.lane) for t, one in truncations], np.int32).reshape(-1, 2),
        final_observations=final_observations,
        final_values=final_values,
        episode_returns=np.array([one.episode_return for _, one in ended], np.float64),
        episode_lengths=np.array([one.length for _, one in ended], np.int64),
        episode_seeds=np.array([one.seed for _, one in ended], np.int64),
    )


def _values(
    policy: Policy, snapshot: Snapshot, observations: AnyArray, hidden: Sequence[FloatArray]
) -> tuple[list[FloatArray], FloatArray]:
    """The value's own hidden states ``[T, B, H]`` where hidden states are kept, and values ``[T + 1, B]``."""
    steps, lanes = observations.shape[0] - 1, observations.shape[1]
    done = steps * lanes if policy.network.shared and hidden else 0
    rows = snapshot.rows(policy, observations.reshape(-1, *observations.shape[2:])[done:])
    layers, values = _value_layers(policy, snapshot, rows)
    if done:  # a shared torso has been through these rows, step by step: its head alone is left
        last = hidden[-1].reshape(done, -1)
        values = np.concatenate([policy.network.value_of(snapshot.weights, last), values])
    kept = [layer[: steps * lanes].reshape(steps, lanes, -1) for layer in layers] if hidden else []
    return kept, values.reshape(steps + 1, lanes)


def _value_layers(
    policy: Policy, snapshot: Snapshot, rows: FloatArray
) -> tuple[list[FloatArray], FloatArray]:
    """The value's own hidden states ``[N, H]`` and values ``[N]``, in chunks that stay in the cache: twice as fast."""
    network = policy.network
    widths = () if network.shared else network.hidden
    layers = [np.empty((len(rows), width), np.float32) for width in widths]
    values = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        out = [layer[chunk] for layer in layers] if layers else None
        values[chunk] = network.value_forward(snapshot.weights, rows[chunk], hidden_out=out)[1]
    return layers, values


def _finals(
    policy: Policy, snapshot: Snapshot, observations: AnyArray, truncated: Sequence[Ended]
) -> tuple[AnyArray, FloatArray]:
    """Final observations ``[K, ...]`` and their values ``[K]``."""
    shape = observations.shape[2:]
    finals = np.empty((len(truncated), *shape), observations.dtype)
    if not truncated:
        return finals, np.empty(0, np.float32)
    np.stack([one.final_observation for one in truncated], out=finals)
    values = policy.network.value_forward(snapshot.weights, snapshot.rows(policy, finals))[1]
    return finals, np.ascontiguousarray(values)
