"""Actions that are repeated, and steps that take their time."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from touchline.envs.errors import NotMade
from touchline.envs.lanes import StepBuffers
from touchline.envs.make import make_lanes
from touchline.envs.resolve import resolve
from touchline.envs.spec import EnvSpec
from touchline.envs.wrappers import ActionRepeat, Latency


def test_an_action_is_repeated_and_its_rewards_added(counter: Any) -> None:
    inner = counter(length=8)
    env = ActionRepeat(inner, 3)
    env.reset(seed=5)
    observation, reward, *ends, _ = env.step(1)
    assert (observation.tolist(), reward, ends) == ([5.0, 3.0], 1.0 + 2.0 + 3.0, [False, False])
    assert env.step(0)[1] == 4.0 + 5.0 + 6.0
    assert inner.actions == [1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("truncates", [False, True])
def test_an_end_on_the_way_ends_the_step(counter: Any, truncates: bool) -> None:
    inner = counter(length=4, truncates=truncates)
    env = ActionRepeat(inner, 3)
    env.reset(seed=0)
    env.step(1)
    observation, reward, *ends, _ = env.step(1)
    assert (observation.tolist(), reward, ends) == ([0.0, 4.0], 4.0, [not truncates, truncates])
    assert len(inner.actions) == 4


def test_lengths_are_the_policys_steps_and_the_limit_within_is_the_environments() -> None:
    spec = EnvSpec("Pendulum-v1", wrappers=[{"ActionRepeat": {"n": 8}}])
    with make_lanes(spec, 1, seed_source=lambda lane, episode: 0) as lanes:
        out = StepBuffers.allocate(lanes.observation_space, 1)
        lanes.reset(None, out.observations)
        lengths = []
        for _ in range(50):
            lanes.step(np.zeros((1, 1), np.float32), out)
            lengths += [(end.length, end.truncated) for end in out.ended]
    assert lengths == [(25, True), (25, True)]


@pytest.mark.parametrize("n", [0, -1, 2.5, "2"])
def test_a_number_that_is_none_is_refused(n: Any) -> None:
    with pytest.raises(NotMade, match=r"wrapper ActionRepeat.*n: expected a positive integer, found"):
        resolve(EnvSpec("CartPole-v1", wrappers=[{"ActionRepeat": {"n": n}}])).make()


def test_latency_waits_once_a_step_and_changes_nothing_else(
    counter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    plain, slow = counter(), Latency(counter(), 2.5)
    assert slow.reset(seed=1)[0].tolist() == plain.reset(seed=1)[0].tolist()
    assert waited == []
    for _ in range(3):
        one, other = slow.step(1), plain.step(1)
        assert (one[0].tolist(), *one[1:]) == (other[0].tolist(), *other[1:])
    assert waited == [0.0025] * 3


def test_latency_takes_the_time_it_says(counter: Any) -> None:
    env = Latency(counter(), 20)
    env.reset(seed=0)
    began = time.perf_counter()
    env.step(0)
    assert time.perf_counter() - began >= 0.02


@pytest.mark.parametrize("milliseconds", [-1, float("nan")])
def test_a_time_before_now_is_refused(milliseconds: float) -> None:
    with pytest.raises(NotMade, match="milliseconds: expected 0 or more"):
        resolve(EnvSpec("CartPole-v1", wrappers=[{"Latency": {"milliseconds": milliseconds}}])).make()
