"""A problem small enough to enumerate: three steps, two actions, eight paths; so expectations are exact sums.

The policy is a softmax for each of the seven states that a path may lead through (a tree), the reward depends on
state and action. J(u) is differentiated by finite differences; against it stands the expectation, over paths of the
policy v that played, of what each method puts at the logits. The statements are those of the derivation:

- with weights prod rho over the whole path, or over the steps up to a reward, the expected gradient is that of J(u);
- ``reuse`` gives exactly the gradient of J(v): right, of the objective some updates ago;
- a ratio a step corrects the action, but neither the states that it led to nor the rewards after it;
- on policy, all of them are the gradient.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from policy_numerics import central_differences

from touchline.policy.distributions import Categorical, log_softmax
from touchline.trainer.advantage import monte_carlo, vtrace
from touchline.trainer.corrections import kappa

STEPS, STATES = 3, 7
PATHS = list(itertools.product((0, 1), repeat=STEPS))
CHOICE = Categorical(2)
FAR, NEAR = 1e-3, 1e-6


def states_of(path):
    """The states that a path goes through, numbered as in a binary heap."""
    states = [0]
    for action in path[:-1]:
        states.append(2 * states[-1] + 1 + action)
    return states


def problem(seed):
    """(logits of v, logits of u, rewards), float64 [7, 2] each; u is v moved by 0.7 standard normals."""
    rng = np.random.default_rng(seed)
    v = rng.standard_normal((STATES, 2))
    return v, v + 0.7 * rng.standard_normal((STATES, 2)), rng.standard_normal((STATES, 2))


def probability(logits, path):
    return np.exp(sum(log_softmax(logits[s])[a] for s, a in zip(states_of(path), path, strict=True)))


def objective(logits, rewards):
    """J: the expected sum of rewards."""
    return sum(
        probability(logits, path) * sum(rewards[s, a] for s, a in zip(states_of(path), path, strict=True))
        for path in PATHS
    )


def slope(logits, rewards):
    return central_differences(lambda moved: objective(moved, rewards), logits)


def expected(v, rewards, at_path):
    """E over v's paths of the gradient [7, 2] that ``at_path(path, states, returns)`` gives as rows [3, 2]."""
    total = np.zeros((STATES, 2))
    for path in PATHS:
        states = states_of(path)
        gains = rewards[states, path][:, None]
        ends = np.array([[1.0], [1.0], [0.0]])
        returns = monte_carlo(rewards=gains, next_values=0 * gains, continues=ends, gamma=1.0)[:, 0]
        rows = at_path(np.array(path), states, returns)
        np.add.at(total, states, probability(v, path) * rows)
    return total


def corrected(correction, head, v, *, truncate_at=1.0):
    """What ``kappa`` gives along a path, with the return to go as advantage."""

    def at_path(path, states, returns):
        return kappa(
            correction,
            CHOICE,
            head=head[states],
            actions=path,
            advantages=returns,
            behaviour_log_probs=CHOICE.log_prob(v[states], path),
            behaviour_head=v[states],
            clip=0.2,
            truncate_at=truncate_at,
        ).direction

    return at_path


def along_path(u, v, weights_of):
    """The score of u times ``weights_of(rhos, gains)`` [3]: ratios of a path multiplied up by hand."""

    def at_path(path, states, returns):
        rhos = np.exp(CHOICE.log_prob(u[states], path) - CHOICE.log_prob(v[states], path))
        gains = np.append(returns[:-1] - returns[1:], returns[-1])
        return weights_of(rhos, gains)[:, None] * CHOICE.log_prob_gradient(u[states], path)

    return at_path


def whole_path(rhos, gains):
    """prod over all steps, times the return to go."""
    return np.prod(rhos) * np.cumsum(gains[::-1])[::-1]


def per_decision(rhos, gains):
    """Each reward weighted by the ratios up to its own step."""
    return np.cumsum((np.cumprod(rhos) * gains)[::-1])[::-1]


