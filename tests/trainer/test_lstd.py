"""Least-squares temporal differences: exact where values are known, and solved as a direct solve would."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from policy_trajectories import policy_of, snapshot_of, trajectory_of

from touchline.policy.spaces import Discrete, MultiDiscrete
from touchline.trainer.lstd import (
    RIDGE,
    RandomFeatures,
    Seen,
    lstd,
    lstd_system,
    seen,
    solved,
)

GAMMA = 0.9
both_solvers = pytest.mark.parametrize("solver", ["gmres", "bicgstab"])


def played(count=2, **changes):
    """(policy, trajectories float64, some of whose episodes end either way)."""
    rng = np.random.default_rng(0)
    policy = policy_of(value=False, **changes)
    snapshot = snapshot_of(policy, rng)
    many = [trajectory_of(policy, snapshot, rng, steps=8, rate=0.5, autoreset=False) for _ in range(count)]
    assert all(one.terminated.any() and one.truncated.any() for one in many)
    return policy, many


def features_of(policy, features=7):
    return RandomFeatures.of(run_seed=3, inputs=policy.features, features=features)


@both_solvers
def test_the_solvers_find_what_a_direct_solve_finds_of_a_matrix_that_is_not_symmetric(solver):
    policy, many = played()
    pieces = seen(policy, many, features_of(policy))
    phi = np.concatenate([one.phi[:-1].reshape(-1, 7) for one in pieces])
    after = np.concatenate([one.following(t).reshape(-1, 7) for one, t in zip(pieces, many, strict=True)])
    rewards = np.concatenate([one.rewards.reshape(-1) for one in many])
    matrix, vector = lstd_system(phi=phi, following=after, rewards=rewards, gamma=GAMMA)
    assert not np.allclose(matrix, matrix.T)
    expected = np.linalg.solve(matrix / 48 + RIDGE * np.eye(7), vector / 48)
    found = lstd(pieces, many, gamma=GAMMA, solver=solver)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@both_solvers
def test_any_system_that_is_not_singular_is_solved(solver):
    rng = np.random.default_rng(1)
    matrix = np.eye(20) + 0.2 * rng.standard_normal((20, 20))
    vector = rng.standard_normal(20)
    found = solved(matrix, vector, solver=solver)
    np.testing.assert_allclose(found, np.linalg.solve(matrix, vector), rtol=1e-5, atol=1e-6)


def test_the_system_is_the_sum_written_out():
    rng = np.random.default_rng(2)
    phi, after, rewards = rng.standard_normal((5, 3)), rng.standard_normal((5, 3)), rng.standard_normal(5)
    matrix, vector = lstd_system(phi=phi, following=after, rewards=rewards, gamma=GAMMA)
    np.testing.assert_allclose(
        matrix, sum(np.outer(phi[t], phi[t] - GAMMA * after[t]) for t in range(5)), rtol=1e-12
    )
    np.testing.assert_allclose(vector, sum(phi[t] * rewards[t] for t in range(5)), rtol=1e-12)


def test_values_of_a_chain_are_found_exactly():
    """States 0 → 1 → 2 → end, one feature a state, each step paid 1: 1 + γ + γ², 1 + γ, 1."""
    phi, after = np.eye(3), np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
    matrix, vector = lstd_system(phi=phi, following=after, rewards=np.ones(3), gamma=GAMMA)
    found = solved(matrix, vector, solver="gmres")
    np.testing.assert_allclose(found, [1 + GAMMA + GAMMA**2, 1 + GAMMA, 1], rtol=1e-7)


def test_nothing_follows_a_termination_and_the_last_observation_follows_a_truncation():
    policy, (one, _) = played()
    (piece,) = seen(policy, [one], features_of(policy))
    after = piece.following(one)
    for t, lane in np.argwhere(one.terminated):
        assert not after[t, lane].any()
    for (t, lane), final in zip(one.final_steps, piece.finals, strict=True):
        np.testing.assert_array_equal(after[t, lane], final)
    goes_on = ~(one.terminated | one.truncated)
    np.testing.assert_array_equal(after[goes_on], piece.phi[1:][goes_on])


def test_features_are_of_inputs_of_mean_0_and_deviation_1_over_all_trajectories():
    policy, many = played()
    raw = np.concatenate([one.observations.reshape(-1, 3) for one in many]).astype(np.float64)
    features = features_of(policy)
    expected = features((many[1].observations - raw.mean(axis=0)) / raw.std(axis=0))
    np.testing.assert_allclose(seen(policy, many, features)[1].phi, expected, rtol=1e-6)
    scaled = [
        replace(
            one, observations=1e3 * one.observations + 5, final_observations=1e3 * one.final_observations + 5
        )
        for one in many
    ]
    for piece, again in zip(seen(policy, many, features), seen(policy, scaled, features), strict=True):
        np.testing.assert_allclose(again.phi, piece.phi, atol=1e-4)
        np.testing.assert_allclose(again.finals, piece.finals, atol=1e-4)


def test_an_input_that_never_changes_is_no_division_by_zero():
    policy, many = played()
    still = [replace(one, observations=np.zeros_like(one.observations)) for one in many]
    (piece, _) = seen(policy, still, features_of(policy))
    assert np.isfinite(piece.phi).all()


@pytest.mark.parametrize("space", [Discrete(4), MultiDiscrete((3, 2))])
def test_choices_are_read_as_the_network_reads_them(space):
    policy, many = played(observed=space)
    (piece, _) = seen(policy, many, features_of(policy))
    assert piece.phi.shape == (9, 3, 7)
    assert piece.finals.shape == (len(many[0].final_steps), 7)


def test_the_features_are_the_same_for_a_whole_run_and_others_in_another():
    one, again = (RandomFeatures.of(run_seed=3, inputs=2, features=5) for _ in range(2))
    other = RandomFeatures.of(run_seed=4, inputs=2, features=5)
    np.testing.assert_array_equal(one.weight, again.weight)
    assert not np.array_equal(one.weight, other.weight)
    phi = one(np.zeros((6, 2)))
    assert phi.shape == (6, 5)
    np.testing.assert_array_equal(phi[:, -1], 1)  # the constant
    np.testing.assert_allclose(phi[:, :-1], np.tanh(one.bias)[None].repeat(6, axis=0))


@both_solvers
def test_without_rewards_the_values_are_0(solver):
    policy, many = played()
    paid_nothing = [replace(one, rewards=np.zeros_like(one.rewards)) for one in many]
    pieces = seen(policy, paid_nothing, features_of(policy))
    assert not lstd(pieces, paid_nothing, gamma=GAMMA, solver=solver).any()


def test_a_solve_that_leads_astray_leaves_the_baseline_at_0():
    """bicgstab comes a hundred times further from this solution than 0 is; gmres, by its nature, never further."""
    rng = np.random.default_rng(7)
    matrix, vector = rng.standard_normal((20, 20)), rng.standard_normal(20)
    assert not solved(matrix, vector, solver="bicgstab").any()
    found = solved(matrix, vector, solver="gmres")
    np.testing.assert_allclose(matrix @ found, vector, atol=1e-6)


def test_a_single_constant_feature_is_the_mean_discounted_reward():
    _, many = played(count=1)
    one = many[0]
    constant = [Seen(np.ones((9, 3, 1)), np.ones((len(one.final_steps), 1)))]
    continues = 24 - GAMMA * (24 - np.count_nonzero(one.terminated))
    expected = one.rewards.sum() / (continues + 24 * RIDGE)
    np.testing.assert_allclose(lstd(constant, many, gamma=GAMMA, solver="gmres"), [expected], rtol=1e-7)
