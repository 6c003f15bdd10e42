"""What a correction puts at the head, row by row, and the surrogates whose gradients they are."""

from __future__ import annotations

import numpy as np
import pytest
from policy_numerics import assert_gradient, distributions, random_actions, random_head

from touchline.policy.distributions import Categorical, log_softmax
from touchline.trainer.centring import excess
from touchline.trainer.corrections import kappa

CLIP, TRUNCATE_AT = 0.2, 1.0


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
        rng=np.random.default_rng(17),
    )


def softmax(head):
    return np.exp(log_softmax(head))


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
        assert 3 < masked.sum() < 55  # both sides of the mask were seen


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


@pytest.mark.parametrize("name", distributions())
def test_centred_adds_what_truncation_took(name):
    """Advantage times (min(c, rho) grad log u + the excess), from the generator that was handed over."""
    distribution, rng = distributions()[name], np.random.default_rng(7)
    head, behaviour = random_head(distribution, rng, 30), random_head(distribution, rng, 30)
    actions, advantages = random_actions(distribution, rng, behaviour), rng.standard_normal(30)
    truncated, centred = (
        kappa_of(correction, distribution, head, actions, behaviour, advantages=advantages)
        for correction in ("truncated", "centred")
    )
    back = excess(
        distribution,
        head=head,
        behaviour_head=behaviour,
        truncate_at=TRUNCATE_AT,
        rng=np.random.default_rng(17),
    )
    assert np.abs(back).max() > 0.1
    np.testing.assert_allclose(centred, truncated + advantages[:, None] * back, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", distributions())
@pytest.mark.parametrize("correction", ["none", "importance", "truncated", "centred", "clip"])
def test_all_are_one_on_policy(correction, name):
    distribution, rng = distributions()[name], np.random.default_rng(3)
    head = random_head(distribution, rng, 9)
    actions, advantages = random_actions(distribution, rng, head), rng.standard_normal(9)
    found = kappa_of(correction, distribution, head, actions, head, advantages=advantages)
    expected = kappa_of("none", distribution, head, actions, head, advantages=advantages)
    np.testing.assert_allclose(found, expected, atol=1e-14)


@pytest.mark.parametrize("name", distributions())
@pytest.mark.parametrize("correction", ["none", "importance", "truncated", "centred"])
def test_the_advantage_multiplies(correction, name):
    """Linear in the advantage, its sign too: only the PPO mask looks at it."""
    distribution, rng = distributions()[name], np.random.default_rng(4)
    head, behaviour = random_head(distribution, rng, 9), random_head(distribution, rng, 9)
    actions, advantages = random_actions(distribution, rng, behaviour), rng.standard_normal(9)
    one = kappa_of(correction, distribution, head, actions, behaviour)
    found = kappa_of(correction, distribution, head, actions, behaviour, advantages=advantages)
    np.testing.assert_allclose(found, one * advantages[:, None], rtol=1e-12)


@pytest.mark.parametrize("correction", ["none", "importance", "truncated", "centred", "vtrace", "clip"])
def test_every_term_says_its_ratios(correction):
    categorical, rng = Categorical(4), np.random.default_rng(8)
    head, behaviour = rng.standard_normal((2, 9, 4))
    actions = rng.integers(0, 4, 9)
    rows = np.arange(9)
    expected = softmax(head)[rows, actions] / softmax(behaviour)[rows, actions]
    found = term_of(correction, categorical, head, actions, behaviour).rhos
    np.testing.assert_allclose(found, expected, rtol=1e-12)
