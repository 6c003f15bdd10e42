"""Every way an environment can break its contract, and what the fault says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

from touchline.envs.errors import EnvironmentFault
from touchline.envs.lanes import StepBuffers
from touchline.envs.sync_lanes import SyncLanes

Build = Callable[..., SyncLanes]


def started(lanes: SyncLanes) -> StepBuffers:
    out = StepBuffers.allocate(lanes.observation_space, lanes.count)
    lanes.reset(None, out.observations)
    return out


def fault_of(lanes: SyncLanes, *, steps: int = 1, active: Any = None) -> EnvironmentFault:
    """The fault of the last of so many steps; the ones before it must go well."""
    out = started(lanes)
    actions = np.ones(lanes.count, np.int64)
    for _ in range(steps - 1):
        lanes.step(actions, out, active)
    with pytest.raises(EnvironmentFault) as caught:
        lanes.step(actions, out, active)
    return caught.value


GOOD = np.zeros(2, np.float32)
FIVE = "five values (observation, reward, terminated, truncated, info)"
BREACHES = [
    ((GOOD, 0.0, False, {}), "step()", FIVE, "a tuple of 4 values"),
    ((GOOD, 0.0, False, False, {}, 1), "step()", FIVE, "a tuple of 6 values"),
    (None, "step()", FIVE, "None"),
    ((GOOD, float("nan"), False, False, {}), "reward", "a finite number", "nan"),
    ((GOOD, float("-inf"), False, False, {}), "reward", "a finite number", "-inf"),
    ((GOOD, np.float32("inf"), False, False, {}), "reward", "a finite number", "inf"),
    ((GOOD, "1.0", False, False, {}), "reward", "a number", "'1.0'"),
    ((GOOD, None, False, False, {}), "reward", "a number", "None"),
    ((GOOD, np.ones(1), False, False, {}), "reward", "a number", "an array of float64 [1]"),
    ((np.zeros(3, np.float32), 0.0, False, False, {}), "observation", "an array of float32 [2]", "[3]"),
    ((np.zeros((1, 2), np.float32), 0.0, False, False, {}), "observation", "float32 [2]", "[1, 2]"),
    ((np.zeros(2, np.complex64), 0.0, False, False, {}), "observation", "float32 [2]", "complex64 [2]"),
    ((np.array(["a", "b"]), 0.0, False, False, {}), "observation", "float32 [2]", "<U1 [2]"),
    (({"a": 1}, 0.0, False, False, {}), "observation", "float32 [2]", "a dict"),
    (RuntimeError("boom. more\nlines"), "step()", "no exception", "RuntimeError: boom. more"),
    (ValueError("not enough values to unpack (expected 5, got 4)"), "step()", "no exception", "ValueError"),
]


@pytest.mark.parametrize("wave", [False, True])
@pytest.mark.parametrize(("result", "where", "expected", "found"), BREACHES)
def test_a_broken_step_is_a_fault(
    counter: Any, lanes_of: Build, result: Any, where: str, expected: str, found: str, wave: bool
) -> None:
    lanes = lanes_of([counter(length=9), counter(length=9, at={3: result})])
    fault = fault_of(lanes, steps=3, active=np.array([False, True]) if wave else None)
    assert fault.where == where
    assert expected in fault.expected
    assert found in fault.found
    assert (fault.lane, fault.seed, fault.step) == (1, 100, 2)
    assert fault.last_actions == (1, 1, 1)


@pytest.mark.parametrize(
    ("result", "expected", "found"),
    [
        (GOOD, "a pair (observation, info)", "an array of float32 [2]"),
        ((GOOD, {}, 1), "a pair (observation, info)", "a tuple of 3 values"),
        ((np.zeros(3, np.float32), {}), "an array of float32 [2]", "an array of float32 [3]"),
        (([0.0, 0.0], {}), "an array of float32 [2]", "a list"),
        (OSError("no display"), "no exception", "OSError: no display"),
    ],
)
def test_a_broken_reset_is_a_fault(
    counter: Any, lanes_of: Build, result: Any, expected: str, found: str
) -> None:
    lanes = lanes_of([counter(), counter(on_reset=result)])
    with pytest.raises(EnvironmentFault) as caught:
        started(lanes)
    fault = caught.value
    assert (fault.expected, fault.found) == (expected, found)
    assert (fault.lane, fault.seed, fault.step, fault.last_actions) == (1, 100, None, ())


def test_a_reset_that_breaks_within_a_step_names_the_new_episode(counter: Any, lanes_of: Build) -> None:
    env = counter(length=1)
    lanes = lanes_of([env])
    out = started(lanes)
    env.on_reset = RuntimeError("once only")
    with pytest.raises(EnvironmentFault, match="once only") as caught:
        lanes.step(np.array([0]), out)
    assert (caught.value.where, caught.value.seed) == ("reset()", 1)


def test_the_exception_of_the_environment_is_the_cause(counter: Any, lanes_of: Build) -> None:
    trouble = ZeroDivisionError("inside")
    fault = fault_of(lanes_of([counter(at={1: trouble})]))
    assert fault.__cause__ is trouble


def test_four_values_behind_a_wrapper_of_gymnasium_are_still_named(counter: Any, lanes_of: Build) -> None:
    env = gymnasium.wrappers.TimeLimit(counter(at={1: (GOOD, 0.0, False, {})}), 10)
    fault = fault_of(lanes_of([env]))
    assert (fault.where, fault.expected, fault.found) == ("step()", FIVE, "4 values")


def test_at_most_twenty_actions_of_this_episode_are_kept(counter: Any, lanes_of: Build) -> None:
    long = fault_of(lanes_of([counter(length=99, at={40: RuntimeError()})]), steps=40)
    assert (len(long.last_actions), long.step) == (20, 39)
    second = fault_of(lanes_of([counter(length=6, at={8: RuntimeError()})]), steps=8)
    assert (len(second.last_actions), second.step, second.seed) == (2, 1, 1)


def test_an_interrupt_is_not_a_fault(counter: Any, lanes_of: Build) -> None:
    env = counter()
    lanes = lanes_of([env])
    out = started(lanes)

    def interrupted(action: Any) -> Any:
        raise KeyboardInterrupt

    lanes._steps[0] = interrupted
    with pytest.raises(KeyboardInterrupt):
        lanes.step(np.array([0]), out)
