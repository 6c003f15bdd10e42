"""Numbered episodes: whole, in the order of their numbers, and the same whoever plays them."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from touchline.envs.errors import EnvironmentFault
from touchline.envs.spec import EnvSpec
from touchline.player.games import Games
from touchline.policy.policy import Policy, Snapshot

SPEC = EnvSpec(id="CartPole-v1", kwargs={}, wrappers=(), vectorize="never")


class Astray(gymnasium.Env):
    """Three steps, and every observation but the first is beyond its bounds; ``reading`` is what it shows."""

    observation_space = gymnasium.spaces.Box(0.0, 1.0, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, reading=2.0):
        self.reading = np.full(1, reading, np.float32)

    def reset(self, *, seed=None, options=None):
        self.step_number = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.step_number += 1
        return self.reading, 1.0, self.step_number == 3, False, {}


@pytest.fixture
def games():
    made = []

    def build(lanes=3, spec=SPEC, **more):
        made.append(Games(spec, lanes=lanes, **more))
        return made[-1]

    yield build
    for one in made:
        one.close()
        one.close()


def policy_of(games, seed=0):
    lanes = games.lanes
    policy = Policy.build(
        observation_space=lanes.observation_space, action_space=lanes.action_space, hidden=(8,), value=False
    )
    return policy, policy.first_snapshot(np.random.default_rng(seed), epoch=1)


def played(games, *, episodes=7, seed=5, greedy=False, **more):
    policy, snapshot = policy_of(games)
    waves = list(games.play(policy, snapshot, episodes=episodes, seed=seed, greedy=greedy, **more))
    return [len(wave) for wave in waves], [game for wave in waves for game in wave]


def first_rows(found):
    return np.stack([game.observations[0] for game in found])


def test_waves_are_as_wide_as_the_lanes_and_the_last_has_what_is_left(games):
    widths, found = played(games())
    assert widths == [3, 3, 1]
    for game in found:
        assert game.observations.shape == (game.length, 4)
        assert game.actions.shape == game.rewards.shape
        assert game.score == game.length == game.rewards.sum()


def test_games_come_by_number_not_as_they_end(games):
    by_number = first_rows(played(games(1))[1])
    np.testing.assert_array_equal(first_rows(played(games(3))[1]), by_number)
    assert len(np.unique(by_number, axis=0)) == len(by_number)


def test_the_same_seed_plays_the_same_and_another_another(games):
    one, other = games(), games()
    played(other, seed=9)  # what was played before does not matter
    first, second, third = played(one)[1], played(other)[1], played(one, seed=6)[1]
    for left, right in zip(first, second, strict=True):
        np.testing.assert_array_equal(left.observations, right.observations)
        np.testing.assert_array_equal(left.actions, right.actions)
    assert not np.array_equal(first_rows(first), first_rows(third))


def test_a_greedy_game_takes_the_likeliest_action_from_where_it_stops_being_random(games):
    here = games()
    policy, snapshot = policy_of(here)
    random_firsts = []
    for game in played(here, greedy=True, random_steps=1, episodes=12)[1]:
        head = policy.network.policy_forward(snapshot.weights, game.observations)[1]
        np.testing.assert_array_equal(game.actions[1:], head.argmax(axis=1)[1:])
        random_firsts.append(int(game.actions[0]))
    assert set(random_firsts) == {0, 1}


def test_random_games_do_not_ask_the_policy(games):
    here = games()
    policy, first = policy_of(here)
    flat = first.weights.flat.copy()
    policy.network.bind(flat).policy_head.bias[0] = 50.0  # would always take action 0
    snapshot = Snapshot.of(policy, 1, 0, flat, first.statistics)
    (wave,) = here.play(policy, snapshot, episodes=3, seed=1, greedy=False, random_steps=None)
    actions = np.concatenate([game.actions for game in wave])
    assert 0.2 < actions.mean() < 0.8


def astray(reading):
    return EnvSpec(id=Astray, kwargs={"reading": reading}, wrappers=(), vectorize="never")


def test_a_game_that_leaves_its_space_is_counted_and_no_reason_to_end_the_run(games):
    here = games(spec=astray(2.0))
    assert len(played(here, episodes=4)[1]) == 4
    assert here.outside == 4 * 3


def test_what_is_no_number_is_a_fault(games):
    with pytest.raises(EnvironmentFault, match="expected a finite value"):
        played(games(spec=astray(np.nan)), episodes=4)


def test_who_is_told_to_stop_gives_whole_waves_alone(games):
    asked = []

    def goes_on(step):
        asked.append(step)
        return len(asked) < 150

    widths, _ = played(games(progress=goes_on), episodes=300)
    assert 0 < sum(widths) < 300
    assert set(widths) == {3}
