"""What a correction puts at the head: its expectation over the behaviour policy, and surrogates' gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from policy_numerics import assert_gradient, distributions, every_action, proven, random_actions, random_head

from touchline.policy.distributions import Categorical, DiagonalGaussian, log_softmax
from touchline.trainer.corrections import drift_of_truncation, inside, kappa, ratios

CLIP, TRUNCATE_AT = 0.2, 1.0
heads = npst.arrays(np.float64, 4, elements=st.floats(-5, 5))


def kappa_of(correction, distribution, head, actions, behaviour, *, advantages=None, truncate_at=TRUNCATE_AT):
    """A kappa for rows; ``behaviour`` is the head of the snapshot that played."""
    return term_of(
        correction, distribution, head, actions, behaviour, advantages=advantages, truncate_at=truncate_at
    ).direction


def term_of(correction, distribution, head, actions, behaviour, *, advantages=None, truncate_at=TRUNCATE_AT):
    """Direction and objective of rows."""
    return kappa(
        correction,
        distribution,
        head=head,
        actions=actions,
        advantages=np.ones(len(head)) if advantages is None else advantages,
        behaviour_log_probs=distribution.log_prob(behaviour, actions),
        behaviour_head=behaviour,
        clip=CLIP,
        truncate_at=truncate_at,
    )


def expectation(correction, distribution, u, v, **kwargs):
    """E over the behaviour policy of kappa, every action enumerated."""
    actions = every_action(distribution)
    target, behaviour = (np.repeat(head[None], len(actions), axis=0) for head in (u, v))
    rows = kappa_of(correction, distribution, target, actions, behaviour, **kwargs)
    return np.exp(distribution.log_prob(behaviour, actions)) @ rows


def softmax(head):
    return np.exp(log_softmax(head))


@given(heads)
@proven()
def test_reuse_is_invariant_to_a_baseline(v):
    """kappa = e_a − p_v: the behaviour head stands where the target's would."""
    np.testing.assert_allclose(expectation("none", Categorical(4), v, v), 0, atol=1e-14)


@given(heads, heads)
@proven()
def test_importance_weights_are_invariant(u, v):
    np.testing.assert_allclose(expectation("importance", Categorical(4), u, v), 0, atol=1e-12)


@given(heads, heads, st.sampled_from([0.5, 1.0, 2.0]))
@proven()
def test_centred_truncation_is_invariant(u, v, truncate_at):
    found = expectation("centred", Categorical(4), u, v, truncate_at=truncate_at)
    np.testing.assert_allclose(found, 0, atol=1e-13)


@given(heads, heads)
@proven()
def test_plain_recomputation_drifts_by_the_difference_of_the_policies(u, v):
    found = expectation("none", Categorical(4), u, v)
    np.testing.assert_allclose(found, softmax(v) - softmax(u), atol=1e-14)


@given(heads, heads, st.sampled_from([0.5, 1.0, 2.0]))
@proven()
def test_truncated_weights_drift_as_derived(u, v, truncate_at):
    q = np.minimum(truncate_at * softmax(v), softmax(u))
    drift = q - q.sum() * softmax(u)
    found = expectation("truncated", Categorical(4), u, v, truncate_at=truncate_at)
    np.testing.assert_allclose(found, drift, atol=1e-14)
    np.testing.assert_allclose(
        drift_of_truncation(u[None], v[None], truncate_at=truncate_at)[0], drift, atol=1e-14
    )


def test_the_ppo_mask_is_not_invariant():
    u, v = np.array([1.0, 0, 0, 0]), np.zeros(4)
    assert np.abs(expectation("clip", Categorical(4), u, v)).max() > 0.05


def test_importance_weights_are_invariant_for_joint_choices():
    multi, rng = distributions()["multi"], np.random.default_rng(0)
    u, v = random_head(multi, rng, 2)
    np.testing.assert_allclose(expectation("importance", multi, u, v), 0, atol=1e-14)
    factors = np.concatenate(
        [softmax(v[part]) - softmax(u[part]) for part in (slice(0, 3), slice(3, 5), slice(5, 9))]
    )
    np.testing.assert_allclose(expectation("none", multi, u, v), factors, atol=1e-14)


def test_importance_weights_are_invariant_for_a_gaussian():
    """The expectation as an integral; the trapezoid rule on a normal is exact to rounding."""
    gaussian, grid = DiagonalGaussian(1), np.linspace(-20, 20, 4001)
    u, v = np.array([0.3, -0.2]), np.array([-0.1, 0.1])
    target, behaviour = (np.repeat(head[None], len(grid), axis=0) for head in (u, v))
    density = np.exp(gaussian.log_prob(behaviour, grid[:, None]))
    rows = kappa_of("importance", gaussian, target, grid[:, None], behaviour)
    np.testing.assert_allclose(np.trapezoid(density[:, None] * rows, grid, axis=0), 0, atol=1e-12)


SURROGATES = {
    "importance": lambda rho, a: rho * a,
    "clip": lambda rho, a: np.minimum(rho * a, np.clip(rho, 1 - CLIP, 1 + CLIP) * a),
}


