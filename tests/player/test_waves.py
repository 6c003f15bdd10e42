"""Waves: whole episodes, one snapshot from first step to last, sent as they end."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.player.waves import BLOCK_STEPS, Waves

SEED = 7


def waves_of(stage, *, keep_hidden=True, **more) -> Waves:
    return Waves(stage.lanes, stage.policy, base_seed=SEED, keep_hidden=keep_hidden, **more)


def test_a_wave_is_one_whole_episode_of_each_lane(stage):
    here = stage()
    games = list(waves_of(here).collect(here.snapshot(), result=0))
    assert len(games) == 4
    assert len({int(game.episode_seeds[0]) for game in games}) == 4
    for game in games:
        steps, lanes = game.shape
        assert lanes == 1
        assert game.episode_lengths.tolist() == [steps]
        assert game.episode_returns.tolist() == [game.rewards.sum()]
        assert (game.terminated | game.truncated)[:, 0].tolist() == [False] * (steps - 1) + [True]
        assert game.valid.all()


def test_games_come_in_the_order_in_which_they_end(stage):
    here = stage()
    lengths = [game.shape[0] for game in waves_of(here).collect(here.snapshot(), result=0)]
    assert lengths == sorted(lengths)
    assert len(set(lengths)) > 1


def test_a_game_never_mixes_versions(stage):
    """Every row of every game is a forward pass of the wave's own snapshot, and of no other."""
    here = stage()
    waves = waves_of(here)
    for wave in range(3):
        snapshot, other = here.snapshot(wave), here.snapshot(wave + 1)
        for game in waves.collect(snapshot, result=4 * wave):
            rows = game.observations[:-1, 0]
            hidden, head = here.policy.network.policy_forward(snapshot.weights, rows)
            np.testing.assert_allclose(game.head[:, 0], head, atol=1e-6)
            np.testing.assert_allclose(game.hidden[1][:, 0], hidden[1], atol=1e-6)
            wrong = here.policy.network.policy_forward(other.weights, rows)[1]
            assert not np.allclose(game.head[:, 0], wrong, atol=1e-6)


def test_a_game_longer_than_a_block_is_whole(stage):
    here = stage("Pendulum-v1", **{"env.kwargs": "{max_episode_steps: 150}"})
    games = list(waves_of(here).collect(here.snapshot(), result=0))
    assert 2 * BLOCK_STEPS < 150
    for game in games:
        assert game.shape == (150, 1)
        assert game.final_steps.tolist() == [[149, 0]]
        np.testing.assert_array_equal(game.final_observations[0], game.observations[-1, 0])
        moved = np.abs(np.diff(game.observations[:, 0], axis=0)).sum(axis=1)
        assert (moved > 0).all()


def test_games_own_their_arrays(stage):
    here = stage()
    waves = waves_of(here)
    first = list(waves.collect(here.snapshot(), result=0))
    kept = [game.observations.copy() for game in first]
    list(waves.collect(here.snapshot(1), result=4))
    for game, observations in zip(first, kept, strict=True):
        np.testing.assert_array_equal(game.observations, observations)


def test_the_same_wave_is_played_the_same(stage):
    one, other = stage(), stage()
    first = list(waves_of(one).collect(one.snapshot(), result=0))
    second = list(waves_of(other).collect(other.snapshot(), result=0))
    for left, right in zip(first, second, strict=True):
        for name, array in left.to_arrays().items():
            np.testing.assert_array_equal(array, right.to_arrays()[name])


def test_told_to_stop_it_ends_the_wave(stage):
    here = stage()
    games = list(waves_of(here, progress=lambda t: t < 3).collect(here.snapshot(), result=0))
    assert games == []


@pytest.mark.parametrize("keep_hidden", [True, False])
def test_a_shared_torso_gives_the_values_of_a_forward_pass(stage, keep_hidden):
    here = stage(**{"policy.shared": "true"})
    snapshot = here.snapshot()
    games = list(waves_of(here, keep_hidden=keep_hidden).collect(snapshot, result=0))
    assert len(games) == 4
    for game in games:
        values = here.policy.network.value_forward(snapshot.weights, game.observations[:, 0])[1]
        np.testing.assert_allclose(game.values[:, 0], values, atol=1e-6)
        assert len(game.hidden) == (2 if keep_hidden else 0)


def test_without_hidden_nothing_hidden_is_kept(stage):
    here = stage()
    games = list(waves_of(here, keep_hidden=False).collect(here.snapshot(), result=0))
    assert all(game.hidden == () for game in games)


@pytest.mark.parametrize(("one_in", "games"), [(4, 1), (1, 4)])
def test_games_that_leave_the_space_are_counted_and_no_fault(strays, one_in, games):
    here = strays(one_in)
    waves = waves_of(here)
    assert len(list(waves.collect(here.snapshot(), result=0))) == 4
    assert waves.outside == games * 4 * 2
