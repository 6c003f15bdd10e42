"""Which lanes a spec gets, and what they say of themselves."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec as Registered
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from touchline.envs.errors import NotMade, UnsupportedSpace
from touchline.envs.lanes import Lanes, StepBuffers
from touchline.envs.make import make_lanes
from touchline.envs.spec import EnvSpec
from touchline.envs.sync_lanes import SyncLanes
from touchline.envs.vector_lanes import VectorLanes


def lanes_for(env_id: Any = "CartPole-v1", *, native: bool = True, **spec: Any) -> Lanes:
    return make_lanes(EnvSpec(env_id, **spec), 2, seed_source=lambda lane, episode: lane, native=native)


@pytest.mark.parametrize(
    ("env_id", "native", "spec", "kind"),
    [
        ("CartPole-v1", True, {}, VectorLanes),
        ("CartPole-v1", True, {"vectorize": "always"}, VectorLanes),
        ("CartPole-v1", True, {"vectorize": "never"}, SyncLanes),
        ("CartPole-v1", False, {}, SyncLanes),
        ("CartPole-v1", False, {"vectorize": "always"}, SyncLanes),
        ("CartPole-v1", True, {"wrappers": ["FlattenObservation"]}, SyncLanes),
        ("Pendulum-v1", True, {}, SyncLanes),
    ],
)
def test_native_lanes_where_there_are_any(env_id: str, native: bool, spec: Any, kind: type) -> None:
    with lanes_for(env_id, native=native, **spec) as lanes:
        assert isinstance(lanes, kind)
        assert lanes.facts.native == (kind is VectorLanes)


@pytest.mark.parametrize(
    ("env_id", "native", "spec", "says"),
    [
        ("Pendulum-v1", True, {}, "no vector form"),
        ("CartPole-v1", True, {"wrappers": ["FlattenObservation"]}, "no vector form"),
        ("Pendulum-v1", False, {}, "no vector form"),
    ],
)
def test_always_is_refused_where_it_cannot_be(env_id: str, native: bool, spec: Any, says: str) -> None:
    with pytest.raises(NotMade, match=says):
        lanes_for(env_id, native=native, vectorize="always", **spec)


@pytest.fixture
def registered(counter: Any) -> Any:
    """Registers an environment with a vector form, until the test is over."""
    names = []

    def register(vector_entry_point: Any) -> str:
        names.append(f"test/Native{len(names)}-v0")
        gymnasium.registry[names[-1]] = Registered(
            names[-1], entry_point=counter, vector_entry_point=vector_entry_point
        )
        return names[-1]

    yield register
    for name in names:
        del gymnasium.registry[name]


@pytest.mark.parametrize(
    ("mode", "kind", "autoreset"),
    [
        (AutoresetMode.NEXT_STEP, VectorLanes, "next_step"),
        (AutoresetMode.SAME_STEP, VectorLanes, "same_step"),
        (AutoresetMode.DISABLED, SyncLanes, "same_step"),
    ],
)
def test_the_autoreset_mode_is_that_of_the_environment(
    counter: Any, registered: Any, mode: AutoresetMode, kind: type, autoreset: str
) -> None:
    env_id = registered(lambda num_envs: SyncVectorEnv([counter] * num_envs, autoreset_mode=mode))
    with lanes_for(env_id) as lanes:
        assert isinstance(lanes, kind)
        assert lanes.facts.autoreset == autoreset


def test_a_vector_form_that_cannot_be_made_is_done_without(registered: Any) -> None:
    def broken(num_envs: int) -> Any:
        raise ImportError("no accelerator here")

    env_id = registered(broken)
    with lanes_for(env_id) as lanes:
        assert isinstance(lanes, SyncLanes)
    with pytest.raises(NotMade, match="no accelerator here"):
        lanes_for(env_id, vectorize="always")


def test_facts_of_a_registered_environment() -> None:
    with lanes_for(vectorize="never") as lanes:
        assert dataclasses.asdict(lanes.facts) == {
            "env": "CartPole-v1",
            "env_version": 1,
            "gymnasium_version": gymnasium.__version__,
            "reward_threshold": 475.0,
            "max_episode_steps": 500,
            "autoreset": "same_step",
            "native": False,
        }
        assert json.dumps(dataclasses.asdict(lanes.facts))


@pytest.mark.parametrize("vectorize", ["never", "always"])
def test_both_kinds_state_the_same_facts_and_spaces(vectorize: str) -> None:
    with (
        lanes_for(vectorize=vectorize, kwargs={"max_episode_steps": 9}) as lanes,
        lanes_for("CartPole-v1", vectorize="never") as usual,
    ):
        assert (lanes.facts.max_episode_steps, lanes.facts.reward_threshold) == (9, 475.0)
        assert (lanes.observation_space, lanes.action_space) == (
            usual.observation_space,
            usual.action_space,
        )


def test_facts_of_a_class(counter: Any) -> None:
    with lanes_for(counter) as lanes:
        facts = lanes.facts
    assert (facts.env, facts.env_version, facts.reward_threshold) == ("Counter", None, None)


@pytest.mark.parametrize("wrapper", [{"ScaleReward": {"scale": 2.0}}, "NormalizeReward"])
def test_a_threshold_means_nothing_once_rewards_are_changed(wrapper: Any) -> None:
    with lanes_for(wrappers=[wrapper]) as lanes:
        assert lanes.facts.reward_threshold is None


@pytest.mark.parametrize("wrappers", [[], ["FlattenObservation"], [{"TimeLimit": {"max_episode_steps": 9}}]])
def test_the_time_limit_holds_wherever_it_is_counted(wrappers: Any) -> None:
    limit = 9
    kwargs = {} if wrappers[:1] and isinstance(wrappers[0], dict) else {"max_episode_steps": limit}
    with lanes_for("Pendulum-v1", kwargs=kwargs, wrappers=wrappers) as lanes:
        out = StepBuffers.allocate(lanes.observation_space, 2)
        lanes.reset(None, out.observations)
        ends = []
        for step in range(1, 2 * limit + 1):
            lanes.step(np.zeros((2, 1), np.float32), out)
            ends += [(step, end.lane, end.length, end.truncated) for end in out.ended]
    assert ends == [(step, lane, limit, True) for step in (limit, 2 * limit) for lane in (0, 1)]


def ends_of(lanes: Lanes, steps: int) -> list[tuple[int, int, int]]:
    """``(step, lane, length)`` of each episode that is truncated."""
    out = StepBuffers.allocate(lanes.observation_space, lanes.count)
    lanes.reset(None, out.observations)
    ends = []
    for step in range(1, steps + 1):
        lanes.step(np.zeros(lanes.count, np.int64), out)
        ends += [(step, end.lane, end.length) for end in out.ended if end.truncated]
    return ends


@pytest.mark.parametrize("outer", [[], ["RecordEpisodeStatistics"]])
def test_a_time_limit_holds_without_a_record_in_the_registry(counter: Any, outer: Any) -> None:
    """Neither a class nor a factory has an id: the limit is the wrapper's own."""

    def factory() -> Any:
        return gymnasium.wrappers.TimeLimit(counter(length=100), 3)

    with lanes_for(factory, wrappers=outer) as lanes:
        assert lanes.facts.max_episode_steps == 3
        assert ends_of(lanes, 6) == [(3, 0, 3), (3, 1, 3), (6, 0, 3), (6, 1, 3)]


