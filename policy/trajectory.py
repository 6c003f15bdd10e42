"""An unroll's data: what a Player sends for a ``play`` order, and what a Trainer trusts only after checking."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.actions import drawn_dtype, drawn_shape
from touchline.policy.contents import action_fault, observation_fault, observed_parts, range_fault
from touchline.policy.numbers import number_fault
from touchline.policy.packing import PARTS, PackingError, pack, unpack
from touchline.policy.policy import Policy
from touchline.policy.recurrent import Sequences, starts_of
from touchline.policy.spaces import raw_dtype, raw_shape

AnyArray = NDArray[Any]
FloatArray = NDArray[np.floating[Any]]


class TrajectoryError(ValueError):
    """Arrays that are no trajectory of this policy: field, expected, found."""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """T steps of B lanes under one snapshot; K episodes truncated, E episodes ended within."""

    observations: AnyArray  # the space's dtype [T + 1, B, ...], raw
    hidden: tuple[FloatArray, ...]  # float32 [T, B, H] each; empty when the order does not ask
    head: FloatArray  # float32 [T, B, P]
    actions: AnyArray  # int64 [T, B] or [T, B, F]; float32 [T, B, A], before clipping
    log_probs: FloatArray  # float32 [T, B], of the actions
    values: FloatArray  # float32 [T + 1, B]
    rewards: FloatArray  # float32 [T, B]
    terminated: NDArray[np.bool_]  # bool [T, B]
    truncated: NDArray[np.bool_]  # bool [T, B]
    valid: NDArray[np.bool_]  # bool [T, B]; false for a step that autoreset added
    final_steps: NDArray[np.int32]  # int32 [K, 2]: (t, lane) of each truncated episode
    final_observations: AnyArray  # [K, ...], raw
    final_values: FloatArray  # float32 [K]
    episode_returns: NDArray[np.float64]  # float64 [E]
    episode_lengths: NDArray[np.int64]  # int64 [E]
    episode_seeds: NDArray[np.int64]  # int64 [E]
    state: FloatArray  # float32 [B, S], the recurrent state at the unroll's start; S = 0 without one

    @property
    def shape(self) -> tuple[int, int]:
        """(T, B)."""
        return self.rewards.shape[0], self.rewards.shape[1]

    @property
    def steps(self) -> int:
        """Steps that count: the valid ones."""
        return int(np.count_nonzero(self.valid))

    @property
    def sequences(self) -> Sequences:
        """Which steps follow which: for a recurrent policy."""
        return Sequences(starts_of(self.terminated | self.truncated, self.valid), self.state)

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self.to_arrays().values())

    def to_arrays(self, *, sparse: bool = False) -> dict[str, AnyArray]:
        """By name, as they cross the wire; hidden layer i is ``hidden.i``. ``sparse``: as the policy's form says."""
        arrays = {name: getattr(self, name) for name in _PLAIN}
        if sparse:
            for name, axes in _OBSERVED.items():
                raw = arrays.pop(name)
                arrays |= pack(name, raw.reshape(math.prod(raw.shape[:axes]), math.prod(raw.shape[axes:])))
        arrays |= {f"hidden.{i}": layer for i, layer in enumerate(self.hidden)}
        if self.state.size:
            arrays["state"] = self.state
        return arrays

    @staticmethod
    def from_arrays(policy: Policy, arrays: Mapping[str, AnyArray], *, hidden: bool) -> Trajectory:
        """The trajectory, every shape and dtype checked, indices and numbers too.

        Raises TrajectoryError with all that is wrong with their forms, or the first that is with their contents.
        """
        if policy.form.sparse:
            arrays = _unpacked(policy, arrays)
        expected = expectations(policy, arrays, hidden=hidden)
        faults = [f"unexpected array {name!r}" for name in arrays if name not in expected]
        for name, (dtype, shape) in expected.items():
            found = arrays.get(name)
            if found is None:
                faults.append(f"{name}: expected {dtype} {list(shape)}, found nothing")
            elif found.dtype != dtype or found.shape != shape:
                faults.append(
                    f"{name}: expected {dtype} {list(shape)}, found {found.dtype} {list(found.shape)}"
                )
        if faults:
            raise TrajectoryError("; ".join(faults))
        _check_finite(policy, arrays)
        _check_contents(policy, arrays)
        layers = tuple(arrays[name] for name in expected if name.startswith("hidden."))
        lanes = arrays["rewards"].shape[1]
        state = arrays["state"] if "state" in expected else np.empty((lanes, 0), np.float32)
        return Trajectory(hidden=layers, state=state, **{name: arrays[name] for name in _PLAIN})


_PLAIN = tuple(field.name for field in fields(Trajectory) if field.name not in {"hidden", "state"})

# And how many axes stand before those of one observation.
_OBSERVED = {"observations": 2, "final_observations": 1}


