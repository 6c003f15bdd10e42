"""The property that decides who survives lag: E over the policy that played of kappa, at every state.

It is 0 where adding a constant to the advantages changes nothing on average. Every action is enumerated, every
integral is over a grid, and the extra action that centred truncation draws is enumerated or integrated as well:
nothing here is within a standard error.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from policy_numerics import every_action, proven

from touchline.policy.distributions import (
    Bernoulli,
    Categorical,
    DiagonalGaussian,
    MultiCategorical,
    Sigmoid,
    log_softmax,
)
from touchline.trainer import corrections
from touchline.trainer.centring import equal_deviations, gaussian_excess
from touchline.trainer.corrections import kappa

CLIP = 0.2
CUTS = (0.5, 1.0, 2.0)
DISCRETE = {
    "one of four": Categorical(4),
    "sigmoid": Sigmoid(),
    "bits": Bernoulli(3),
    "choices": MultiCategorical((3, 2, 4)),
}
heads = npst.arrays(np.float64, 4, elements=st.floats(-5, 5))
cuts = st.sampled_from(CUTS)


def actions_of(distribution):
    """Every action of a discrete distribution."""
    match distribution:
        case Sigmoid():
            return np.arange(2)
        case Bernoulli(n=n):
            return np.array([[i >> k & 1 for k in range(n)] for i in range(2**n)])
        case _:
            return every_action(distribution)


class Everything:
    """Centred truncation's extra action, averaged instead of drawn: sum over ``actions`` of p_u times its part."""

    def __init__(self, actions, cell=1.0):
        self.actions, self.cell = actions, cell

    def __call__(self, distribution, *, head, behaviour_head, truncate_at, rng):
        u, v = (np.repeat(each[:1], len(self.actions), axis=0) for each in (head, behaviour_head))
        logs = distribution.log_prob(u, self.actions)
        rhos = np.exp(logs - distribution.log_prob(v, self.actions))
        weights = np.exp(logs) * self.cell * np.maximum(1 - truncate_at / rhos, 0)
        return np.repeat((weights @ distribution.log_prob_gradient(u, self.actions))[None], len(head), axis=0)


def expectation(correction, distribution, u, v, *, truncate_at=1.0, advantage=1.0, actions=None, cell=1.0):
    """E over v of what is put at the head, for a constant advantage."""
    actions = actions_of(distribution) if actions is None else actions
    target, behaviour = (np.repeat(head[None], len(actions), axis=0) for head in (u, v))
    logs = distribution.log_prob(behaviour, actions)
    rows = kappa(
        correction,
        distribution,
        head=target,
        actions=actions,
        advantages=np.full(len(actions), advantage),
        behaviour_log_probs=logs,
        behaviour_head=behaviour,
        clip=CLIP,
        truncate_at=truncate_at,
    ).direction
    return cell * np.exp(logs) @ rows


def softmax(head):
    return np.exp(log_softmax(head))


# -- one choice: the derivation's own table


@given(heads)
@proven()
def test_reuse_is_invariant(v):
    """kappa = e_a − p_v: the behaviour head stands where the target's would."""
    np.testing.assert_allclose(expectation("none", Categorical(4), v, v), 0, atol=1e-14)


@given(heads, heads)
@proven()
def test_importance_weights_are_invariant(u, v):
    np.testing.assert_allclose(expectation("importance", Categorical(4), u, v), 0, atol=1e-12)


@given(heads, heads, cuts)
@proven()
def test_centred_truncation_is_invariant(u, v, truncate_at):
    found = expectation("centred", Categorical(4), u, v, truncate_at=truncate_at)
    np.testing.assert_allclose(found, 0, atol=1e-13)


@given(heads, heads)
@proven()
def test_plain_recomputation_drifts_by_the_difference_of_the_policies(u, v):
    found = expectation("none", Categorical(4), u, v)
    np.testing.assert_allclose(found, softmax(v) - softmax(u), atol=1e-14)


@given(heads, heads, cuts)
@proven()
def test_truncated_weights_drift_by_q_less_its_mass_times_u(u, v, truncate_at):
    q = np.minimum(truncate_at * softmax(v), softmax(u))
    found = expectation("truncated", Categorical(4), u, v, truncate_at=truncate_at)
    np.testing.assert_allclose(found, q - q.sum() * softmax(u), atol=1e-14)


@given(heads, heads)
@proven()
def test_vtraces_gradient_drifts_as_truncation_does_where_its_advantage_is_truncated(u, v):
    """Its kappa is grad log u(a); min(rho bar, rho) sits in the advantage."""
    p, b = softmax(u), softmax(v)
    weights = np.minimum(1, p / b)
    rows = kappa(
        "vtrace",
        Categorical(4),
        head=np.repeat(u[None], 4, axis=0),
        actions=np.arange(4),
        advantages=weights,
        behaviour_log_probs=np.log(b),
        behaviour_head=np.repeat(v[None], 4, axis=0),
        clip=CLIP,
        truncate_at=1.0,
    ).direction
    np.testing.assert_allclose(b @ rows, np.minimum(b, p) - np.minimum(b, p).sum() * p, atol=1e-13)


@given(heads, heads, st.sampled_from([-1.0, 1.0]))
@proven()
def test_the_ppo_mask_drifts_by_what_it_masks_which_depends_on_the_sign(u, v, sign):
    """rho grad log u is invariant, so what is left drifts by minus what was taken: −(m − |m| u), m = u where masked."""
    p, rhos = softmax(u), softmax(u) / softmax(v)
    masked = np.where(rhos > 1 + CLIP if sign > 0 else rhos < 1 - CLIP, p, 0)
    found = expectation("clip", Categorical(4), u, v, advantage=sign)
    np.testing.assert_allclose(found, -sign * (masked - masked.sum() * p), atol=1e-12)


