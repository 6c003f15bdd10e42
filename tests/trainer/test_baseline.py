"""Advantages against the baseline: the recursion is GAE's, one scale for all, the same for either solver."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trainer_references as naive
from policy_trajectories import policy_of, snapshot_of, trajectory_of

from touchline.trainer.baseline import estimated
from touchline.trainer.lstd import RandomFeatures, lstd, seen

HOW = {"gamma": 0.9, "gae_lambda": 0.8, "solver": "gmres"}


def played(count=2, steps=8):
    rng = np.random.default_rng(0)
    policy = policy_of(value=False)
    snapshot = snapshot_of(policy, rng)
    many = [
        trajectory_of(policy, snapshot, rng, steps=steps, rate=0.4, autoreset=False) for _ in range(count)
    ]
    return policy, many, RandomFeatures.of(run_seed=0, inputs=3, features=6)


def by_hand(policy, many, features):
    """The advantages ``[T, B]`` of each trajectory before they are scaled, one lane at a time."""
    pieces = seen(policy, many, features)
    theta = lstd(pieces, many, gamma=0.9, solver="gmres")
    found = []
    for piece, one in zip(pieces, many, strict=True):
        values, after = piece.phi[:-1] @ theta, piece.following(one) @ theta
        last = one.terminated | one.truncated
        last[-1] = True
        lanes = [
            naive.gae(one.rewards[:, b], values[:, b], after[:, b], last[:, b], gamma=0.9, lambda_=0.8)
            for b in range(one.rewards.shape[1])
        ]
        found.append(np.array(lanes).T)
    return found


def test_advantages_are_those_of_the_papers_sum_scaled_by_one_number():
    policy, many, features = played()
    expected = by_hand(policy, many, features)
    scale = 1 / np.sqrt(np.mean(np.square(np.stack(expected))))
    found = estimated(policy, many, features, **HOW).advantages
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, scale * other.reshape(-1), rtol=1e-5, atol=1e-6)


def test_they_are_scaled_and_not_centred():
    policy, many, features = played()
    every = np.concatenate(estimated(policy, many, features, **HOW).advantages)
    assert np.mean(np.square(every, dtype=np.float64)) == pytest.approx(1, rel=1e-6)
    assert abs(every.mean()) > 1e-3


def test_rewards_in_another_unit_change_nothing():
    policy, many, features = played()
    dear = [replace(one, rewards=1e3 * one.rewards) for one in many]
    one, other = (estimated(policy, each, features, **HOW) for each in (many, dear))
    for a, b in zip(one.advantages, other.advantages, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert one.explained == pytest.approx(other.explained, abs=1e-5)


def test_either_solver_gives_the_same():
    policy, many, features = played()
    one = estimated(policy, many, features, **HOW)
    other = estimated(policy, many, features, **{**HOW, "solver": "bicgstab"})
    for a, b in zip(one.advantages, other.advantages, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_without_rewards_there_is_no_advantage_and_nothing_to_explain():
    policy, many, features = played()
    nothing = [replace(one, rewards=np.zeros_like(one.rewards)) for one in many]
    found = estimated(policy, nothing, features, **HOW)
    assert not any(one.any() for one in found.advantages)
    assert found.explained == 0


def test_values_explain_rewards_that_the_observation_tells():
    """Every step is an episode, paid by what was seen before it."""
    policy, many, _ = played(steps=200)
    ended = np.ones((200, 3), bool)
    known = [
        replace(
            one,
            rewards=np.tanh(one.observations[:-1, :, 0]),
            terminated=ended,
            truncated=~ended,
            final_steps=np.empty((0, 2), np.int32),
            final_observations=np.empty((0, 3), np.float32),
            final_values=np.empty(0),
        )
        for one in many
    ]
    many_features = RandomFeatures.of(run_seed=0, inputs=3, features=60)
    assert estimated(policy, known, many_features, **HOW).explained > 0.9
