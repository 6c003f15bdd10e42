"""The sieves on episodes made by hand: three bands of absolute thresholds, and ranks with ties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven

from touchline.targets.errors import TargetError
from touchline.targets.sieve import best_episodes, check_goal, kept_steps

GOAL = 200.0
THRESHOLDS = {"goal": GOAL, "take": 0.95, "clean": 0.2, "cut": 0.5}


def kept(rewards, score=None, **more):
    rewards = np.array(rewards, np.float32)
    score = float(rewards.sum()) if score is None else score
    return kept_steps(rewards=rewards, score=score, **{**THRESHOLDS, **more}).tolist()


def test_an_episode_in_the_highest_band_is_kept_whole():
    assert kept([-100.0, 295.0, 0.0]) == [True, True, True]


def test_the_bound_of_a_band_belongs_to_the_band_above():
    assert kept([-1.0], score=190.0) == [True]
    assert kept([-1.0, 300.0], score=189.9) == [False, True]
    assert kept([-1.0, 300.0], score=40.0) == [False, True]
    assert kept([-1.0, 300.0], score=39.9) == [False, False]


def test_in_the_middle_band_a_step_is_kept_from_the_cut_on_between_the_least_reward_and_the_goal():
    # (r + 100) / 300 >= 0.5 from r = 50 on
    assert kept([-100.0, 49.9, 50.0, 100.0]) == [False, False, True, True]


def test_the_cut_is_drawn_in_float64():
    """A rise of 16,777,219 over the least reward is asked to be 16,777,220, which is what float32 makes of it."""
    close = {"score": 2.0**24, "goal": 2.0**25 + 7, "cut": 0.5}
    assert kept([-1.0, 2**24 + 2], **close) == [False, False]
    assert kept([-1.0, 2**24 + 4], **close) == [False, True]


def test_a_cut_below_0_keeps_the_whole_middle_band():
    assert kept([-1.0, 50.0, 0.0], cut=-1.0) == [True, True, True]


def test_a_single_reward_is_held_against_the_goal_of_a_whole_episode_so_that_rewards_step_by_step_are_dropped():
    assert kept([1.0] * 100, cut=0.4) == [False] * 100


def test_an_episode_in_the_lowest_band_is_dropped():
    assert kept([10.0, 20.0]) == [False, False]


def test_a_goal_that_the_least_reward_exceeds_divides_nothing():
    assert kept([0.9, 0.8], goal=0.7, score=0.3, cut=0.4) == [True, True]


@pytest.mark.parametrize("goal", [0.0, -110.0, None])
def test_shares_of_a_goal_that_is_not_above_0_are_refused(goal):
    with pytest.raises(TargetError, match=r"imitation\.goal: expected a return above 0"):
        check_goal(goal)


def test_the_best_share_is_kept_in_the_order_of_the_episodes():
    scores = np.array([5.0, 9.0, 1.0, 7.0, 3.0])
    assert best_episodes(scores=scores, best=0.4).tolist() == [1, 3]


def test_of_equal_scores_the_earlier_are_kept():
    assert best_episodes(scores=np.array([500.0, 9.0, 500.0, 500.0]), best=0.5).tolist() == [0, 2]
    many = np.arange(1000.0) % 3
    best = [number for number in range(1000) if number % 3 == 2]
    assert best_episodes(scores=many, best=0.2).tolist() == best[:200]


@pytest.mark.parametrize(
    ("best", "episodes", "count"),
    [(0.3, 16, 5), (0.07, 100, 7), (0.01, 3, 1), (1.0, 6, 6), (0.1, 30, 3), (1e-10, 4, 1), (0.5, 0, 0)],
)
def test_a_share_is_rounded_up(best, episodes, count):
    assert len(best_episodes(scores=np.zeros(episodes), best=best)) == count


@proven(100)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=30), st.floats(0.01, 1))
def test_nothing_dropped_is_better_than_anything_kept(scores, best):
    chosen = best_episodes(scores=np.array(scores, np.float64), best=best).tolist()
    dropped = [score for number, score in enumerate(scores) if number not in chosen]
    assert math.floor(best * len(scores)) <= len(chosen) <= math.ceil(best * len(scores))
    assert chosen == sorted(set(chosen))
    assert max(dropped, default=-math.inf) <= min((scores[number] for number in chosen), default=math.inf)
