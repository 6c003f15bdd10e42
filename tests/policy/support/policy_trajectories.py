"""Trajectories as Players send them, without Players or environments: everything random, everything consistent."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.normalizer import Statistics
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.records import Record
from touchline.policy.spaces import (
    Box,
    Dict,
    Discrete,
    MultiBinary,
    MultiDiscrete,
    Space,
    Tuple,
    raw_dtype,
    raw_shape,
)
from touchline.policy.trajectory import Trajectory

Array = NDArray[Any]
OBSERVED = Box((3,), "float32", (-np.inf,) * 3, (np.inf,) * 3)
PICTURE = Box((5, 6, 2), "uint8", (0.0,) * 60, (255.0,) * 60)
PIXELS = Box((4, 5), "int8", (-1.0,) * 20, (4.0,) * 20)
SEVERAL = Dict(("at", "camera", "mode"), (OBSERVED, PICTURE, Discrete(3)))
ACTIONS = {
    "categorical": Discrete(3, start=1),
    "multi": MultiDiscrete((3, 2)),
    "gaussian": Box((2,), "float32", (-1.0,) * 2, (1.0,) * 2),
}


def policy_of(action: str = "categorical", *, observed: Space = OBSERVED, **changes: Any) -> Policy:
    """A small policy; ``changes`` are arguments of ``Policy.build``."""
    defaults = {"hidden": (5, 4), "activation": "tanh", "shared": False, "log_std": -0.5, "normalize": False}
    return Policy.build(observation_space=observed, action_space=ACTIONS[action], **(defaults | changes))


def snapshot_of(
    policy: Policy, rng: np.random.Generator, *, version: int = 0, dtype: str = "float64", scale: float = 0.5
) -> Snapshot:
    """Random weights, no bias zero; statistics of some rows where the policy normalises."""
    flat = (scale * rng.standard_normal(policy.network.layout.size)).astype(dtype)
    features = policy.features
    seen = rng.normal(0.3, 1.5, (20, features)) if policy.normalized else np.empty((0, features))
    return Snapshot.of(policy, 1, version, flat, Statistics.empty(features).moved(seen))


def near(
    policy: Policy, snapshot: Snapshot, rng: np.random.Generator, *, version: int, by: float = 0.1
) -> Snapshot:
    """A later version: weights a little further, statistics moved."""
    flat = snapshot.weights.flat + by * rng.standard_normal(snapshot.weights.flat.size)
    statistics = snapshot.statistics.moved(rng.normal(0.5, 1.2, (10, policy.features)))
    return Snapshot.of(policy, 1, version, flat.astype(snapshot.weights.flat.dtype), statistics)


def raw_observations(space: Space, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    whole = (*shape, *raw_shape(space))
    match space:
        case Discrete(n=n, start=start):
            return rng.integers(start, start + n, whole)
        case MultiDiscrete(nvec=nvec):
            return rng.integers(0, nvec, whole)
        case MultiBinary():
            return rng.integers(0, 2, whole).astype("int8")
        case Box(dtype=dtype) if np.dtype(dtype).kind in "iu":
            return (rng.integers(0, 4, whole) * (rng.random(whole) < 0.4)).astype(dtype)  # mostly 0
        case Dict() | Tuple():
            packed = np.zeros(whole, np.uint8)
            for leaf, view in Record.of(space).views(packed):
                view[...] = raw_observations(leaf.space, rng, shape)
            return packed
        case _:
            return rng.standard_normal(whole).astype(raw_dtype(space))


def endings(
    rng: np.random.Generator, steps: int, lanes: int, *, rate: float, autoreset: bool
) -> tuple[Array, ...]:
    """(terminated, truncated, valid) bool [T, B]; with ``autoreset`` the step after an end is extra."""
    terminated, truncated = (rng.random((2, steps, lanes)) < rate / 2).astype(bool)
    truncated &= ~terminated
    valid = np.ones((steps, lanes), bool)
    for t in range(1, steps) if autoreset else ():
        extra = (terminated[t - 1] | truncated[t - 1]) & valid[t - 1]
        terminated[t] &= ~extra
        truncated[t] &= ~extra
        valid[t] = ~extra
    return terminated, truncated, valid


def trajectory_of(
    policy: Policy,
    snapshot: Snapshot,
    rng: np.random.Generator,
    *,
    steps: int = 6,
    lanes: int = 3,
    rate: float = 0.3,
    autoreset: bool = True,
    ended: tuple[Array, ...] | None = None,
) -> Trajectory:
    """T steps of B lanes under ``snapshot``, in the dtype of its weights; ``ended`` as ``endings`` gives it."""
    network, dtype, shape = policy.network, snapshot.weights.flat.dtype, (steps, lanes)
    observations = raw_observations(policy.observation_space, rng, (steps + 1, lanes))
    terminated, truncated, valid = ended or endings(rng, steps, lanes, rate=rate, autoreset=autoreset)
    state = 0.3 * rng.standard_normal((lanes, network.state_size)).astype(dtype)
    hidden, head, values, after = stepped(
        policy, snapshot, observations, terminated | truncated | ~valid, state
    )
    n = steps * lanes
    noise = policy.distribution.draw_noise(rng, (n,))
    actions = policy.distribution.sample(head, noise)
    where = np.argwhere(truncated).astype(np.int32)
    final = raw_observations(policy.observation_space, rng, (len(where),))
    episodes = int(np.count_nonzero(terminated | truncated))
    final_state = after[where[:, 0], where[:, 1]]
    final_values = values_at(policy, snapshot, final, final_state)
    return Trajectory(
        observations=observations,
        hidden=hidden,
        head=head.reshape(*shape, -1),
        actions=actions.reshape(*shape, *actions.shape[1:]),
        log_probs=policy.distribution.log_prob(head, actions).reshape(shape),
        values=values,
        rewards=np.where(valid, rng.standard_normal(shape), 0).astype(dtype),
        terminated=terminated,
        truncated=truncated,
        valid=valid,
        final_steps=where,
        final_observations=final,
        final_values=final_values,
        episode_returns=rng.standard_normal(episodes),
        episode_lengths=rng.integers(1, 9, episodes),
        episode_seeds=rng.integers(0, 99, episodes),
        state=state,
    )


def stepped(
    policy: Policy, snapshot: Snapshot, observations: Array, reset: Array, state: Array
) -> tuple[tuple[Array, ...], Array, Array, Array]:
    """One step at a time, as a Player plays: hidden ``[T, B, ...]``, head ``[T B, P]``, values ``[T + 1, B]``, and the
    states ``[T, B, S]`` that the steps left, before ``reset`` zeroes them."""
    network, kept, heads, values, after = policy.network, [], [], [], []
    for t, raw in enumerate(observations):
        x = snapshot.rows(policy, raw)
        hidden, head = network.policy_forward(snapshot.weights, x, state=state)
        own, value = network.value_forward(snapshot.weights, x, policy_hidden=hidden)
        values.append(value)
        if t == len(reset):
            break
        kept.append([*hidden, *own])
        heads.append(head)
        after.append(network.state_after(hidden) if network.core else state)
        state = np.where(reset[t][:, None], 0, after[-1])
    layers = tuple(np.stack([step[i] for step in kept]) for i in range(len(network.kept)))
    return layers, np.concatenate(heads), np.stack(values), np.stack(after)


def values_at(policy: Policy, snapshot: Snapshot, raw: Array, state: Array) -> Array:
    """Values of observations met with these states."""
    x = snapshot.rows(policy, raw)
    hidden = policy.network.policy_forward(snapshot.weights, x, state=state)[0]
    return policy.network.value_forward(snapshot.weights, x, policy_hidden=hidden)[1]