def test_the_masks_two_drifts_do_not_cancel():
    """A constant c and −c: were it invariant, both would give 0, and were it linear, their sum would."""
    u, v = np.array([1.0, 0, 0, 0]), np.zeros(4)
    up, down = (expectation("clip", Categorical(4), u, v, advantage=sign) for sign in (1.0, -1.0))
    assert min(np.abs(up).max(), np.abs(down).max()) > 0.05
    assert np.abs(up + down).max() > 0.05


# -- every discrete distribution


@pytest.mark.parametrize("name", DISCRETE)
@pytest.mark.parametrize("truncate_at", CUTS)
@pytest.mark.parametrize("seed", range(3))
def test_the_invariant_ones_are_for_every_discrete_action(name, truncate_at, seed, monkeypatch):
    distribution = DISCRETE[name]
    u, v = 1.5 * np.random.default_rng(seed).standard_normal((2, distribution.parameters))
    if name in {"bits", "choices"}:  # those that draw an extra action
        monkeypatch.setattr(corrections, "excess", Everything(actions_of(distribution)))
    for correction in ("importance", "centred"):
        found = expectation(correction, distribution, u, v, truncate_at=truncate_at)
        np.testing.assert_allclose(found, 0, atol=1e-13, err_msg=correction)
    for correction in ("none", "clip", *(["truncated"] if truncate_at <= 1 else [])):
        assert np.abs(expectation(correction, distribution, u, v, truncate_at=truncate_at)).max() > 1e-4


@pytest.mark.parametrize("name", DISCRETE)
def test_the_drift_of_truncation_is_that_of_the_smaller_mass(name):
    """Σ_a q(a) s_u(a), q = min(c v, u) over joint actions: q − |q| u where the action is one choice."""
    distribution, actions = DISCRETE[name], actions_of(DISCRETE[name])
    u, v = np.random.default_rng(5).standard_normal((2, distribution.parameters))
    target, behaviour = (np.repeat(head[None], len(actions), axis=0) for head in (u, v))
    q = np.minimum(*(np.exp(distribution.log_prob(head, actions)) for head in (target, behaviour)))
    expected = q @ distribution.log_prob_gradient(target, actions)
    np.testing.assert_allclose(expectation("truncated", distribution, u, v), expected, atol=1e-14)


def test_recomputation_of_several_choices_drifts_choice_by_choice():
    multi = MultiCategorical((3, 2, 4))
    u, v = np.random.default_rng(0).standard_normal((2, 9))
    parts = (slice(0, 3), slice(3, 5), slice(5, 9))
    expected = np.concatenate([softmax(v[part]) - softmax(u[part]) for part in parts])
    np.testing.assert_allclose(expectation("none", multi, u, v), expected, atol=1e-14)


# -- normals: sums over a fine grid, whose error for smooth integrands is that of rounding


GRID = np.linspace(-25, 25, 40_001)[:, None]
CELL = float(GRID[1, 0] - GRID[0, 0])
U, V = np.array([0.3, -0.2]), np.array([-0.4, 0.1])
SAME = np.array([-0.4, -0.2])  # of U's deviation


def gaussian_expectation(correction, v, **kwargs):
    return expectation(correction, DiagonalGaussian(1), U, v, actions=GRID, cell=CELL, **kwargs)


@pytest.mark.parametrize("v", [V, SAME], ids=["other deviation", "equal deviations"])
def test_importance_weights_are_invariant_for_normals(v):
    np.testing.assert_allclose(gaussian_expectation("importance", v), 0, atol=1e-12)


@pytest.mark.parametrize("truncate_at", CUTS)
def test_centred_truncation_is_invariant_for_normals_of_equal_deviations(truncate_at):
    """The closed form, and a kink in the integrand: exact to the square of the grid's step."""
    found = gaussian_expectation("centred", SAME, truncate_at=truncate_at)
    np.testing.assert_allclose(found, 0, atol=1e-6)
    assert np.abs(gaussian_expectation("truncated", SAME, truncate_at=truncate_at)).max() > 5e-3


@pytest.mark.parametrize("truncate_at", CUTS)
def test_centred_truncation_is_invariant_for_normals_of_unequal_ones(truncate_at, monkeypatch):
    monkeypatch.setattr(corrections, "excess", Everything(GRID, CELL))
    found = gaussian_expectation("centred", V, truncate_at=truncate_at)
    np.testing.assert_allclose(found, 0, atol=1e-12)
    assert np.abs(gaussian_expectation("truncated", V, truncate_at=truncate_at)).max() > 5e-3


def test_the_closed_form_is_what_the_extra_action_would_average_to():
    head, behaviour = U[None], SAME[None]
    assert equal_deviations(DiagonalGaussian(1), head, behaviour).all()
    common = {"head": head, "behaviour_head": behaviour, "truncate_at": 1.0}
    averaged = Everything(GRID, CELL)(DiagonalGaussian(1), **common, rng=None)
    np.testing.assert_allclose(gaussian_excess(**common), averaged, atol=1e-6)


def test_recomputation_for_normals_drifts_by_the_moments():
    """E_v of (a − m_u)/σ_u² and of ((a − m_u)/σ_u)² − 1."""
    shift, ratio = V[0] - U[0], np.exp(2 * (V[1] - U[1]))
    expected = [shift * np.exp(-2 * U[1]), ratio + (shift * np.exp(-U[1])) ** 2 - 1]
    np.testing.assert_allclose(gaussian_expectation("none", V), expected, rtol=1e-10)
