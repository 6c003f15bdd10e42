"""Evaluation plays the number of whole episodes it was asked for, and no lane's short ones twice."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.envs.errors import EnvError
from touchline.envs.spec import EnvSpec
from touchline.player.evaluate import LANES, Evaluator, evaluate, seeds_of
from touchline.policy.seeds import episode_seed, mix


@pytest.mark.parametrize("episodes", [1, 4, 7, 10])
def test_as_many_episodes_as_asked_for(stage, episodes):
    here = stage()
    found = evaluate(EnvSpec("CartPole-v1"), here.policy, here.snapshot(), episodes=episodes, seed=3, lanes=4)
    assert len(found.returns) == len(found.lengths) == len(set(found.seeds)) == episodes
    assert found.returns == tuple(float(length) for length in found.lengths)
    assert found.mean == pytest.approx(np.mean(found.returns))


def test_the_same_seed_gives_the_same_episodes(stage):
    here = stage()
    first, again, other = (
        evaluate(EnvSpec("CartPole-v1"), here.policy, here.snapshot(), episodes=6, seed=seed, lanes=4)
        for seed in (3, 3, 4)
    )
    assert first == again
    assert first.seeds != other.seeds


def test_greedy_and_sampled_differ(stage):
    here = stage()
    greedy, sampled = (
        evaluate(EnvSpec("CartPole-v1"), here.policy, here.snapshot(), episodes=8, seed=3, greedy=flag)
        for flag in (True, False)
    )
    assert set(greedy.seeds) == set(sampled.seeds)  # each wave in the order in which its games ended
    assert greedy.returns != sampled.returns


# -- seeds


def test_the_seeds_are_those_of_waves_of_sixteen():
    """By hand: full waves under one base, what is left over under another."""
    bases = [mix(6, 3, group) >> 1 for group in (0, 1)]
    full = [
        episode_seed(base=bases[0], lane=lane, episode=wave) for wave in range(2) for lane in range(LANES)
    ]
    left = [episode_seed(base=bases[1], lane=lane, episode=0) for lane in range(8)]
    assert seeds_of(3, 40) == full + left


@pytest.mark.parametrize("lanes", [1, 3, 16, 50])
def test_the_episodes_do_not_depend_on_how_many_are_played_at_a_time(stage, lanes):
    here = stage()
    found = evaluate(EnvSpec("CartPole-v1"), here.policy, here.snapshot(), episodes=20, seed=3, lanes=lanes)
    assert sorted(found.seeds) == sorted(seeds_of(3, 20))
    reference = evaluate(EnvSpec("CartPole-v1"), here.policy, here.snapshot(), episodes=20, seed=3)
    assert dict(zip(found.seeds, found.returns, strict=True)) == dict(
        zip(reference.seeds, reference.returns, strict=True)
    )


# -- lanes that are kept


@pytest.fixture
def evaluator(stage):
    here = stage()
    with Evaluator(EnvSpec("CartPole-v1"), here.policy, lanes=4) as made:
        yield made, here


def test_lanes_are_kept_and_play_the_same_episodes_again(evaluator, monkeypatch):
    made, here = evaluator
    first = made.play(here.snapshot(), episodes=10, seed=3)
    monkeypatch.setattr("touchline.player.evaluate.make_lanes", lambda *_, **__: pytest.fail("made anew"))
    other = made.play(here.snapshot(version=1), episodes=10, seed=3)
    assert made.play(here.snapshot(), episodes=10, seed=3) == first
    assert sorted(other.seeds) == sorted(first.seeds)
    assert other.returns != first.returns


def test_prepared_nothing_is_left_to_build(evaluator, monkeypatch):
    made, here = evaluator
    made.prepare(episodes=10)
    monkeypatch.setattr("touchline.player.evaluate.make_lanes", lambda *_, **__: pytest.fail("made late"))
    assert len(made.play(here.snapshot(), episodes=10, seed=3).returns) == 10


def test_what_cannot_be_built_is_said_when_it_is_prepared(stage):
    with pytest.raises(EnvError, match="CartPool"):
        Evaluator(EnvSpec("CartPool-v1"), stage().policy).prepare(episodes=3)


@pytest.mark.parametrize("steps", [1, 30, 60])
def test_told_to_stop_there_is_no_evaluation(stage, steps):
    here, told = stage(), []

    def progress(step: int) -> bool:
        told.append(step)
        return len(told) < steps

    with Evaluator(EnvSpec("CartPole-v1"), here.policy, lanes=4, progress=progress) as made:
        assert made.play(here.snapshot(), episodes=40, seed=3) is None
    assert steps <= len(told) <= steps + 10  # each of what is left looks once


def test_an_environment_that_trains_in_its_vector_form_is_evaluated_one_by_one(stage):
    here = stage()
    spec = EnvSpec("CartPole-v1", vectorize="always")
    found = evaluate(spec, here.policy, here.snapshot(), episodes=3, seed=3)
    assert found == evaluate(EnvSpec("CartPole-v1"), here.policy, here.snapshot(), episodes=3, seed=3)