def test_a_time_limit_in_the_config_holds_without_a_record_in_the_registry(counter: Any) -> None:
    limit = {"TimeLimit": {"max_episode_steps": 3}}
    with lanes_for(lambda: counter(length=100), wrappers=[limit]) as lanes:
        assert lanes.facts.max_episode_steps == 3
        assert ends_of(lanes, 3) == [(3, 0, 3), (3, 1, 3)]


def test_limits_that_differ_from_lane_to_lane_are_kept(counter: Any) -> None:
    limits = iter([3, 2])

    def factory() -> Any:
        return gymnasium.wrappers.TimeLimit(counter(length=100), next(limits))

    with lanes_for(factory) as lanes:
        assert ends_of(lanes, 4) == [(2, 1, 2), (3, 0, 3), (4, 1, 2)]


def test_the_hot_loop_calls_no_wrapper_that_lanes_can_do_without() -> None:
    with lanes_for("Pendulum-v1") as lanes:
        assert isinstance(lanes, SyncLanes)
        assert all(env is env.unwrapped for env in lanes._envs)


def test_an_unsupported_space_closes_what_was_made(counter: Any) -> None:
    made = []

    def factory() -> Any:
        env = counter(action=gymnasium.spaces.Text(2))
        made.append(env)
        return env

    with pytest.raises(UnsupportedSpace, match="action space"):
        lanes_for(factory)
    assert [env.closed for env in made] == [1, 1]


def test_an_environment_that_fails_at_the_second_copy_closes_the_first(counter: Any) -> None:
    made: list[Any] = []

    def factory() -> Any:
        if made:
            raise OSError("only one at a time")
        made.append(counter())
        return made[0]

    with pytest.raises(NotMade, match="OSError: only one at a time"):
        lanes_for(factory)
    assert made[0].closed == 1
