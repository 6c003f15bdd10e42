"""An unroll's data: what a Player sends for a ``play`` order, and what a Trainer trusts only after checking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.policy import Policy
from touchline.policy.spaces import Box, Discrete, MultiDiscrete, Space, raw_dtype, raw_shape

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

    @property
    def shape(self) -> tuple[int, int]:
        """(T, B)."""
        return self.rewards.shape[0], self.rewards.shape[1]

    @property
    def steps(self) -> int:
        """Steps that count: the valid ones."""
        return int(np.count_nonzero(self.valid))

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self.to_arrays().values())

    def to_arrays(self) -> dict[str, AnyArray]:
        """By name, as they cross the wire; hidden layer i is ``hidden.i``."""
        arrays = {name: getattr(self, name) for name in _PLAIN}
        arrays |= {f"hidden.{i}": layer for i, layer in enumerate(self.hidden)}
        return arrays

    @staticmethod
    def from_arrays(policy: Policy, arrays: Mapping[str, AnyArray], *, hidden: bool) -> Trajectory:
        """The trajectory, every shape and dtype checked, indices and numbers too.

        Raises TrajectoryError with all that is wrong with their forms, or the first that is with their contents.
        """
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
        _check_finite(arrays)
        _check_contents(policy, arrays)
        layers = tuple(arrays[name] for name in expected if name.startswith("hidden."))
        return Trajectory(hidden=layers, **{name: arrays[name] for name in _PLAIN})


_PLAIN = tuple(field.name for field in fields(Trajectory) if field.name != "hidden")


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
        for i, width in enumerate(policy.network.hidden_shapes):
            expected[f"hidden.{i}"] = ("float32", (*step, width))
    return expected


def action_shape(policy: Policy) -> tuple[int, ...]:
    """The shape of one action as the policy draws it: a Box's is flat."""
    match policy.action_space:
        case Box() as box:
            return (box.size,)
        case MultiDiscrete(nvec):
            return (len(nvec),)
        case _:
            return ()


def action_dtype(policy: Policy) -> str:
    return "float32" if isinstance(policy.action_space, Box) else "int64"


def _check_finite(arrays: Mapping[str, AnyArray]) -> None:
    # One NaN from a peer would be in every weight after the next step, and in the mean return for good.
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not (finite := np.isfinite(array)).all():
            raise TrajectoryError(f"{name}: expected finite numbers, found {array[~finite][0]}")


def _check_contents(policy: Policy, arrays: Mapping[str, AnyArray]) -> None:
    # Indices from a peer reach fancy indexing in the Trainer: out of range they would raise there, or wrap.
    _check_range("final_steps", arrays["final_steps"], low=0, bounds=arrays["rewards"].shape)
    _check_choices("actions", arrays["actions"], policy.action_space, start=0)
    for name in ("observations", "final_observations"):
        _check_choices(name, arrays[name], policy.observation_space, start=None)
    _check_truncations(arrays["truncated"], arrays["final_steps"])


def _check_choices(name: str, values: AnyArray, space: Space, *, start: int | None) -> None:
    """Choices lie in their space; ``start`` stands for the space's own (drawn actions are counted from 0)."""
    match space:
        case Discrete(n=n):
            low = space.start if start is None else start
            _check_range(name, values, low=low, bounds=low + n)
        case MultiDiscrete(nvec=nvec):
            _check_range(name, values, low=0, bounds=nvec)
        case _:
            pass


def _check_range(name: str, values: AnyArray, *, low: int, bounds: int | tuple[int, ...]) -> None:
    wrong = values[(values < low) | (values >= np.asarray(bounds))]
    if wrong.size:
        raise TrajectoryError(f"{name}: expected {low} to below {bounds}, found {wrong[0]}")


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
