"""Numbered trajectories: the same whoever plays them, whenever, and whatever was played before."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.configs import Config
from touchline.envs.spec import EnvSpec
from touchline.player.play import policy_for
from touchline.player.replays import NumberedLanes, Replays
from touchline.policy.normalizer import Statistics
from touchline.policy.policy import Snapshot
from touchline.targets.played import PlayedRows

LENGTH, LANES = 40, 3


class Stage:
    def __init__(self, env, *, run_seed=0, keep=2, goes_on=lambda: True):
        spec = EnvSpec(id=env, kwargs={}, wrappers=(), vectorize="auto")
        self.lanes = NumberedLanes(spec, lanes=LANES, length=LENGTH, run_seed=run_seed, goes_on=goes_on)
        config = Config.model_validate(
            {"env": {"id": env}, "policy": {"hidden": [6, 5], "value": False, "noise_correlation": 0.0}}
        )
        self.policy = policy_for(config, self.lanes.lanes)
        self.replays = Replays(self.lanes, self.policy, keep=keep)

    def snapshot(self, seed=0, version=0):
        flat = np.random.default_rng(seed).standard_normal(self.policy.network.layout.size)
        return Snapshot.of(self.policy, 1, version, flat.astype(np.float32), Statistics.empty(0))

    def play(self, number, seed=0):
        return self.lanes.play(self.policy, self.snapshot(seed), number)


@pytest.fixture
def stage():
    made = []

    def build(env="CartPole-v1", **how):
        made.append(Stage(env, **how))
        return made[-1]

    yield build
    for one in made:
        one.lanes.close()
        one.lanes.close()


def same(one, other):
    left, right = one.to_arrays(), other.to_arrays()
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name])


@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_any_player_plays_a_number_the_same_whatever_it_played_before(stage, env):
    one, other = stage(env), stage(env)
    first = one.play(5)
    other.play(1)
    other.play(2, seed=9)
    same(first, other.play(5))
    same(first, one.play(5))


def test_numbers_runs_and_weights_make_trajectories_differ(stage):
    here, elsewhere = stage(), stage(run_seed=1)
    first = here.play(5).observations
    for other in (here.play(6), elsewhere.play(5)):
        assert not np.array_equal(first[0], other.observations[0])
    other = here.play(5, seed=1).observations
    np.testing.assert_array_equal(first[0], other[0])  # the same resets
    assert not np.array_equal(first, other)


def test_each_begins_with_resets_of_all_lanes_and_holds_its_hidden_states(stage):
    here = stage()
    here.play(0)
    played = here.play(1)
    assert played.shape == (LENGTH, LANES)
    assert played.valid.all()
    assert [layer.shape for layer in played.hidden] == [(LENGTH, LANES, 6), (LENGTH, LANES, 5)]
    assert np.abs(played.observations[0]).max() <= 0.05  # where CartPole begins
    assert (played.episode_lengths <= LENGTH).all()


def test_what_is_kept_is_not_played_again(stage):
    here = stage()
    here.replays.play(here.snapshot(), 3)
    for version in (0, 7):  # a new version with the same weights, as a solve publishes them
        assert here.replays.rows(here.snapshot(version=version), 3) is not None
    assert here.replays.played == 1


def test_what_is_not_kept_is_played_again_bit_for_bit(stage):
    here, other = stage(), stage()
    snapshot = here.snapshot()
    played = here.replays.play(snapshot, 3)
    kept = here.replays.rows(snapshot, 3)
    again = other.replays.rows(snapshot, 3)
    expected = PlayedRows.of(here.policy, snapshot, played)
    assert other.replays.played == 1
    for found in (kept, again):
        np.testing.assert_array_equal(found.x, expected.x)
        np.testing.assert_array_equal(found.head, expected.head)
        np.testing.assert_array_equal(found.actions, expected.actions)
        for one, layer in zip(found.hidden, expected.hidden, strict=True):
            np.testing.assert_array_equal(one, layer)


def test_the_same_number_of_other_weights_is_another_trajectory(stage):
    here = stage()
    before = here.replays.rows(here.snapshot(0), 3)
    after = here.replays.rows(here.snapshot(1), 3)
    assert here.replays.played == 2
    assert not np.array_equal(before.head, after.head)


def test_only_the_latest_are_kept(stage):
    here = stage(keep=2)
    for number in (0, 1, 0, 2):  # playing a number again makes it the latest
        here.replays.play(here.snapshot(), number)
    here.replays.rows(here.snapshot(), 0)
    here.replays.rows(here.snapshot(), 2)
    assert here.replays.played == 4
    here.replays.rows(here.snapshot(), 1)
    assert here.replays.played == 5


def test_a_player_that_is_told_to_stop_keeps_nothing(stage):
    steps = iter([True] * 10 + [False] + [True] * 1000)
    here = stage(goes_on=lambda: next(steps))
    assert here.replays.play(here.snapshot(), 0) is None
    assert here.replays.played == 0
    assert here.replays.rows(here.snapshot(), 0) is not None
    same_as = stage().replays.rows(here.snapshot(), 0)
    np.testing.assert_array_equal(here.replays.rows(here.snapshot(), 0).x, same_as.x)
