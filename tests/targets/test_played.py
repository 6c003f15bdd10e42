"""Measures of what was played: gradients by finite differences, divergences against the Fisher matrix."""

from __future__ import annotations

import numpy as np
import pytest
from policy_numerics import assert_gradient
from policy_trajectories import policy_of, snapshot_of, trajectory_of

from touchline.targets.fisher import fisher_product
from touchline.targets.played import CHUNK_ROWS, PlayedRows, moved, policy_gradient, surrogate_sums

FORMS = {
    "choice": {"action": "categorical"},
    "relu": {"action": "categorical", "activation": "relu", "bias": False},
    "with values": {"action": "categorical", "value": True, "shared": True},
    "linear": {"action": "categorical", "hidden": ()},
    "gaussian": {"action": "gaussian", "activation": "elu"},
}
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())


def example(form, *, steps=4, lanes=3, seed=0):
    """(policy, w float64, rows, advantages): what a snapshot played, in float64 all the way."""
    rng = np.random.default_rng(seed)
    policy = policy_of(**{"value": False, **form})
    snapshot = snapshot_of(policy, rng)
    rows = PlayedRows.of(policy, snapshot, trajectory_of(policy, snapshot, rng, steps=steps, lanes=lanes))
    return policy, snapshot.weights.flat, rows, rng.standard_normal(steps * lanes)


@every_form
def test_the_gradient_is_that_of_the_log_probabilities_times_the_advantages(form):
    policy, w, rows, advantages = example(form)

    def objective(flat):
        _, head = policy.network.policy_forward(policy.network.bind(flat), rows.x)
        return float(advantages @ policy.distribution.log_prob(head, rows.actions))

    assert_gradient(policy_gradient(policy, w, rows, advantages), objective, w)


@every_form
def test_the_surrogate_has_that_gradient_where_it_was_played(form):
    policy, w, rows, advantages = example(form)
    found = policy_gradient(policy, w, rows, advantages)
    assert_gradient(found, lambda flat: surrogate_sums(policy, flat, rows, advantages)[0], w)


@every_form
def test_the_divergence_of_a_small_step_is_half_of_its_curvature(form):
    policy, w, rows, advantages = example(form)
    d = 1e-4 * np.random.default_rng(1).standard_normal(len(w))
    if policy.network.has_value:
        policy.network.bind(d).value_head.weight[...] = 0
    divergence = surrogate_sums(policy, w + d, rows, advantages)[1]
    assert divergence == pytest.approx(d @ fisher_product(policy, w, rows, d) / 2, rel=1e-2)


@every_form
def test_what_played_gains_nothing_and_diverges_by_nothing(form):
    policy, w, rows, advantages = example(form)
    np.testing.assert_allclose(surrogate_sums(policy, w, rows, advantages), [0, 0, 12], atol=1e-13)


def test_the_surrogate_is_the_sum_of_ratios_times_advantages():
    policy, w, rows, advantages = example(FORMS["choice"])
    other = w + 0.1
    heads = [policy.network.policy_forward(policy.network.bind(flat), rows.x)[1] for flat in (w, other)]
    old, new = (np.exp(head) / np.exp(head).sum(axis=1, keepdims=True) for head in heads)
    taken = np.arange(len(rows)), rows.actions
    expected = ((new[taken] / old[taken] - 1) * advantages).sum()
    divergence = (old * np.log(old / new)).sum()
    np.testing.assert_allclose(surrogate_sums(policy, other, rows, advantages), [expected, divergence, 12])


def test_a_trial_far_away_has_finite_sums_that_no_trust_region_takes():
    policy, w, rows, advantages = example(FORMS["gaussian"])
    sums = surrogate_sums(policy, w - 1e3, rows, advantages)
    assert np.isfinite(sums).all()
    assert sums[1] > 1e100


def test_the_sums_do_not_depend_on_how_the_rows_are_cut():
    policy, w, rows, advantages = example(FORMS["choice"], steps=CHUNK_ROWS, lanes=2)
    assert [len(chunk) for _, chunk in rows.chunks()] == [CHUNK_ROWS, CHUNK_ROWS]
    half = slice(0, 700), slice(700, 2 * CHUNK_ROWS)
    measures = (
        lambda some, own: policy_gradient(policy, w, some, own),
        lambda some, own: surrogate_sums(policy, w + 0.1, some, own),
        lambda some, own: fisher_product(policy, w, some, np.ones(len(w))),
    )
    for measure in measures:
        parts = sum(measure(rows.part(index), advantages[index]) for index in half)
        whole = measure(rows, advantages)
        np.testing.assert_allclose(parts, whole, rtol=1e-10, atol=1e-12 * np.abs(whole).max())


def test_rows_are_the_steps_in_time_major_order_with_the_hidden_states_of_the_policy_alone():
    rng = np.random.default_rng(0)
    policy = policy_of("gaussian")  # with a value function of its own
    snapshot = snapshot_of(policy, rng)
    played = trajectory_of(policy, snapshot, rng)
    rows = PlayedRows.of(policy, snapshot, played)
    assert len(played.hidden) == 4
    assert [layer.shape for layer in rows.hidden] == [(18, 5), (18, 4)]
    np.testing.assert_array_equal(rows.x[4], played.observations[1, 1])
    np.testing.assert_array_equal(rows.hidden[1][4], played.hidden[1][1, 1])
    np.testing.assert_array_equal(rows.head[4], played.head[1, 1])
    np.testing.assert_array_equal(rows.actions[4], played.actions[1, 1])
    assert rows.actions.dtype == rows.x.dtype == np.float64


def test_rows_own_their_arrays():
    rng = np.random.default_rng(0)
    policy = policy_of(value=False)
    snapshot = snapshot_of(policy, rng)
    played = trajectory_of(policy, snapshot, rng)
    rows = PlayedRows.of(policy, snapshot, played)
    for array in (rows.x, *rows.hidden, rows.head, rows.actions):
        for other in (played.observations, *played.hidden, played.head, played.actions):
            assert not np.shares_memory(array, other)


def test_value_functions_of_their_own_get_nothing():
    policy, w, rows, advantages = example({"value": True})
    gradient = policy.network.bind(policy_gradient(policy, w, rows, advantages))
    assert gradient.policy_head.weight.any()
    assert not gradient.value_head.weight.any()
    assert not any(view.any() for view in gradient.value_torso.values())


def test_a_step_is_rounded_once_and_alike_on_every_side():
    rng = np.random.default_rng(0)
    parameters = rng.standard_normal(200).astype(np.float32)
    direction = rng.standard_normal(200)
    found = moved(parameters, direction, scale=0.25)
    assert found.dtype == np.float32
    expected = [np.float32(float(w) + 0.25 * d) for w, d in zip(parameters, direction.tolist(), strict=True)]
    np.testing.assert_array_equal(found, expected)
    assert (found != parameters + np.float32(0.25) * direction.astype(np.float32)).any()


def test_rows_of_float32_are_read_as_they_are():
    """A Player keeps float32: nothing is computed anew, so that products of its rows are of what it played."""
    rng = np.random.default_rng(0)
    policy = policy_of(value=False)
    snapshot = snapshot_of(policy, rng, dtype="float32")
    played = trajectory_of(policy, snapshot, rng)
    assert played.head.dtype == np.float32
    rows = PlayedRows.of(policy, snapshot, played)
    np.testing.assert_array_equal(rows.head, played.head.reshape(18, -1))
    for found, kept in zip(rows.hidden, played.hidden, strict=True):
        np.testing.assert_array_equal(found, kept.reshape(18, -1))
