"""What wrappers do to rewards, and which return is reported then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import pytest

from touchline.envs.lanes import Ended, StepBuffers
from touchline.envs.make import make_lanes
from touchline.envs.spec import EnvSpec
from touchline.envs.wrappers import ScaleReward, Score, SignReward
from touchline.envs.wrappers.rewards import score_of


class Pays(gymnasium.Env[Any, Any]):
    """Pays what it is told to, in turn, and ends; a reset may cost steps of which nobody else is told."""

    def __init__(self, rewards: Sequence[float] = (3.0, -0.5, 0.0), *, truncates: bool = False) -> None:
        self.observation_space = gymnasium.spaces.Discrete(9)
        self.action_space = gymnasium.spaces.Discrete(2)
        self.rewards, self.truncates, self.at = list(rewards), truncates, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.at = 0
        return np.int64(0), {}

    def step(self, action: Any) -> Any:
        reward, self.at = self.rewards[self.at], self.at + 1
        over = self.at == len(self.rewards)
        return np.int64(self.at), reward, over and not self.truncates, over and self.truncates, {}


class StepsInReset(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Begins each episode with one action of its own, as games that wait for a button are begun."""

    def reset(self, **given: Any) -> Any:
        self.env.reset(**given)
        return self.env.step(0)[0], {}


def rewards_of(env: gymnasium.Env[Any, Any]) -> list[float]:
    env.reset(seed=0)
    found, over = [], False
    while not over:
        _, reward, terminated, truncated, _ = env.step(0)
        found.append(float(reward))
        over = terminated or truncated
    return found


def ended(wrappers: Any, *, steps: int = 7, lanes: int = 2, **kwargs: Any) -> tuple[list[Ended], list[float]]:
    """The episodes that end, and what lane 0 was paid, step by step."""
    spec = EnvSpec(Pays, kwargs=kwargs, wrappers=wrappers)
    ends, paid = [], []
    with make_lanes(spec, lanes, seed_source=lambda lane, episode: lane) as made:
        out = StepBuffers.allocate(made.observation_space, lanes)
        made.reset(None, out.observations)
        for _ in range(steps):
            made.step(np.zeros(lanes, np.int64), out)
            ends += out.ended
            paid.append(float(out.rewards[0]))
    return ends, paid


def test_scale_multiplies_and_sign_leaves_the_sign() -> None:
    assert rewards_of(ScaleReward(Pays(), 0.5)) == [1.5, -0.25, 0.0]
    assert rewards_of(ScaleReward(Pays(), np.float32(0.5))) == [1.5, -0.25, 0.0]


@pytest.mark.parametrize("scale", ["abc", np.nan, True, None])
def test_a_scale_that_is_no_number_is_refused(scale: Any) -> None:
    with pytest.raises(ValueError, match="scale: expected a finite number, found"):
        ScaleReward(Pays(), scale)
    assert rewards_of(SignReward(Pays())) == [1.0, -1.0, 0.0]
    assert [type(reward) for reward in map(SignReward(Pays()).reward, (3, np.float32(-2), 0))] == [float] * 3


def test_a_score_changes_nothing_and_adds_up_what_is_within() -> None:
    score = Score(Pays())
    assert rewards_of(score) == [3.0, -0.5, 0.0]
    assert rewards_of(score) == [3.0, -0.5, 0.0]
    assert score.total == 5.0


@pytest.mark.parametrize(
    ("wrappers", "reported"),
    [
        (["SignReward"], 0.0),
        (["Score", "SignReward"], 2.5),
        ([{"ScaleReward": {"scale": 2}}, "Score", "SignReward"], 5.0),
        (["SignReward", "Score"], 0.0),
        (["Score", "SignReward", "Score"], 0.0),
    ],
)
def test_the_return_reported_is_of_the_outermost_score(wrappers: list[Any], reported: float) -> None:
    ends, paid = ended(wrappers)
    assert paid[:6] == [1.0, -1.0, 0.0] * 2
    assert [end.episode_return for end in ends] == [reported] * 4


@pytest.mark.parametrize("bounds", [{"min_reward": -1, "max_reward": 1}, {"max_reward": 1}])
def test_gymnasiums_clipping_needs_bounds_alone(bounds: dict[str, float]) -> None:
    ends, paid = ended(["Score", {"ClipReward": bounds}])
    assert paid[:3] == [1.0, -0.5, 0.0]
    assert {end.episode_return for end in ends} == {2.5}


def test_what_a_reset_is_paid_belongs_to_no_episode() -> None:
    ends, _ = ended(["Score", StepsInReset, "SignReward"])
    assert [end.episode_return for end in ends] == [-0.5] * 6


def test_episodes_cut_off_by_the_lanes_themselves_have_their_score() -> None:
    limit = {"TimeLimit": {"max_episode_steps": 2}}
    ends, _ = ended(["Score", "SignReward", limit], steps=4)
    assert [(end.length, end.truncated, end.episode_return) for end in ends] == [(2, True, 2.5)] * 4


def test_a_wave_reports_the_score_too() -> None:
    spec = EnvSpec(Pays, wrappers=["Score", "SignReward"])
    with make_lanes(spec, 2, seed_source=lambda lane, episode: lane, native=False) as made:
        out = StepBuffers.allocate(made.observation_space, 2)
        found = []
        for _ in range(2):
            made.reset(None, out.observations)
            active = np.ones(2, np.bool_)
            while active.any():
                made.step(np.zeros(2, np.int64), out, active)
                found += [end.episode_return for end in out.ended]
                active[[end.lane for end in out.ended]] = False
    assert found == [2.5] * 4


@pytest.mark.parametrize(
    ("wrappers", "threshold"),
    [
        (["SignReward"], None),
        (["Score", "SignReward"], 475.0),
        ([{"ScaleReward": {"scale": 2.0}}, "Score"], None),
        (["Score", "NormalizeReward"], 475.0),
    ],
)
def test_a_threshold_holds_where_the_score_is_of_the_games_own_rewards(
    wrappers: list[Any], threshold: float | None
) -> None:
    with make_lanes(EnvSpec("CartPole-v1", wrappers=wrappers), 1, seed_source=lambda *_: 0) as lanes:
        assert lanes.facts.reward_threshold == threshold


def test_the_score_is_found_through_other_wrappers_or_not_at_all() -> None:
    score = Score(Pays())
    assert score_of(SignReward(ScaleReward(score, 2.0))) is score
    assert score_of(SignReward(Pays())) is None
