"""Correlated noise: each step's own distribution is what it was, only what follows it is not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from touchline.policy.distributions import Categorical, DiagonalGaussian, Joint
from touchline.policy.joint import Factor
from touchline.policy.noise import correlate

RHO = 0.8
LANES = 20_000


def drawn(distribution, steps=6, seed=0, before=None):
    rng = np.random.default_rng(seed)
    return distribution.draw_noise(rng, (steps, LANES), before)


def test_the_recursion_by_hand():
    innovations = np.array([[1.0], [2.0], [-1.0]])
    noise = correlate(innovations.copy(), rho=0.6)
    np.testing.assert_allclose(noise[:, 0], [1.0, 0.6 + 0.8 * 2, 0.6 * 2.2 - 0.8], rtol=1e-15)


def test_without_correlation_nothing_changes():
    np.testing.assert_array_equal(drawn(DiagonalGaussian(2)), drawn(DiagonalGaussian(2, correlation=0.0)))
    innovations = np.random.default_rng(0).standard_normal((4, 3))
    np.testing.assert_array_equal(correlate(innovations.copy(), rho=0.0), innovations)


def test_every_step_alone_is_standard_normal():
    noise = drawn(DiagonalGaussian(1, correlation=RHO))[..., 0].astype(np.float64)
    assert (np.abs(noise.mean(axis=1)) < 4 / math.sqrt(LANES)).all()
    assert (np.abs(noise.var(axis=1) - 1) < 4 * math.sqrt(2 / LANES)).all()


@pytest.mark.parametrize("apart", [1, 2, 4])
def test_the_correlation_decays_with_the_steps_between(apart):
    noise = drawn(DiagonalGaussian(1, correlation=RHO))[..., 0].astype(np.float64)
    found = np.corrcoef(noise[1], noise[1 + apart])[0, 1]
    assert abs(found - RHO**apart) < 4 / math.sqrt(LANES)


def test_lanes_and_actions_stay_independent():
    noise = drawn(DiagonalGaussian(2, correlation=RHO), steps=3)[2].astype(np.float64)
    assert abs(np.corrcoef(noise.T)[0, 1]) < 4 / math.sqrt(LANES)
    assert abs(np.corrcoef(noise[:-1, 0], noise[1:, 0])[0, 1]) < 4 / math.sqrt(LANES)


def test_blocks_go_on_where_the_last_one_ended():
    """Two blocks drawn from one generator are the one chain over both."""
    distribution = DiagonalGaussian(2, correlation=RHO)
    rng = np.random.default_rng(5)
    first = distribution.draw_noise(rng, (3, 4))
    second = distribution.draw_noise(rng, (5, 4), first[-1])
    whole = distribution.draw_noise(np.random.default_rng(5), (8, 4))
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=1e-6)
    assert second.dtype == np.float32


def test_before_is_not_written_to():
    before = np.ones((4, 2), np.float32)
    DiagonalGaussian(2, correlation=RHO).draw_noise(np.random.default_rng(0), (3, 4), before)
    np.testing.assert_array_equal(before, 1)


def test_in_a_product_only_real_actions_remember():
    joint = Joint(
        [
            Factor(Categorical(2), None, choice=True),
            Factor(DiagonalGaussian(1, correlation=RHO), 1, choice=False),
        ]
    )
    first = drawn(joint, steps=2)
    noise = np.concatenate([first, drawn(joint, steps=2, seed=1, before=first[-1])]).astype(np.float64)
    for t in range(3):
        correlations = np.corrcoef(noise[t].T, noise[t + 1].T)[:3, 3:].diagonal()
        assert (np.abs(correlations - [0, 0, RHO]) < 4 / math.sqrt(LANES)).all()


def test_independent_noise_ignores_what_was_before():
    before = np.ones((LANES, 2), np.float32)
    np.testing.assert_array_equal(drawn(Categorical(2)), drawn(Categorical(2), before=before))
