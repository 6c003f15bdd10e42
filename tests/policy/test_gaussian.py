"""Deviations that a network gives: pressed smoothly between their bounds, and begun where the config says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import assert_gradient, proven

from touchline.policy.gaussian import (
    LOG_STD_BOUNDS,
    DiagonalGaussian,
    soft_bound,
    soft_bound_inverse,
    soft_bound_slope,
)

LOW, HIGH = LOG_STD_BOUNDS
WIDE = np.linspace(-60, 60, 241)
GRID = np.linspace(-40, 40, 8001)


def test_the_bound_holds_rises_and_leaves_the_middle_alone():
    bounded = soft_bound(WIDE)
    assert (bounded >= LOW).all()
    assert (bounded <= HIGH + 1e-8).all()
    assert (np.diff(bounded) >= 0).all()
    np.testing.assert_allclose(soft_bound(np.array([-9.0, -5.0])), [-9, -5], atol=2e-3)


def test_the_bounds_slope():
    points = WIDE[::7]
    assert_gradient(soft_bound_slope(points), lambda moved: float(soft_bound(moved).sum()), points)
    assert (soft_bound_slope(np.array([-22.0, 4.0])) > 0.1).all()  # a way back, which a clip has not


@given(st.floats(LOW + 1e-3, HIGH - 1e-3))
@proven()
def test_the_inverse_of_the_bound(bounded):
    assert soft_bound(np.array(soft_bound_inverse(bounded))) == pytest.approx(bounded, abs=1e-9)


@pytest.mark.parametrize("initial", [-2.0, 0.0, 1.5])
def test_a_network_that_says_nothing_gives_the_initial_deviation(initial):
    given_, free = DiagonalGaussian(2, initial=initial), DiagonalGaussian(2)
    head, plain = np.zeros((1, 4)), np.array([[0, 0, initial, initial]])
    np.testing.assert_allclose(given_.entropy(head), free.entropy(plain), rtol=1e-12)
    actions = np.array([[0.3, -1.0]])
    np.testing.assert_allclose(given_.log_prob(head, actions), free.log_prob(plain, actions), rtol=1e-12)


def test_any_output_of_a_network_gives_finite_numbers():
    distribution = DiagonalGaussian(1, initial=0.0)
    head = np.stack([np.zeros_like(WIDE), WIDE], axis=1).astype(np.float32)
    actions = distribution.sample(head, np.ones((len(head), 1), np.float32))
    for result in (
        actions,
        distribution.log_prob(head, actions),
        distribution.log_prob_gradient(head, actions),
        distribution.entropy_gradient(head),
        distribution.kl(head, head),
    ):
        assert result.dtype == np.float32
        assert np.isfinite(result).all()


def test_entropy_and_divergence_of_a_given_deviation_are_their_integrals():
    distribution = DiagonalGaussian(1, initial=-0.3)
    p, q = np.array([[0.3, 0.8]]), np.array([[-0.5, 1.4]])
    actions = GRID[:, None]
    log_p, log_q = (distribution.log_prob(np.repeat(head, len(GRID), axis=0), actions) for head in (p, q))
    density = np.exp(log_p)
    assert np.trapezoid(density, GRID) == pytest.approx(1, abs=1e-12)
    assert distribution.entropy(p)[0] == pytest.approx(-np.trapezoid(density * log_p, GRID), abs=1e-9)
    assert distribution.kl(p, q)[0] == pytest.approx(np.trapezoid(density * (log_p - log_q), GRID), abs=1e-9)


def test_draws_have_the_deviation_of_their_row():
    distribution, n = DiagonalGaussian(1, initial=0.0), 40_000
    head = np.array([[1.0, -1.0]], np.float32)
    log_std = float(soft_bound(np.array(-1.0 + soft_bound_inverse(0.0))))
    drawn = distribution.sample(
        np.repeat(head, n, axis=0), distribution.draw_noise(np.random.default_rng(0), (n,))
    )
    std = math.exp(log_std)
    assert abs(drawn.mean() - 1) < 4 * std / math.sqrt(n)
    assert abs(drawn.std() / std - 1) < 4 / math.sqrt(2 * n)