@pytest.mark.parametrize("name", distributions())
@pytest.mark.parametrize("correction", SURROGATES)
def test_a_surrogates_gradient(correction, name):
    """PPO's mask is the derivative of its minimum, importance weights that of rho A (Schulman et al. 2017)."""
    distribution, rng = distributions()[name], np.random.default_rng(0)
    behaviour = random_head(distribution, rng, 60)
    head = behaviour + 0.3 * rng.standard_normal(behaviour.shape)
    actions, advantages = random_actions(distribution, rng, behaviour), rng.standard_normal(60)
    logs = distribution.log_prob(behaviour, actions)

    def surrogate(moved):
        return float(
            SURROGATES[correction](np.exp(distribution.log_prob(moved, actions) - logs), advantages).sum()
        )

    found = kappa_of(correction, distribution, head, actions, behaviour, advantages=advantages)
    assert_gradient(found, surrogate, head)
    if correction == "clip":
        masked = ~found.any(axis=1)
        assert 5 < masked.sum() < 55  # both sides of the mask were seen


@pytest.mark.parametrize("name", distributions())
@pytest.mark.parametrize("correction", ["none", "importance", "clip"])
def test_the_direction_is_the_gradient_of_the_objective(correction, name):
    distribution, rng = distributions()[name], np.random.default_rng(5)
    behaviour = random_head(distribution, rng, 40)
    head = behaviour + 0.3 * rng.standard_normal(behaviour.shape)
    actions, advantages = random_actions(distribution, rng, behaviour), rng.standard_normal(40)

    def of(moved):
        return term_of(correction, distribution, moved, actions, behaviour, advantages=advantages)

    assert_gradient(of(head).direction, lambda moved: float(of(moved).objective.sum()), head)


@pytest.mark.parametrize("correction", ["truncated", "centred"])
def test_the_objective_of_truncation_is_the_truncated_weight_times_the_advantage(correction):
    categorical, rng = Categorical(4), np.random.default_rng(6)
    head, behaviour = rng.standard_normal((2, 20, 4))
    actions, advantages = rng.integers(0, 4, 20), rng.standard_normal(20)
    term = term_of(correction, categorical, head, actions, behaviour, advantages=advantages)
    rhos = np.exp(categorical.log_prob(head, actions) - categorical.log_prob(behaviour, actions))
    np.testing.assert_allclose(term.objective, np.minimum(TRUNCATE_AT, rhos) * advantages, rtol=1e-12)


@pytest.mark.parametrize("name", distributions())
def test_without_correction_it_is_the_advantage_times_the_score(name):
    distribution, rng = distributions()[name], np.random.default_rng(1)
    head, behaviour = random_head(distribution, rng, 8), random_head(distribution, rng, 8)
    actions, advantages = random_actions(distribution, rng, behaviour), rng.standard_normal(8)
    expected = advantages[:, None] * distribution.log_prob_gradient(head, actions)
    for correction in ("none", "vtrace"):  # V-trace's advantages hold their weights already
        found = kappa_of(correction, distribution, head, actions, behaviour, advantages=advantages)
        np.testing.assert_array_equal(found, expected)


def test_truncated_weights_row_by_row():
    categorical, rng = Categorical(4), np.random.default_rng(2)
    head, behaviour = rng.standard_normal((2, 40, 4))
    actions, advantages = rng.integers(0, 4, 40), rng.standard_normal(40)
    found = kappa_of(
        "truncated", categorical, head, actions, behaviour, advantages=advantages, truncate_at=1.5
    )
    for i, action in enumerate(actions):
        rho = softmax(head[i])[action] / softmax(behaviour[i])[action]
        expected = advantages[i] * min(1.5, rho) * (np.eye(4)[action] - softmax(head[i]))
        np.testing.assert_allclose(found[i], expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("correction", ["none", "importance", "truncated", "centred", "clip"])
def test_all_are_one_on_policy(correction):
    categorical, rng = Categorical(4), np.random.default_rng(3)
    head, actions, advantages = rng.standard_normal((9, 4)), rng.integers(0, 4, 9), rng.standard_normal(9)
    found = kappa_of(correction, categorical, head, actions, head, advantages=advantages)
    expected = kappa_of("none", categorical, head, actions, head, advantages=advantages)
    np.testing.assert_allclose(found, expected, atol=1e-14)


@pytest.mark.parametrize("correction", ["none", "importance", "truncated", "centred"])
def test_the_advantage_multiplies(correction):
    """Linear in the advantage, its sign too: only the PPO mask looks at it."""
    categorical, rng = Categorical(4), np.random.default_rng(4)
    head, behaviour = rng.standard_normal((2, 9, 4))
    actions, advantages = rng.integers(0, 4, 9), rng.standard_normal(9)
    one = kappa_of(correction, categorical, head, actions, behaviour)
    found = kappa_of(correction, categorical, head, actions, behaviour, advantages=advantages)
    np.testing.assert_allclose(found, one * advantages[:, None], rtol=1e-12)


def test_where_the_mask_lies():
    rhos = np.array([0.7, 0.9, 1.1, 1.3])
    np.testing.assert_array_equal(inside(rhos, np.ones(4), clip=0.2), [True, True, True, False])
    np.testing.assert_array_equal(inside(rhos, -np.ones(4), clip=0.2), [False, True, True, True])


def test_ratios_are_bounded_so_that_nothing_overflows():
    found = ratios(np.array([0.0, -1.0, 900.0, -900.0], np.float32), np.zeros(4, np.float32))
    np.testing.assert_allclose(found, np.exp([0, -1, 20, -20]), rtol=1e-6)
    assert found.dtype == np.float32
