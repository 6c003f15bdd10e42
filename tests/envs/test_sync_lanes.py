"""Lanes of Python environments: against a naive reference, then each clause of the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from touchline.envs.lanes import Ended, StepBuffers
from touchline.envs.make import make_lanes
from touchline.envs.spec import EnvSpec
from touchline.envs.sync_lanes import SyncLanes

Build = Callable[..., SyncLanes]


def started(lanes: SyncLanes, seeds: list[int] | None = None) -> StepBuffers:
    out = StepBuffers.allocate(lanes.observation_space, lanes.count)
    lanes.reset(seeds, out.observations)
    return out


def seed_of(lane: int, episode: int) -> int:
    return 1000 * lane + episode


class Naive:
    """The plainest loop over gymnasium's own environments: the ground truth of SyncLanes."""

    def __init__(self, env_id: str, lanes: int, **kwargs: Any) -> None:
        self.envs = [gymnasium.make(env_id, **kwargs) for _ in range(lanes)]
        self.episodes = [0] * lanes
        self.rewards: list[list[float]] = [[] for _ in range(lanes)]
        self.observations = [env.reset(seed=seed_of(lane, 0))[0] for lane, env in enumerate(self.envs)]

    def step(self, actions: Any) -> tuple[list[Any], list[float], list[bool], list[bool], list[Any]]:
        rewards, terminated, truncated, ended = [], [], [], []
        for lane, env in enumerate(self.envs):
            observation, reward, terminal, cut, _ = env.step(actions[lane])
            self.rewards[lane].append(float(reward))
            rewards.append(float(reward))
            terminated.append(terminal)
            truncated.append(cut)
            if terminal or cut:
                ended.append(
                    (lane, seed_of(lane, self.episodes[lane]), list(self.rewards[lane]), observation)
                )
                self.episodes[lane] += 1
                self.rewards[lane] = []
                observation, _ = env.reset(seed=seed_of(lane, self.episodes[lane]))
            self.observations[lane] = observation
        return self.observations, rewards, terminated, truncated, ended


@pytest.mark.parametrize(
    ("env_id", "kwargs"),
    [
        ("CartPole-v1", {}),
        ("CartPole-v1", {"max_episode_steps": 12}),
        ("Pendulum-v1", {"max_episode_steps": 7}),
    ],
)
def test_lanes_equal_a_naive_loop_over_gymnasium(env_id: str, kwargs: dict[str, Any]) -> None:
    naive = Naive(env_id, 3, **kwargs)
    spec = EnvSpec(env_id, kwargs=kwargs, vectorize="never")
    ended_lanes = 0
    with make_lanes(spec, 3, seed_source=seed_of) as lanes:
        out = StepBuffers.allocate(lanes.observation_space, 3)
        lanes.reset(None, out.observations)
        np.testing.assert_array_equal(out.observations, np.stack(naive.observations))
        naive.envs[0].action_space.seed(0)
        for _ in range(100):
            actions = np.stack([naive.envs[0].action_space.sample() for _ in range(3)])
            observations, rewards, terminated, truncated, ended = naive.step(actions)
            lanes.step(actions, out)
            np.testing.assert_array_equal(out.observations, np.stack(observations))
            np.testing.assert_array_equal(out.rewards, np.array(rewards, np.float32))
            np.testing.assert_array_equal(out.terminated, terminated)
            np.testing.assert_array_equal(out.truncated, truncated)
            assert out.valid.all()
            assert [(end.lane, end.seed, end.length) for end in out.ended] == [
                (lane, seed, len(returns)) for lane, seed, returns, _ in ended
            ]
            for end, (_, _, returns, final) in zip(out.ended, ended, strict=True):
                assert end.episode_return == pytest.approx(sum(returns), rel=1e-12)
                np.testing.assert_array_equal(end.final_observation, final)
                ended_lanes += 1
    assert ended_lanes > 10
    for env in naive.envs:
        env.close()


def test_a_lane_that_ends_begins_again_in_the_same_step(counter: Any, lanes_of: Build) -> None:
    lanes = lanes_of([counter(length=2), counter(length=5)])
    out = started(lanes)
    lanes.step(np.array([0, 0]), out)
    assert out.ended == []
    lanes.step(np.array([0, 0]), out)
    np.testing.assert_array_equal(out.observations, [[1.0, 0.0], [100.0, 2.0]])
    np.testing.assert_array_equal(out.rewards, [2.0, 2.0])
    np.testing.assert_array_equal(out.terminated, [True, False])
    [end] = out.ended
    assert (end.lane, end.episode, end.seed, end.length, end.episode_return) == (0, 0, 0, 2, 3.0)
    assert (end.terminated, end.truncated) == (True, False)
    np.testing.assert_array_equal(end.final_observation, [0.0, 2.0])
    assert (lanes.episodes, lanes.seeds, lanes.lengths) == ([1, 0], [1, 100], [0, 2])


