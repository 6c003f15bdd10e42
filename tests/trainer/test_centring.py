"""What centred truncation adds back: in closed form against sums and integrals, and as draws on average."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from policy_numerics import every_action, proven

from touchline.policy.categorical import Categorical, MultiCategorical, log_softmax
from touchline.policy.distributions import Bernoulli, DiagonalGaussian, Sigmoid
from touchline.trainer.centring import (
    drift_of_truncation,
    equal_deviations,
    excess,
    gaussian_excess,
    normal_cdf,
    sampled_excess,
)

CUTS = (0.5, 1.0, 2.0)
each_cut = pytest.mark.parametrize("truncate_at", CUTS)
numbers = st.floats(-3, 3)


def grid(size, reach=12.0, points=1201):
    """Actions ``[N, size]`` of a grid, and the volume of its cells; fine enough for kinks of first order."""
    line = np.linspace(-reach, reach, points)
    mesh = np.meshgrid(*[line] * size, indexing="ij")
    return np.stack([axis.ravel() for axis in mesh], axis=-1), (line[1] - line[0]) ** size


def integral(distribution, u, v, truncate_at, actions, volume):
    """E_u[(1 − c/rho)_+ grad log u] by summing over the grid."""
    target, behaviour = (np.repeat(head[None], len(actions), axis=0) for head in (u, v))
    logs = distribution.log_prob(target, actions)
    log_rhos = logs - distribution.log_prob(behaviour, actions)
    weights = np.maximum(1 - truncate_at * np.exp(-log_rhos), 0) * np.exp(logs) * volume
    return weights @ distribution.log_prob_gradient(target, actions)


@each_cut
@pytest.mark.parametrize("seed", range(3))
def test_the_gaussian_closed_form_is_the_integral_over_one_action(truncate_at, seed):
    gaussian, rng = DiagonalGaussian(1), np.random.default_rng(seed)
    log_std = 0.3 * rng.standard_normal()
    mean = rng.standard_normal()
    u, v = np.array([mean, log_std]), np.array([mean + (-1) ** seed * (0.8 + 0.2 * rng.random()), log_std])
    expected = integral(gaussian, u, v, truncate_at, *grid(1, points=100_001))
    found = gaussian_excess(u[None], v[None], truncate_at=truncate_at)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)
    assert np.abs(expected).max() > 1e-3


@each_cut
def test_the_gaussian_closed_form_is_the_integral_over_two(truncate_at):
    """Across the line between the means nothing depends on the ratio; the deviations differ between elements."""
    gaussian = DiagonalGaussian(2)
    u, v = np.array([0.3, -0.2, -0.1, 0.2]), np.array([-0.6, 0.5, -0.1, 0.2])
    expected = integral(gaussian, u, v, truncate_at, *grid(2, reach=8.0, points=801))
    found = gaussian_excess(u[None], v[None], truncate_at=truncate_at)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@given(npst.arrays(np.float64, 2, elements=numbers), st.sampled_from(CUTS))
@proven()
def test_the_gaussian_closed_form_turns_with_the_means(shift, truncate_at):
    """One element moved by |shift| says everything: the mean's part points along the shift, log σ's sums to its."""
    size = float(np.linalg.norm(shift))
    along = gaussian_excess(np.zeros((1, 4)), np.array([[size, 0.0, 0.0, 0.0]]), truncate_at=truncate_at)[0]
    found = gaussian_excess(np.zeros((1, 4)), np.array([[*shift, 0.0, 0.0]]), truncate_at=truncate_at)[0]
    if size > 1e-6:
        np.testing.assert_allclose(found[:2], along[0] * shift / size, atol=1e-12)
    assert found[2:].sum() == pytest.approx(along[2], abs=1e-12)


@each_cut
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_policies_need_nothing_back(truncate_at, dtype):
    head = np.array([[0.3, -0.2, -0.1, 0.2]], dtype)
    found = gaussian_excess(head, head.copy(), truncate_at=truncate_at)
    np.testing.assert_array_equal(found, 0)
    assert found.dtype == dtype


@pytest.mark.parametrize("distance", [1e-9, 1e-3, 30.0, 1e4])
def test_the_closed_form_is_finite_near_and_far(distance):
    u, v = np.zeros((1, 2)), np.array([[distance, 0.0]])
    for truncate_at in CUTS:
        found = gaussian_excess(u, v, truncate_at=truncate_at)
        assert np.isfinite(found).all()
        assert np.abs(found[0, 0]) <= math.sqrt(2 / math.pi)  # E|s| bounds it, as the weight is below 1


@given(npst.arrays(np.float64, 4, elements=numbers), npst.arrays(np.float64, 4, elements=numbers))
@proven()
def test_one_choice_is_the_sum_over_the_actions(u, v):
    p, q = np.exp(log_softmax(u)), np.exp(log_softmax(v))
    for truncate_at in CUTS:
        expected = sum(min(truncate_at, p[a] / q[a]) * q[a] * (np.eye(4)[a] - p) for a in range(4))
        drift = drift_of_truncation(u[None], v[None], truncate_at=truncate_at)[0]
        np.testing.assert_allclose(drift, expected, atol=1e-13)
        found = excess(
            Categorical(4), head=u[None], behaviour_head=v[None], truncate_at=truncate_at, rng=None
        )
        np.testing.assert_array_equal(found[0], -drift)


@given(numbers, numbers)
@proven()
def test_a_sigmoid_is_the_softmax_of_two_logits(x, y):
    """The gradient at the one logit is that at the second of (0, x)."""
    for truncate_at in CUTS:
        one = excess(
            Sigmoid(),
            head=np.array([[x]]),
            behaviour_head=np.array([[y]]),
            truncate_at=truncate_at,
            rng=None,
        )
        two = excess(
            Categorical(2),
            head=np.array([[0, x]]),
            behaviour_head=np.array([[0, y]]),
            truncate_at=truncate_at,
            rng=None,
        )
        np.testing.assert_allclose(one[0, 0], two[0, 1], atol=1e-14)


class Answering:
    """A distribution that draws the actions it was told to."""

    def __init__(self, distribution, actions):
        self._distribution, self._actions = distribution, actions

    def __getattr__(self, name):
        return getattr(self._distribution, name)

    def sample(self, head, noise):
        assert noise.shape[0] == len(head)
        return self._actions


@each_cut
@pytest.mark.parametrize("distribution", [Categorical(4), MultiCategorical((3, 2, 4))], ids=["one", "joint"])
def test_the_draw_is_right_on_average(distribution, truncate_at):
    """Every action drawn once, weighted by the live policy: the expectation that the closed form has."""
    u, v = np.random.default_rng(0).standard_normal((2, distribution.parameters))
    actions = every_action(distribution)
    target, behaviour = (np.repeat(head[None], len(actions), axis=0) for head in (u, v))
    drawn = sampled_excess(
        Answering(distribution, actions),
        head=target,
        behaviour_head=behaviour,
        truncate_at=truncate_at,
        rng=np.random.default_rng(0),
    )
    found = np.exp(distribution.log_prob(target, actions)) @ drawn
    q = np.minimum(
        truncate_at * np.exp(distribution.log_prob(behaviour, actions)),
        np.exp(distribution.log_prob(target, actions)),
    )
    np.testing.assert_allclose(found, -q @ distribution.log_prob_gradient(target, actions), atol=1e-13)


@each_cut
@pytest.mark.parametrize("name", ["gaussian", "state", "bits", "joint"])
def test_many_draws_come_to_the_expectation(name, truncate_at):
    """Within 4 standard errors of the integral or the sum, noise from a generator as in training."""
    distribution = {
        "gaussian": DiagonalGaussian(1),
        "state": DiagonalGaussian(1, initial=-0.5, correlation=0.9),
        "bits": Bernoulli(3),
        "joint": MultiCategorical((3, 2)),
    }[name]
    rng, rows = np.random.default_rng(1), 200_000
    u, v = 0.7 * rng.standard_normal((2, distribution.parameters))
    drawn = sampled_excess(
        distribution,
        head=np.repeat(u[None], rows, axis=0),
        behaviour_head=np.repeat(v[None], rows, axis=0),
        truncate_at=truncate_at,
        rng=rng,
    )
    if isinstance(distribution, DiagonalGaussian):
        expected = integral(distribution, u, v, truncate_at, *grid(1, reach=40.0, points=100_001))
    else:
        bits = np.array([[i >> k & 1 for k in range(3)] for i in range(8)])
        actions = bits if name == "bits" else every_action(distribution)
        expected = integral(distribution, u, v, truncate_at, actions, 1.0)
    errors = drawn.std(axis=0) / math.sqrt(rows)
    assert (np.abs(drawn.mean(axis=0) - expected) < 4 * errors + 1e-6).all()
    assert np.abs(expected).max() > 10 * errors.min()


def test_a_draw_is_bounded_by_the_score_and_nothing_where_the_ratio_is_small():
    gaussian, rng = DiagonalGaussian(2), np.random.default_rng(2)
    head, behaviour = rng.standard_normal((2, 500, 4))
    drawn = sampled_excess(
        gaussian, head=head, behaviour_head=behaviour, truncate_at=1.0, rng=np.random.default_rng(3)
    )
    actions = gaussian.sample(head, gaussian.draw_noise(np.random.default_rng(3), (1, 500))[0])
    score = gaussian.log_prob_gradient(head, actions)
    assert (np.abs(drawn) <= np.abs(score)).all()
    below = gaussian.log_prob(head, actions) <= gaussian.log_prob(behaviour, actions)
    np.testing.assert_array_equal(drawn[below], 0)
    assert 50 < below.sum() < 450


def test_a_row_is_exact_where_its_deviations_are_equal_and_drawn_where_not():
    gaussian, rng = DiagonalGaussian(2), np.random.default_rng(4)
    head, behaviour = rng.standard_normal((2, 9, 4))
    behaviour[::2, 2:] = head[::2, 2:]
    behaviour[2, 3] = np.nextafter(head[2, 3], 9)  # one bit is a difference
    exact = np.arange(9) % 2 == 0
    exact[2] = False
    np.testing.assert_array_equal(equal_deviations(gaussian, head, behaviour), exact)
    common = {"head": head, "behaviour_head": behaviour, "truncate_at": 0.8}
    found = excess(gaussian, **common, rng=np.random.default_rng(5))
    drawn = sampled_excess(gaussian, **common, rng=np.random.default_rng(5))
    np.testing.assert_array_equal(found[~exact], drawn[~exact])
    closed = gaussian_excess(head[exact], behaviour[exact], truncate_at=0.8)
    np.testing.assert_array_equal(found[exact], closed)
    assert (np.abs(closed - drawn[exact]).max(axis=1) > 1e-6).any()


def test_no_generator_is_read_where_every_row_is_exact():
    gaussian, rng = DiagonalGaussian(2), np.random.default_rng(6)
    head, behaviour = rng.standard_normal((2, 5, 4))
    behaviour[:, 2:] = head[:, 2:]
    found = excess(gaussian, head=head, behaviour_head=behaviour, truncate_at=1.0, rng=None)
    assert np.abs(found).max() > 0.01


def test_a_deviation_of_the_state_has_no_closed_form():
    """Its head holds what a bound is then put on: the closed form is for free deviations."""
    gaussian = DiagonalGaussian(1, initial=0.0)
    assert not equal_deviations(gaussian, np.zeros((3, 2)), np.zeros((3, 2))).any()


def test_the_normal_distribution_function():
    x = np.array([-40.0, -8.0, -1.0, 0.0, 1.0, 8.0, np.inf, -np.inf])
    found = normal_cdf(x)
    np.testing.assert_allclose(found[2:5], [0.15865525393145707, 0.5, 0.8413447460685429], rtol=1e-14)
    assert found[1] == pytest.approx(6.220960574271785e-16, rel=1e-12)  # the lower tail keeps its digits
    np.testing.assert_array_equal(found[[5, 6, 7]] > 0.5, [True, True, False])
