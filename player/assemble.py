"""What a step need not do: values, log probabilities and the value's hidden states, once an unroll."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.envs.lanes import Ended
from touchline.policy.inputs import Inputs
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
    keep_hidden: bool,
    head: FloatArray,
    actions: AnyArray,
    rewards: FloatArray,
    terminated: NDArray[np.bool_],
    truncated: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    ended: Sequence[tuple[int, Ended]],
    state: FloatArray | None = None,
    last_state: FloatArray | None = None,
) -> Trajectory:
    """The trajectory of T steps of B lanes, which owns the arrays given.

    ``hidden``: the policy's hidden states ``[T, B, ...]`` that ``Network.noted`` names; ``keep_hidden``: whether the
    order asks for all of them; ``ended``: the episodes that ended, each with its step. Of a recurrent policy: its state
    ``[B, S]`` before the first step and after the last.
    """
    steps, lanes = rewards.shape
    value_hidden, values = _values(policy, snapshot, observations, hidden, last_state)
    truncations = [(t, one) for t, one in ended if one.truncated and not one.terminated]
    final_observations, final_values = _finals(policy, snapshot, observations, hidden, truncations)
    flat_actions = actions.reshape(steps * lanes, *actions.shape[2:])
    log_probs = policy.distribution.log_prob(head.reshape(steps * lanes, -1), flat_actions)
    return Trajectory(
        observations=observations,
        hidden=(*hidden, *value_hidden) if keep_hidden else (),
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
        state=np.empty((lanes, 0), np.float32) if state is None else state,
    )


def _values(
    policy: Policy,
    snapshot: Snapshot,
    observations: AnyArray,
    hidden: Sequence[FloatArray],
    last_state: FloatArray | None,
) -> tuple[list[FloatArray], FloatArray]:
    """The value's own hidden states ``[T, B, ...]`` where hidden states are kept, and values ``[T + 1, B]``."""
    steps, lanes = observations.shape[0] - 1, observations.shape[1]
    network = policy.network
    if not network.has_value:
        return [], np.zeros((steps + 1, lanes), np.float32)
    done = steps * lanes if network.shared and hidden else 0
    rows = snapshot.rows(policy, observations.reshape(-1, *observations.shape[2:])[done:])
    if network.core is None:
        layers, values = _value_layers(policy, snapshot, rows)
    else:
        layers, values = [], _recurrent_values(policy, snapshot, rows, last_state)
    if done:  # a shared torso has been through these rows, step by step: its head alone is left
        last = hidden[-1].reshape(done, -1)
        values = np.concatenate([network.value_of(snapshot.weights, last), values])
    kept = [layer[: steps * lanes].reshape(steps, lanes, *layer.shape[1:]) for layer in layers]
    return kept if hidden else [], values.reshape(steps + 1, lanes)


def _value_layers(policy: Policy, snapshot: Snapshot, rows: Inputs) -> tuple[list[FloatArray], FloatArray]:
    """The value's own hidden states ``[N, ...]`` and values ``[N]``, in chunks of the cache's size: twice as fast."""
    network = policy.network
    layers = [np.empty((len(rows), *kept), np.float32) for kept in network.value_kept]
    values = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        out = [layer[chunk] for layer in layers] if layers else None
        values[chunk] = network.value_forward(snapshot.weights, rows[chunk], hidden_out=out)[1]
    return layers, values


def _recurrent_values(
    policy: Policy, snapshot: Snapshot, rows: Inputs, state: FloatArray | None
) -> FloatArray:
    """Values ``[N]`` of observations that were met with these states ``[N, S]``: one step of the memory."""
    hidden = policy.network.policy_forward(snapshot.weights, rows, state=state)[0]
    return policy.network.value_forward(snapshot.weights, rows, policy_hidden=hidden)[1]


def _finals(
    policy: Policy,
    snapshot: Snapshot,
    observations: AnyArray,
    hidden: Sequence[FloatArray],
    truncated: Sequence[tuple[int, Ended]],
) -> tuple[AnyArray, FloatArray]:
    """Final observations ``[K, ...]`` and their values ``[K]``."""
    shape = observations.shape[2:]
    finals = np.empty((len(truncated), *shape), observations.dtype)
    if not truncated:
        return finals, np.empty(0, np.float32)
    np.stack([one.final_observation for _, one in truncated], out=finals)
    network, rows = policy.network, snapshot.rows(policy, finals)
    if network.core is None:
        values = network.value_forward(snapshot.weights, rows)[1]
    else:
        at = [t for t, _ in truncated], [one.lane for _, one in truncated]
        states = network.state_after([layer[at] for layer in hidden])
        values = _recurrent_values(policy, snapshot, rows, states)
    return finals, np.ascontiguousarray(values)
