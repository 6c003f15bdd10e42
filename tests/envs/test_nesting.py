"""Environments whose observations and actions have parts: stored, checked and handed over leaf by leaf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from touchline.envs.contract import as_observation, describe, plain
from touchline.envs.errors import EnvironmentFault
from touchline.envs.lanes import Facts, StepBuffers
from touchline.envs.make import AUTORESET
from touchline.envs.nesting import final_record, owned_actions, owned_batch, store_records
from touchline.envs.spaces import action_space, observation_space
from touchline.envs.sync_lanes import SyncLanes
from touchline.envs.vector_lanes import VectorLanes
from touchline.policy.actions import drawn_dtype, drawn_shape, environment_actions
from touchline.policy.records import Record

SEEN = spaces.Dict(
    {
        "camera": spaces.Box(0, 255, (2, 3), np.uint8),
        "body": spaces.Tuple((spaces.Box(-1e6, 1e6, (2,), np.float32), spaces.Discrete(100))),
    }
)
DONE = spaces.Dict(
    {
        "go": spaces.Discrete(3, start=1),
        "arm": spaces.Tuple((spaces.Box(-1.0, 1.0, (2,), np.float32), spaces.MultiBinary(2))),
    }
)
SPACE, ACTIONS = observation_space(SEEN), action_space(DONE)
RECORD = Record.of(SPACE)


class Car(gymnasium.Env[Any, Any]):
    """Shows its seed and steps in every part; truncates after ``length`` steps; ``at``: what a step gives instead."""

    observation_space, action_space = SEEN, DONE

    def __init__(self, length: int = 3, at: dict[int, Any] | None = None) -> None:
        self.length, self.at = length, at or {}
        self.actions: list[Any] = []

    def seen(self) -> dict[str, Any]:
        number = self.seed % 256
        camera = np.full((2, 3), number, np.uint8)
        camera[0, 0] = self.steps
        return {"camera": camera, "body": (np.array([number, self.steps], np.float32), self.steps)}

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        if seed is not None:
            self.seed = seed
        self.steps = 0
        return self.seen(), {}

    def step(self, action: Any) -> Any:
        self.actions.append(action)
        self.steps += 1
        observation = self.at.get(len(self.actions), self.seen())
        return observation, 1.0, False, self.steps >= self.length, {}


def read(raw: np.ndarray) -> np.ndarray:
    """(seed, steps) of records ``[..., nbytes]``, the same in every part or an AssertionError."""
    value = RECORD.unpack(raw)
    numbers, count = value["body"]
    np.testing.assert_array_equal(value["camera"][..., 0, 0], numbers[..., 1])
    np.testing.assert_array_equal(value["camera"][..., 1, 2], numbers[..., 0])
    np.testing.assert_array_equal(count, numbers[..., 1])
    return np.asarray(numbers)


def actions_of(count: int) -> Any:
    drawn = np.zeros((count, *drawn_shape(ACTIONS)), drawn_dtype(ACTIONS))
    drawn[:, 0] = np.arange(count) / 10  # gymnasium sorts a Dict by name: the arm comes before go
    drawn[:, 2] = 1
    drawn[:, 4] = np.arange(count) % 3
    return environment_actions(ACTIONS)(drawn)


FACTS = Facts("Car", None, gymnasium.__version__, None, None, "same_step", native=False)


def sync(*envs: Car) -> SyncLanes:
    return SyncLanes(
        envs,
        observation_space=SPACE,
        action_space=ACTIONS,
        facts=FACTS,
        seed_source=lambda lane, episode: 10 * lane + episode,
    )


def native(mode: AutoresetMode, *envs: Car) -> VectorLanes:
    made: list[Callable[[], Car]] = [lambda env=env: env for env in envs]  # type: ignore[misc]
    vector = SyncVectorEnv(made, autoreset_mode=mode)
    return VectorLanes(
        vector,
        observation_space=observation_space(vector.single_observation_space),
        action_space=action_space(vector.single_action_space),
        facts=Facts("Car", None, "1", None, None, AUTORESET[mode], native=True),
        seed_source=lambda lane, episode: 10 + episode,
    )


def started(lanes: Any) -> StepBuffers:
    out = StepBuffers.allocate(lanes.observation_space, lanes.count)
    lanes.reset(None, out.observations)
    return out


def test_python_lanes_store_every_part() -> None:
    lanes = sync(Car(), Car(length=2))
    out = started(lanes)
    np.testing.assert_array_equal(read(out.observations), [[0, 0], [10, 0]])
    lanes.step(actions_of(2), out)
    np.testing.assert_array_equal(read(out.observations), [[0, 1], [10, 1]])
    lanes.step(actions_of(2), out)
    np.testing.assert_array_equal(read(out.observations), [[0, 2], [11, 0]])
    (ended,) = out.ended
    np.testing.assert_array_equal(read(ended.final_observation), [10, 2])
    assert not np.shares_memory(ended.final_observation, out.observations)


def test_waves_store_every_part_of_the_active_lanes() -> None:
    lanes = sync(Car(length=1), Car())
    out = started(lanes)
    lanes.step(actions_of(2), out, np.array([True, True]))
    lanes.step(actions_of(2), out, np.array([False, True]))
    np.testing.assert_array_equal(read(out.observations), [[0, 1], [10, 2]])


def test_an_environment_gets_actions_of_its_space_and_its_own_memory() -> None:
    envs = Car(length=9), Car(length=9)
    lanes = sync(*envs)
    out, batch = started(lanes), actions_of(2)
    lanes.step(batch, out)
    batch["arm"][0][...] = 7
    batch["arm"][1][...] = 7
    for lane, env in enumerate(envs):
        (action,) = env.actions
        assert DONE.contains(action)
        assert (action["go"], type(action["go"])) == (1 + lane, int)
        np.testing.assert_allclose(action["arm"][0], [lane / 10, 0])
        np.testing.assert_array_equal(action["arm"][1], [1, 0])


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_native_lanes_store_every_part(mode: AutoresetMode) -> None:
    envs = Car(length=2), Car(length=9)
    lanes = native(mode, *envs)
    out = started(lanes)
    np.testing.assert_array_equal(read(out.observations), [[10, 0], [11, 0]])
    for _ in range(2):
        lanes.step(actions_of(2), out)
    (ended,) = out.ended
    np.testing.assert_array_equal(read(ended.final_observation), [10, 2])
    assert not np.shares_memory(ended.final_observation, out.observations)
    began_again = mode is AutoresetMode.SAME_STEP
    np.testing.assert_array_equal(read(out.observations), [[10, 0 if began_again else 2], [11, 2]])
    assert all(DONE.contains(action) for action in envs[0].actions)
    lanes.close()


GOOD = {"camera": np.zeros((2, 3), np.uint8), "body": (np.zeros(2, np.float32), 0)}


@pytest.mark.parametrize("wave", [False, True])
@pytest.mark.parametrize(
    ("observation", "where", "expected", "found"),
    [
        ({"camera": GOOD["camera"]}, "observation", "a dict of 'body', 'camera'", "a dict of 'camera'"),
        (GOOD["camera"], "observation", "a dict of", "an array of uint8 [2, 3]"),
        (np.zeros(RECORD.nbytes, np.uint8), "observation", "a dict of", "an array of uint8 [24]"),
        (GOOD | {"body": (GOOD["body"][0],)}, "observation['body']", "a tuple of 2", "a tuple of 1"),
        (GOOD | {"camera": np.zeros((2, 3))}, "observation['camera']", "uint8 [2, 3]", "float64 [2, 3]"),
        (GOOD | {"body": (np.zeros(3, np.float32), 0)}, "observation['body'][0]", "[2]", "float32 [3]"),
        (GOOD | {"body": (GOOD["body"][0], 0.5)}, "observation['body'][1]", "int64 []", "0.5"),
    ],
)
def test_a_part_that_is_not_what_the_space_says_is_named(
    observation: Any, where: str, expected: str, found: str, wave: bool
) -> None:
    lanes = sync(Car(length=9), Car(length=9, at={2: observation}))
    out = started(lanes)
    active = np.array([True, True]) if wave else None
    lanes.step(actions_of(2), out, active)
    with pytest.raises(EnvironmentFault) as caught:
        lanes.step(actions_of(2), out, active)
    fault = caught.value
    assert (fault.where, fault.lane, fault.seed, fault.step) == (where, 1, 10, 1)
    assert expected in fault.expected
    assert found in fault.found
    assert fault.last_actions[0]["arm"] == [[pytest.approx(0.1), 0.0], [1, 0]]


def test_a_native_batch_that_is_not_what_the_space_says_is_named() -> None:
    lanes = native(AutoresetMode.NEXT_STEP, Car(), Car())
    out = started(lanes)
    flat = np.zeros(2, bool)
    wrong = {
        "camera": np.zeros((2, 2, 3), np.uint8),
        "body": (np.zeros((1, 2), np.float32), np.zeros(2, int)),
    }
    lanes._env.step = lambda actions: (wrong, np.zeros(2), flat, flat, {})  # type: ignore[method-assign]
    with pytest.raises(
        EnvironmentFault, match=r"observation\['body'\]\[0\]: expected an array of float32 \[2, 2\]"
    ):
        lanes.step(actions_of(2), out)
    lanes.close()


def test_final_observations_may_be_a_nest_of_arrays() -> None:
    values = [
        {"camera": np.full((2, 3), i, np.uint8), "body": (np.full(2, i, np.float32), i)} for i in range(3)
    ]
    nest = {
        "camera": np.stack([value["camera"] for value in values]),
        "body": (np.stack([value["body"][0] for value in values]), np.arange(3)),
    }
    array = np.empty(3, object)
    array[:] = values
    for lane in range(3):
        one, other = final_record(RECORD, nest, lane), final_record(RECORD, array, lane)
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, as_observation(values[lane], SPACE))


def test_records_are_stored_whole_and_clean() -> None:
    out = np.full((2, RECORD.nbytes), 255, np.uint8)
    store_records(RECORD, [GOOD, GOOD], out)
    assert not out.any()
    with pytest.raises(KeyError):
        store_records(RECORD, [GOOD, {"camera": GOOD["camera"]}], out)
    with pytest.raises(ValueError, match="must match"):
        store_records(RECORD, [GOOD, GOOD | {"camera": np.zeros((3, 2), np.uint8)}], out)
    for wrong in (0.5, np.float32(1.0), "a"):
        with pytest.raises(TypeError, match="Cannot cast"):
            store_records(RECORD, [GOOD, GOOD | {"body": (GOOD["body"][0], wrong)}], out)


def test_a_copied_batch_has_the_spaces_dtypes() -> None:
    batch = actions_of(3)
    copy = owned_batch(ACTIONS, batch)
    assert copy["arm"][1].dtype == np.int8
    assert not np.shares_memory(copy["arm"][0], batch["arm"][0])
    assert [action["go"] for action in owned_actions(ACTIONS, batch)] == copy["go"].tolist() == [1, 2, 3]


def test_nested_actions_and_observations_in_words() -> None:
    assert plain({"a": (np.array([1.0]), np.int64(2), 3)}) == {"a": [[1.0], 2, 3]}
    assert describe({"a": 1, "b": 2}) == "a dict of 'a', 'b'"
    assert describe({}) == "a dict"
