"""Gymnasium's wrappers of observations, by name: what they show through our lanes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from touchline.envs.check import check
from touchline.envs.lanes import Lanes, StepBuffers
from touchline.envs.make import make_lanes
from touchline.envs.resolve import resolve
from touchline.envs.spec import EnvSpec


def lanes_of(env_id: Any, wrappers: list[Any], *, lanes: int = 2, **kwargs: Any) -> Lanes:
    spec = EnvSpec(env_id, kwargs=kwargs, wrappers=wrappers)
    return make_lanes(spec, lanes, seed_source=lambda lane, episode: 100 * lane + episode)


def test_a_stack_holds_the_newest_observations_and_begins_with_the_first(counter: Any) -> None:
    with lanes_of(counter, [{"FrameStackObservation": {"stack_size": 3}}], length=4) as lanes:
        out = StepBuffers.allocate(lanes.observation_space, 2)
        lanes.reset(None, out.observations)
        steps = [out.observations[1, :, 1].tolist()]
        for _ in range(4):
            lanes.step(np.zeros(2, np.int64), out)
            steps.append(out.observations[1, :, 1].tolist())
        assert steps == [[0, 0, 0], [0, 0, 1], [0, 1, 2], [1, 2, 3], [0, 0, 0]]
        assert out.observations[1, :, 0].tolist() == [101] * 3
        assert out.ended[1].final_observation[:, 1].tolist() == [2, 3, 4]


@pytest.mark.parametrize("reuse", [False, True])
def test_a_stack_is_given_out_as_a_copy(counter: Any, reuse: bool) -> None:
    """Even of an environment that writes the same array again, nothing that was handed out changes later."""
    factory = resolve(
        EnvSpec(counter, kwargs={"reuse": reuse}, wrappers=[{"FrameStackObservation": {"stack_size": 2}}])
    )
    env = factory.make()
    kept = [env.reset(seed=1)[0], env.step(0)[0], env.step(0)[0]]
    copies = [x.copy() for x in kept]
    env.reset(seed=2)
    env.step(0)
    assert all(np.array_equal(x, copy) for x, copy in zip(kept, copies, strict=True))
    assert not any(np.shares_memory(kept[i], kept[j]) for i, j in ((0, 1), (0, 2), (1, 2)))


@pytest.mark.parametrize("normalize", [False, True])
def test_time_is_an_observation_within_the_time_limit(normalize: bool) -> None:
    wrappers = [{"TimeAwareObservation": {"normalize_time": normalize}}]
    with lanes_of("Pendulum-v1", wrappers, max_episode_steps=4) as lanes:
        out = StepBuffers.allocate(lanes.observation_space, 2)
        lanes.reset(None, out.observations)
        times, finals = [out.observations[0, -1]], []
        for _ in range(5):
            lanes.step(np.zeros((2, 1), np.float32), out)
            times.append(out.observations[0, -1])
            finals += [float(end.final_observation[-1]) for end in out.ended]
        unit = 0.25 if normalize else 1
        assert np.allclose(times, np.array([0, 1, 2, 3, 0, 1]) * unit)
        assert finals == [4 * unit] * 2
        assert lanes.facts.max_episode_steps == 4


def test_time_is_counted_beside_a_limit_that_lanes_keep_themselves(counter: Any) -> None:
    limits = [
        {"TimeLimit": {"max_episode_steps": 9}},
        "TimeAwareObservation",
        {"TimeLimit": {"max_episode_steps": 2}},
    ]
    with lanes_of(counter, limits, length=100) as lanes:
        out = StepBuffers.allocate(lanes.observation_space, 2)
        lanes.reset(None, out.observations)
        times = []
        for _ in range(4):
            lanes.step(np.zeros(2, np.int64), out)
            times.append(float(out.observations[0, -1]))
    assert times == [1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("env_id", "wrapper"),
    [
        ("CartPole-v1", {"FrameStackObservation": {"stack_size": 4}}),
        ("Pendulum-v1", {"TimeAwareObservation": {"normalize_time": True}}),
        ("CartPole-v1", "TimeAwareObservation"),
        ("CartPole-v1", {"ActionRepeat": {"n": 2}}),
        ("CartPole-v1", {"Latency": {"milliseconds": 0}}),
        ("CartPole-v1", "SignReward"),
        ("CartPole-v1", "Score"),
        ("CartPole-v1", {"ClipReward": {"max_reward": 0.5}}),
        ("CartPole-v1", {"ScaleReward": {"scale": 2}}),
    ],
)
def test_check_finds_no_error_in_a_wrapped_environment(env_id: str, wrapper: Any) -> None:
    found = check(EnvSpec(env_id, wrappers=[wrapper]), steps=300)
    assert [finding for finding in found if finding.severity == "error"] == []


@pytest.mark.parametrize(
    ("wrapper", "key"),
    [("NormalizeReward", "trainer.normalize_rewards"), ("NormalizeObservation", "env.normalize")],
)
def test_check_notes_a_scale_that_each_lane_would_keep(wrapper: str, key: str) -> None:
    found = check(EnvSpec("CartPole-v1", wrappers=[wrapper, "Score"]), steps=100)
    [note] = [finding for finding in found if finding.where == f"wrapper {wrapper}"]
    assert note.severity == "note"
    assert note.expected.endswith(key)