def error(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


seeds = pytest.mark.parametrize("seed", range(5))


@seeds
@pytest.mark.parametrize("weights_of", [whole_path, per_decision])
def test_weights_along_the_path_are_unbiased(seed, weights_of):
    v, u, rewards = problem(seed)
    found = expected(v, rewards, along_path(u, v, weights_of))
    np.testing.assert_allclose(found, slope(u, rewards), rtol=0, atol=NEAR)
    assert error(found, slope(v, rewards)) > 0.03  # another objective's gradient is another


@seeds
def test_reuse_is_the_gradient_of_the_older_objective(seed):
    v, u, rewards = problem(seed)
    found = expected(v, rewards, corrected("none", v, v))
    np.testing.assert_allclose(found, slope(v, rewards), rtol=0, atol=NEAR)
    assert error(found, slope(u, rewards)) > 0.03


@seeds
@pytest.mark.parametrize("correction", ["none", "importance", "truncated", "centred", "clip"])
def test_a_correction_a_step_is_biased(seed, correction):
    """What it leaves uncorrected is the way to the state, and what came after."""
    v, u, rewards = problem(seed)
    assert error(expected(v, rewards, corrected(correction, u, v)), slope(u, rewards)) > FAR


def test_the_ratio_a_step_is_the_least_biased_of_them_and_far_from_none():
    """Medians over draws: per-step rho below the snapshot's gradient, and that below plain recomputation."""
    errors: dict[str, list[float]] = {"importance": [], "reuse": [], "none": []}
    for seed in range(60):
        v, u, rewards = problem(seed)
        wanted = slope(u, rewards)
        errors["importance"].append(error(expected(v, rewards, corrected("importance", u, v)), wanted))
        errors["none"].append(error(expected(v, rewards, corrected("none", u, v)), wanted))
        errors["reuse"].append(error(expected(v, rewards, corrected("none", v, v)), wanted))
    medians = {name: float(np.median(values)) for name, values in errors.items()}
    assert 0.1 < medians["importance"] < medians["reuse"] < medians["none"], medians


@seeds
@pytest.mark.parametrize("correction", ["none", "importance", "truncated", "centred", "clip"])
def test_on_policy_every_correction_is_unbiased(seed, correction):
    v, _, rewards = problem(seed)
    found = expected(v, rewards, corrected(correction, v, v))
    np.testing.assert_allclose(found, slope(v, rewards), rtol=0, atol=NEAR)


@seeds
@pytest.mark.parametrize("weights_of", [whole_path, per_decision])
def test_on_policy_weights_along_the_path_are_one(seed, weights_of):
    v, _, rewards = problem(seed)
    found = expected(v, rewards, along_path(v, v, weights_of))
    np.testing.assert_allclose(found, slope(v, rewards), rtol=0, atol=NEAR)


def values_of(logits, rewards):
    """The value of every state under a policy, float64 [7]."""
    values = np.zeros(2 * STATES + 1)
    for state in reversed(range(STATES)):
        after = rewards[state] + values[[2 * state + 1, 2 * state + 2]] * (state < 3)
        values[state] = np.exp(log_softmax(logits[state])) @ after
    return values[:STATES]


@seeds
@pytest.mark.parametrize("on_policy", [True, False])
def test_vtrace_is_unbiased_on_policy_and_with_its_thresholds_high_right_in_the_states_it_is_given(
    seed, on_policy
):
    """Untruncated and with u's own values, its advantage at a state has the expectation of u's gradient there; only
    how often v comes to the state is left. On policy not even that."""
    v, u, rewards = problem(seed)
    u = v if on_policy else u
    values = values_of(u, rewards)

    def at_path(path, states, returns):
        known = values[states][:, None]
        result = vtrace(
            log_rhos=(CHOICE.log_prob(u[states], path) - CHOICE.log_prob(v[states], path))[:, None],
            rewards=rewards[states, path][:, None],
            values=known,
            next_values=np.append(known[1:], [[0.0]], axis=0),
            continues=np.array([[1.0], [1.0], [0.0]]),
            gamma=1.0,
            gae_lambda=1.0,
            clip_rho_threshold=1e9,
            clip_c_threshold=1e9,
        )
        return result.pg_advantages * CHOICE.log_prob_gradient(u[states], path)

    found, wanted = expected(v, rewards, at_path), slope(u, rewards)
    visits = {name: visits_of(logits) for name, logits in (("v", v), ("u", u))}
    np.testing.assert_allclose(found / visits["v"], wanted / visits["u"], rtol=0, atol=NEAR)
    assert on_policy == (error(found, wanted) < FAR)


def visits_of(logits):
    """How often each state is visited, float64 [7, 1]."""
    visits = np.zeros((STATES, 1))
    for path in PATHS:
        visits[states_of(path)] += probability(logits, path)
    return visits