def expectations(
    policy: Policy, arrays: Mapping[str, AnyArray], *, hidden: bool
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """(dtype, shape) of each array, given T, B, K and E from ``rewards``, ``final_values``, ``episode_returns``."""
    steps, lanes = _two(arrays, "rewards")
    truncations, episodes = _one(arrays, "final_values"), _one(arrays, "episode_returns")
    raw, dtype = raw_shape(policy.observation_space), raw_dtype(policy.observation_space)
    step = (steps, lanes)
    expected: dict[str, tuple[str, tuple[int, ...]]] = {
        "observations": (dtype, (steps + 1, lanes, *raw)),
        "head": ("float32", (*step, policy.network.head_size)),
        "actions": (action_dtype(policy), (*step, *action_shape(policy))),
        "values": ("float32", (steps + 1, lanes)),
        **dict.fromkeys(("log_probs", "rewards"), ("float32", step)),
        **dict.fromkeys(("terminated", "truncated", "valid"), ("bool", step)),
        "final_steps": ("int32", (truncations, 2)),
        "final_observations": (dtype, (truncations, *raw)),
        "final_values": ("float32", (truncations,)),
        "episode_returns": ("float64", (episodes,)),
        "episode_lengths": ("int64", (episodes,)),
        "episode_seeds": ("int64", (episodes,)),
    }
    if hidden:
        for i, kept in enumerate(policy.network.kept):
            expected[f"hidden.{i}"] = ("float32", (*step, *kept))
    if policy.network.state_size:
        expected["state"] = ("float32", (lanes, policy.network.state_size))
    return expected


def _unpacked(policy: Policy, arrays: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """The arrays with observations dense again. Raises TrajectoryError where they were not packed as they should."""
    steps, lanes = _two(arrays, "rewards")
    shape, dtype = raw_shape(policy.observation_space), raw_dtype(policy.observation_space)
    packed = {f"{name}.{part}" for name in _OBSERVED for part in PARTS}
    dense = {name: array for name, array in arrays.items() if name not in packed}
    before = {"observations": (steps + 1, lanes), "final_observations": (_one(arrays, "final_values"),)}
    for name, axes in before.items():
        try:
            rows = unpack(name, arrays, rows=math.prod(axes), width=math.prod(shape), dtype=dtype)
        except PackingError as error:
            raise TrajectoryError(str(error)) from None
        if name in dense:
            raise TrajectoryError(f"unexpected array {name!r}: it came packed too")
        dense[name] = rows.reshape(*axes, *shape)
    return dense


def action_shape(policy: Policy) -> tuple[int, ...]:
    """The shape of one action as the policy draws it: flat."""
    return drawn_shape(policy.action_space)


def action_dtype(policy: Policy) -> str:
    return drawn_dtype(policy.action_space)


def _check_finite(policy: Policy, arrays: Mapping[str, AnyArray]) -> None:
    # One NaN from a peer would be in every weight after the next step, and in the mean return for good.
    fault = number_fault(arrays, observed_parts(policy.observation_space, arrays))
    if fault is not None:
        raise TrajectoryError(fault)


def _check_contents(policy: Policy, arrays: Mapping[str, AnyArray]) -> None:
    faults = [range_fault("final_steps", arrays["final_steps"], low=0, stop=arrays["rewards"].shape)]
    faults.append(action_fault("actions", policy.action_space, arrays["actions"]))
    for name in ("observations", "final_observations"):
        faults.append(observation_fault(name, policy.observation_space, arrays[name]))
    for fault in faults:
        if fault is not None:
            raise TrajectoryError(fault)
    _check_truncations(arrays["truncated"], arrays["final_steps"])


def _check_truncations(truncated: NDArray[np.bool_], final_steps: NDArray[np.int32]) -> None:
    # A truncated step that nothing is given for would bootstrap from the next episode's first observation.
    given = np.zeros_like(truncated)
    given[final_steps[:, 0], final_steps[:, 1]] = True
    if np.count_nonzero(given) != len(final_steps) or not np.array_equal(given, truncated):
        expected = f"each of the {np.count_nonzero(truncated)} truncated steps once"
        raise TrajectoryError(f"final_steps: expected {expected}, found {final_steps.tolist()[:8]}")


def _two(arrays: Mapping[str, AnyArray], name: str) -> tuple[int, int]:
    shape = arrays[name].shape if name in arrays else ()
    if len(shape) != 2 or min(shape) < 1:
        raise TrajectoryError(f"{name}: expected float32 [T, B], found {list(shape)}")
    return shape[0], shape[1]


def _one(arrays: Mapping[str, AnyArray], name: str) -> int:
    shape = arrays[name].shape if name in arrays else ()
    if len(shape) != 1:
        raise TrajectoryError(f"{name}: expected one axis, found {list(shape)}")
    return int(shape[0])
