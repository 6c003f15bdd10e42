"""Environments that give no numbers: what was played is sent as it is, with its seeds, and the lanes begin anew."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from touchline.envs.errors import EnvironmentFault
from touchline.envs.make import make_lanes
from touchline.envs.spec import EnvSpec
from touchline.player import unrolls
from touchline.player.broken import finite
from touchline.player.play import Play
from touchline.policy.policy import Policy
from touchline.policy.records import Record
from touchline.policy.seeds import episode_seed, weights_stream
from touchline.policy.spaces import Box, Dict, Discrete
from touchline.policy.trajectory import Trajectory, TrajectoryError

SEED, LENGTH, LANES = 7, 20, 3
MOST_STEPS = 500  # of a wave: a game that nobody cuts would never end


class Failing(gymnasium.Env):
    """Counts its steps, and has no number for its observation or reward from step ``at`` of one episode on.

    It then does not end either: nothing that is compared with NaN is true.
    """

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(
        self, *, what: str, number: float, at: int = 5, episode: int = 1, limit: int | None = None
    ) -> None:
        self.what, self.number, self.at, self.ill, self.episode = what, number, at, episode, -1
        self.limit = limit  # truncated then

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps, self.episode = 0, self.episode + 1
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        ill = self.steps >= self.at and self.episode == self.ill
        observation = np.array(
            [self.number if ill and self.what == "observation" else self.steps], np.float32
        )
        reward = self.number if ill and self.what == "reward" else 1.0
        return observation, reward, not ill and self.steps >= 12, self.steps == self.limit, {}


def seed_of(lane: int, episode: int) -> int:
    return episode_seed(base=SEED, lane=lane, episode=episode)


class Stage:
    """Lanes of ``Failing`` and the order that is carried out with them."""

    def __init__(self, length, **kwargs):
        self.lanes = make_lanes(EnvSpec(Failing, kwargs=kwargs), LANES, seed_source=seed_of, native=False)
        self.policy = Policy.build(
            observation_space=self.lanes.observation_space, action_space=self.lanes.action_space, hidden=(4,)
        )
        arguments = {"unroll_length": length, "hidden": True, "greedy": False}
        self.play = Play(
            self.lanes, self.policy, arguments, base_seed=SEED, progress=lambda t: t < MOST_STEPS
        )
        self.snapshot = self.policy.first_snapshot(weights_stream(0), epoch=1)

    def results(self, seq):
        return list(self.play.results(self.snapshot, seq=seq))

    def fault(self, trajectory):
        """What the Trainer says of it; empty where it takes it."""
        try:
            Trajectory.from_arrays(self.policy, trajectory.to_arrays(), hidden=True)
        except TrajectoryError as error:
            return str(error)
        return ""


each = pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
both = pytest.mark.parametrize(("what", "name"), [("observation", "observations"), ("reward", "rewards")])


@each
@both
def test_an_unroll_is_sent_as_it_is_and_the_next_begins_with_new_episodes(what, name, number):
    stage = Stage(LENGTH, what=what, number=number)
    with stage.lanes:
        (broken,) = stage.results(0)
        assert stage.fault(broken).startswith(f"{name}: expected finite numbers, found {number} at [")
        assert (broken.episode_seeds[-LANES:] == [seed_of(lane, 1) for lane in range(LANES)]).all()
        assert np.isnan(broken.episode_returns[-LANES:]).all()
        assert (broken.episode_lengths[-LANES:] == LENGTH - 12).all()
        (sound,) = stage.results(1)
        assert stage.fault(sound) == ""
        np.testing.assert_array_equal(sound.observations[:4, 0, 0], [0, 1, 2, 3])
        np.testing.assert_array_equal(sound.episode_seeds, [seed_of(lane, 2) for lane in range(LANES)])


@each
@both
def test_a_game_that_would_never_end_is_cut_and_sent(what, name, number):
    stage = Stage("episode", what=what, number=number, episode=0)
    with stage.lanes:
        games = stage.results(0)
        assert len(games) == LANES
        for game, lane in zip(games, range(LANES), strict=True):
            assert stage.fault(game).startswith(f"{name}: expected finite numbers, found {number} at [")
            assert game.episode_seeds.tolist() == [seed_of(lane, 0)]
            assert game.shape == (int(game.episode_lengths[0]), 1)
        assert [stage.fault(game) for game in stage.results(LANES)] == [""] * LANES


def test_what_ends_by_itself_is_sent_as_it_ends():
    stage = Stage("episode", what="observation", number=np.nan, at=12, episode=0)
    with stage.lanes:
        stage.lanes.lenient = True
        for game in stage.results(0):
            assert stage.fault(game).startswith("observations: expected finite numbers")


def test_lanes_that_are_not_lenient_take_it_for_a_fault():
    for what in ("observation", "reward"):
        stage = Stage(LENGTH, what=what, number=np.nan)
        with stage.lanes:
            stage.lanes.lenient = False
            with pytest.raises(EnvironmentFault, match="nan"):
                stage.results(0)


def test_the_rewards_of_an_unroll_are_looked_at_once(monkeypatch):
    """However many final observations there are beside them."""
    looked = []

    def seen(space, observations, rewards=None):
        looked.append(rewards is not None)
        return finite(space, observations, rewards)

    monkeypatch.setattr(unrolls, "finite", seen)
    stage = Stage(LENGTH, what="nothing", number=0.0, limit=6)
    with stage.lanes:
        (trajectory,) = stage.results(0)
    assert len(trajectory.final_steps) == 3 * LANES
    assert looked == [True] + [False] * 3 * LANES


def test_the_last_observation_of_a_truncated_game_is_looked_at():
    stage = Stage(LENGTH, what="observation", number=np.nan, at=6, limit=6)
    with stage.lanes:
        (broken,) = stage.results(0)
        assert stage.fault(broken).startswith("final_observations: expected finite numbers")


def test_the_leaves_of_a_record_are_looked_at_one_by_one():
    """Its bytes are small integers, whatever they say."""
    space = Dict(("a", "b"), (Box((2,), "float32", (-1.0,) * 2, (1.0,) * 2), Discrete(3)))
    record, rewards = Record.of(space), np.zeros(3, np.float32)
    raw = np.zeros((3, record.nbytes), np.uint8)
    assert finite(space, raw, rewards)
    leaf = next(leaf for leaf in record.leaves if leaf.path == ("a",))
    record.view(raw, leaf)[1, 0] = np.nan
    assert not finite(space, raw, rewards)
    assert not finite(space, np.zeros_like(raw), np.array([np.inf], np.float32))
