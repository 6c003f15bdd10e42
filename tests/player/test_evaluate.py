"""Evaluation plays the number of whole episodes it was asked for, and no lane's short ones twice."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.envs.spec import EnvSpec
from touchline.player.evaluate import evaluate


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