def test_the_next_step_clears_what_ended(counter: Any, lanes_of: Build) -> None:
    lanes = lanes_of([counter(length=2)])
    out = started(lanes)
    for _ in range(3):
        lanes.step(np.array([0]), out)
    assert (out.ended, out.terminated.any(), out.truncated.any()) == ([], False, False)


def test_a_time_limit_truncates_as_gymnasium_does(counter: Any, lanes_of: Build) -> None:
    lanes = lanes_of([counter(length=100), counter(length=4)], time_limit=4)
    out = started(lanes)
    ends: list[Ended] = []
    for _ in range(8):
        lanes.step(np.array([0, 0]), out)
        ends += out.ended
    assert [(end.lane, end.length, end.terminated, end.truncated) for end in ends] == [
        (0, 4, False, True),
        (1, 4, True, True),
        (0, 4, False, True),
        (1, 4, True, True),
    ]


def test_each_lane_has_its_own_time_limit(counter: Any, lanes_of: Build) -> None:
    lanes = lanes_of([counter(length=3), counter(length=100)], time_limit=5)
    out = started(lanes)
    ends = []
    for step in range(1, 11):
        lanes.step(np.array([0, 0]), out)
        ends += [(step, end.lane) for end in out.ended]
    assert ends == [(3, 0), (5, 1), (6, 0), (9, 0), (10, 1)]


def test_given_seeds_are_used_and_count_as_episodes(counter: Any, lanes_of: Build) -> None:
    envs = [counter(length=1), counter(length=9)]
    lanes = lanes_of(envs)
    out = started(lanes, [7, 8])
    lanes.step(np.array([0, 0]), out)
    lanes.reset(None, out.observations)
    assert [env.resets for env in envs] == [[7, 1, 2], [8, 101]]
    assert lanes.episodes == [2, 1]


def test_seeds_of_any_integer_type_reach_the_environment_as_int(counter: Any, lanes_of: Build) -> None:
    env = counter()
    started(lanes_of([env]), [np.int64(5)])  # type: ignore[list-item]
    assert type(env.resets[0]) is int


# Waves: some lanes are stepped, none begins again.


def test_active_lanes_alone_are_stepped(counter: Any, lanes_of: Build) -> None:
    envs = [counter(length=9), counter(length=9), counter(length=9)]
    lanes = lanes_of(envs)
    out = started(lanes)
    out.rewards[:], out.terminated[:], out.truncated[:] = 5.0, True, True
    lanes.step(np.array([1, 1, 1]), out, np.array([True, False, True]))
    assert [len(env.actions) for env in envs] == [1, 0, 1]
    np.testing.assert_array_equal(out.valid, [True, False, True])
    np.testing.assert_array_equal(out.rewards, [1.0, 0.0, 1.0])
    np.testing.assert_array_equal(out.observations, [[0.0, 1.0], [100.0, 0.0], [200.0, 1.0]])
    assert not out.terminated.any()
    assert not out.truncated.any()
    assert lanes.lengths == [1, 0, 1]


def test_a_lane_that_ends_in_a_wave_stays_ended(counter: Any, lanes_of: Build) -> None:
    envs = [counter(length=1), counter(length=3, truncates=True)]
    lanes = lanes_of(envs)
    out = started(lanes)
    active = np.array([True, True])
    ends: list[Ended] = []
    while active.any():
        lanes.step(np.array([0, 0]), out, active)
        ends += out.ended
        active &= ~(out.terminated | out.truncated)
    assert [(end.lane, end.length, end.episode_return) for end in ends] == [(0, 1, 1.0), (1, 3, 6.0)]
    assert [len(env.resets) for env in envs] == [1, 1]
    np.testing.assert_array_equal(out.observations, [[0.0, 1.0], [100.0, 3.0]])
    lanes.reset(None, out.observations)
    assert lanes.episodes == [1, 1]


def test_a_lane_that_waits_keeps_its_time_limit(counter: Any, lanes_of: Build) -> None:
    lanes = lanes_of([counter(length=99), counter(length=99)], time_limit=3)
    out = started(lanes)
    for mask in ([True, False], [True, False], [True, True]):
        lanes.step(np.array([0, 0]), out, np.array(mask))
    assert [(end.lane, end.length) for end in out.ended] == [(0, 3)]
    assert lanes.lengths[1] == 1


@pytest.mark.parametrize("active", [None, np.array([True, True])])
def test_an_ended_lane_cannot_be_stepped_before_a_reset(counter: Any, lanes_of: Build, active: Any) -> None:
    lanes = lanes_of([counter(length=1), counter(length=9)])
    out = started(lanes)
    lanes.step(np.array([0, 0]), out, np.array([True, True]))
    with pytest.raises(AssertionError, match=r"lanes \[0\] ended"):
        lanes.step(np.array([0, 0]), out, active)
    lanes.reset(None, out.observations)
    lanes.step(np.array([0, 0]), out, active)


