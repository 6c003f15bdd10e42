"""Native vector environments, in both autoreset modes. gymnasium's own SyncVectorEnv stands in for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from touchline.envs.errors import EnvironmentFault
from touchline.envs.lanes import Ended, Facts, StepBuffers
from touchline.envs.make import AUTORESET, make_lanes
from touchline.envs.spaces import action_space, observation_space
from touchline.envs.spec import EnvSpec
from touchline.envs.vector_lanes import VectorLanes

NEXT, SAME = AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP
Build = Callable[..., VectorLanes]


@pytest.fixture
def native() -> Iterator[Build]:
    """VectorLanes over environments stepped by gymnasium; the seed of a reset is 10 plus its number."""
    made: list[VectorLanes] = []

    def build(envs: list[Any], mode: AutoresetMode) -> VectorLanes:
        vector = SyncVectorEnv([lambda env=env: env for env in envs], autoreset_mode=mode)
        lanes = VectorLanes(
            vector,
            observation_space=observation_space(vector.single_observation_space),
            action_space=action_space(vector.single_action_space),
            facts=Facts("Counter", None, "1", None, None, AUTORESET[mode], native=True),
            seed_source=lambda lane, episode: 10 + episode,
        )
        made.append(lanes)
        return lanes

    yield build
    for lanes in made:
        lanes.close()


def started(lanes: VectorLanes, seeds: list[int] | None = None) -> StepBuffers:
    out = StepBuffers.allocate(lanes.observation_space, lanes.count)
    lanes.reset(seeds, out.observations)
    return out


def play(lanes: VectorLanes, steps: int) -> dict[str, Any]:
    out = started(lanes)
    rows: dict[str, list[Any]] = {
        name: [] for name in ("observations", "rewards", "terminated", "truncated", "valid")
    }
    ends: list[tuple[int, Ended]] = []
    for step in range(steps):
        lanes.step(np.zeros(lanes.count, np.int64), out)
        for name, values in rows.items():
            values.append(getattr(out, name).copy())
        ends += [(step, end) for end in out.ended]
    return {name: np.stack(values) for name, values in rows.items()} | {"ends": ends}


def test_next_step_autoreset_marks_the_extra_step_invalid(counter: Any, native: Build) -> None:
    seen = play(native([counter(length=2), counter(length=9)], NEXT), 5)
    np.testing.assert_array_equal(seen["valid"][:, 0], [True, True, False, True, True])
    assert seen["valid"][:, 1].all()
    np.testing.assert_array_equal(seen["observations"][:, 0, 1], [1, 2, 0, 1, 2])
    np.testing.assert_array_equal(seen["rewards"][:, 0], [1, 2, 0, 1, 2])
    np.testing.assert_array_equal(seen["terminated"][:, 0], [False, True, False, False, True])
    assert [(step, end.lane, end.episode, end.length, end.episode_return) for step, end in seen["ends"]] == [
        (1, 0, 0, 2, 3.0),
        (4, 0, 1, 2, 3.0),
    ]
    np.testing.assert_array_equal(seen["ends"][0][1].final_observation, [10, 2])


def test_an_invalid_step_carries_nothing_even_where_the_environment_says_so(
    counter: Any, native: Build
) -> None:
    lanes = native([counter(length=1)], NEXT)
    out = started(lanes)
    lanes.step(np.zeros(1, np.int64), out)
    vector = lanes._env
    observations = np.zeros((1, 2), np.float32)
    yes = np.array([True])
    vector.step = lambda actions: (observations, np.array([7.0]), yes, yes, {})  # type: ignore[method-assign]
    lanes.step(np.zeros(1, np.int64), out)
    assert (out.rewards[0], out.terminated[0], out.truncated[0], out.valid[0]) == (0.0, False, False, False)
    assert (out.ended, lanes.lengths) == ([], [0])


def test_same_step_autoreset_has_the_final_observation_beside(counter: Any, native: Build) -> None:
    seen = play(native([counter(length=2, truncates=True), counter(length=9)], SAME), 4)
    assert seen["valid"].all()
    np.testing.assert_array_equal(seen["observations"][:, 0, 1], [1, 0, 1, 0])
    np.testing.assert_array_equal(seen["truncated"][:, 0], [False, True, False, True])
    assert not seen["terminated"].any()
    assert [(step, end.episode, end.length, end.episode_return) for step, end in seen["ends"]] == [
        (1, 0, 2, 3.0),
        (3, 1, 2, 3.0),
    ]
    np.testing.assert_array_equal(seen["ends"][0][1].final_observation[1], 2)


@pytest.mark.parametrize("mode", [NEXT, SAME])
def test_what_ended_is_owned_by_its_receiver(counter: Any, native: Build, mode: AutoresetMode) -> None:
    lanes = native([counter(length=1)], mode)
    out = started(lanes)
    lanes.step(np.zeros(1, np.int64), out)
    final = out.ended[0].final_observation
    assert not np.shares_memory(final, out.observations)
    assert final[1] == 1


def test_the_first_seed_is_the_seed_of_all(counter: Any, native: Build) -> None:
    envs = [counter(length=1), counter(length=1)]
    lanes = native(envs, NEXT)
    out = started(lanes, [7, 8])
    assert [env.resets for env in envs] == [[7], [8]]  # SyncVectorEnv gives lane i the seed plus i
    for _ in range(2):
        lanes.step(np.zeros(2, np.int64), out)
    assert (lanes.seeds, lanes.episodes) == ([7, 7], [1, 1])
    lanes.reset(None, out.observations)
    assert (lanes.seeds, lanes.episodes, lanes.lengths) == ([12, 12], [2, 2], [0, 0])


def test_a_reset_forgets_that_a_lane_had_ended(counter: Any, native: Build) -> None:
    lanes = native([counter(length=1)], NEXT)
    out = started(lanes)
    lanes.step(np.zeros(1, np.int64), out)
    lanes.reset(None, out.observations)
    lanes.step(np.zeros(1, np.int64), out)
    assert out.valid.all()
    assert len(out.ended) == 1


def test_waves_are_refused(counter: Any, native: Build) -> None:
    lanes = native([counter()], NEXT)
    with pytest.raises(AssertionError, match="native=False"):
        lanes.step(np.zeros(1, np.int64), started(lanes), np.array([True]))


@pytest.mark.parametrize(
    ("index", "value", "where", "found"),
    [
        (0, np.zeros((2, 3), np.float32), "observation", "an array of float32 [2, 3]"),
        (0, np.zeros((1, 2), np.float32), "observation", "an array of float32 [1, 2]"),
        (1, np.array([np.nan, 0.0]), "reward", "nan"),
        (1, np.zeros((2, 1)), "reward", "an array of float64 [2, 1]"),
        (1, [0.0, 0.0], "reward", "a list"),
        (2, np.zeros(2), "terminated", "an array of float64 [2]"),
        (3, np.zeros(2), "truncated", "an array of float64 [2]"),
    ],
)
def test_a_broken_batch_is_a_fault(
    counter: Any, native: Build, index: int, value: Any, where: str, found: str
) -> None:
    lanes = native([counter(), counter()], NEXT)
    out = started(lanes)
    result: list[Any] = [np.zeros((2, 2), np.float32), np.zeros(2), np.zeros(2, bool), np.zeros(2, bool), {}]
    result[index] = value
    lanes._env.step = lambda actions: tuple(result)  # type: ignore[method-assign]
    with pytest.raises(EnvironmentFault) as caught:
        lanes.step(np.array([0, 1]), out)
    assert (caught.value.where, caught.value.found) == (where, found)
    assert (caught.value.seed, caught.value.last_actions) == (10, ([0, 1],))


def test_a_missing_final_observation_is_a_fault(counter: Any, native: Build) -> None:
    lanes = native([counter()], SAME)
    out = started(lanes)
    yes = np.array([True])
    lanes._env.step = lambda actions: (out.observations.copy(), np.zeros(1), yes, ~yes, {})  # type: ignore[method-assign]
    with pytest.raises(EnvironmentFault, match="final_obs"):
        lanes.step(np.array([0]), out)


def test_exceptions_are_faults(counter: Any, native: Build) -> None:
    lanes = native([counter(at={1: RuntimeError("in step")})], NEXT)
    with pytest.raises(EnvironmentFault, match="RuntimeError: in step"):
        lanes.step(np.array([0]), started(lanes))
    broken = native([counter(on_reset=RuntimeError("in reset"))], NEXT)
    with pytest.raises(EnvironmentFault, match="RuntimeError: in reset"):
        started(broken)


def test_closing_twice_closes_once(counter: Any, native: Build) -> None:
    lanes = native([counter()], NEXT)
    close, calls = lanes._env.close, []
    lanes._env.close = lambda: (calls.append(1), close())  # type: ignore[method-assign, func-returns-value]
    lanes.close()
    lanes.close()
    assert calls == [1]


def test_native_cartpole_keeps_the_contract() -> None:
    """Every valid step of CartPole pays 1, so that returns, lengths and valid steps must agree."""
    with make_lanes(EnvSpec("CartPole-v1"), 4, seed_source=lambda lane, episode: 3) as lanes:
        assert isinstance(lanes, VectorLanes)
        out = StepBuffers.allocate(lanes.observation_space, 4)
        lanes.reset(None, out.observations)
        rng = np.random.default_rng(0)
        valid, lengths, previous = 0, 0, np.zeros(4, bool)
        for _ in range(300):
            lanes.step(rng.integers(0, 2, 4), out)
            np.testing.assert_array_equal(out.rewards, out.valid.astype(np.float32))
            np.testing.assert_array_equal(~out.valid, previous)
            previous = out.terminated | out.truncated
            valid += int(out.valid.sum())
            for end in out.ended:
                assert end.episode_return == end.length
                lengths += end.length
        assert valid == lengths + sum(
            length for length, over in zip(lanes.lengths, previous, strict=True) if not over
        )
        assert lengths > 500