def test_no_lane_active_steps_none(counter: Any, lanes_of: Build) -> None:
    env = counter()
    lanes = lanes_of([env])
    out = started(lanes)
    lanes.step(np.array([0]), out, np.array([False]))
    assert (env.actions, bool(out.valid[0]), out.ended) == ([], False, [])


# Who owns what.


def test_a_reused_observation_buffer_does_not_reach_the_final_observation(
    counter: Any, lanes_of: Build
) -> None:
    lanes = lanes_of([counter(length=2, reuse=True)])
    out = started(lanes)
    for _ in range(2):
        lanes.step(np.array([0]), out)
    np.testing.assert_array_equal(out.ended[0].final_observation, [0.0, 2.0])
    np.testing.assert_array_equal(out.observations, [[1.0, 0.0]])


def test_the_final_observation_is_not_a_view_of_the_buffers(counter: Any, lanes_of: Build) -> None:
    lanes = lanes_of([counter(length=1)])
    out = started(lanes)
    lanes.step(np.array([0]), out, np.array([True]))
    assert not np.shares_memory(out.ended[0].final_observation, out.observations)


def test_an_environment_may_keep_its_action(counter: Any, lanes_of: Build) -> None:
    env = counter(action=spaces.Box(-1.0, 1.0, (2,), np.float32))
    lanes = lanes_of([env])
    out = started(lanes)
    actions = np.array([[0.5, -0.5]], np.float32)
    lanes.step(actions, out)
    actions[:] = 9.0
    np.testing.assert_array_equal(env.actions[0], np.array([0.5, -0.5], np.float32))


@pytest.mark.parametrize(
    ("space", "actions", "kind"),
    [
        (spaces.Discrete(2), np.array([1]), int),
        (spaces.MultiDiscrete([2, 3]), np.array([[1, 2]]), np.ndarray),
        (spaces.Box(-1.0, 1.0, (1,), np.float32), np.array([[0.25]]), np.ndarray),
    ],
)
def test_actions_arrive_as_their_space_has_them(
    counter: Any, lanes_of: Build, space: Any, actions: Any, kind: type
) -> None:
    env = counter(action=space)
    lanes = lanes_of([env])
    lanes.step(actions, started(lanes))
    assert isinstance(env.actions[0], kind)
    assert space.contains(env.actions[0])


def test_views_of_an_unroll_are_written_in_place(counter: Any, lanes_of: Build) -> None:
    lanes = lanes_of([counter(length=2), counter(length=9)])
    observations = np.zeros((4, 2, 2), np.float32)
    rewards = np.zeros((3, 2), np.float32)
    terminated, truncated, valid = (np.zeros((3, 2), np.bool_) for _ in range(3))
    rows = StepBuffers.over_unroll(observations, rewards, terminated, truncated, valid)
    lanes.reset(None, observations[0])
    for row in rows:
        lanes.step(np.array([0, 0]), row)
    np.testing.assert_array_equal(observations[:, 0], [[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(observations[:, 1], [[100, 0], [100, 1], [100, 2], [100, 3]])
    np.testing.assert_array_equal(rewards, [[1, 1], [2, 2], [1, 3]])
    np.testing.assert_array_equal(terminated, [[False, False], [True, False], [False, False]])
    assert valid.all()
    assert [len(row.ended) for row in rows] == [0, 1, 0]


def test_a_buffer_that_is_not_contiguous_is_refused_rather_than_lost(counter: Any, lanes_of: Build) -> None:
    lanes = lanes_of([counter(), counter()])
    out = started(lanes)
    out.observations = np.zeros((2, 2), np.float32).T
    with pytest.raises(ValueError, match="copy"):
        lanes.step(np.array([0, 0]), out)


# Rewards and observations that are unusual but allowed.


@pytest.mark.parametrize(
    "reward", [2, np.float32(2.0), np.float64(2.0), np.int64(2), np.array(2.0), np.True_]
)
def test_a_reward_may_be_any_number(counter: Any, lanes_of: Build, reward: Any) -> None:
    lanes = lanes_of([counter(at={1: (np.zeros(2, np.float32), reward, True, False, {})})])
    out = started(lanes)
    lanes.step(np.array([0]), out)
    assert out.rewards[0] == float(reward)
    assert type(out.ended[0].episode_return) is float


def test_observations_are_converted_within_their_kind(counter: Any, lanes_of: Build) -> None:
    lanes = lanes_of([counter(at={1: (np.array([1.5, 2.5], np.float64), 0.0, False, False, {})})])
    out = started(lanes)
    lanes.step(np.array([0]), out)
    np.testing.assert_array_equal(out.observations, [[1.5, 2.5]])


# Closing.


def test_closing_twice_closes_once_and_minds_no_exception(counter: Any, lanes_of: Build) -> None:
    class Stuck(counter):  # type: ignore[misc, valid-type]
        def close(self) -> None:
            super().close()
            raise RuntimeError("still open")

    envs = [Stuck(), counter()]
    with lanes_of(envs) as lanes:
        pass
    lanes.close()
    assert [env.closed for env in envs] == [1, 1]
