"""Bits and the sigmoid of one logit: what is of them alone; the rest is proved with the other distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from touchline.policy.bernoulli import Bernoulli, Sigmoid, sigmoid, softplus
from touchline.policy.categorical import Categorical

LOGITS = np.array([-800.0, -40.0, -3.0, -1e-9, 0.0, 2.0, 35.0, 800.0])


def test_the_sigmoid_is_the_textbooks_and_exact_in_its_tails():
    np.testing.assert_allclose(sigmoid(LOGITS[2:6]), 1 / (1 + np.exp(-LOGITS[2:6])), rtol=1e-15)
    assert sigmoid(LOGITS)[1] == pytest.approx(math.exp(-40), rel=1e-13, abs=0)
    np.testing.assert_array_equal(sigmoid(LOGITS[[0, -1]]), [0, 1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_overflows_and_the_dtype_stays(dtype):
    logits = LOGITS.astype(dtype)[:, None]
    bits = Bernoulli(1)
    for result in (
        softplus(logits),
        sigmoid(logits),
        bits.entropy(logits),
        bits.entropy_gradient(logits),
        bits.kl(logits, logits / 2),
        bits.log_prob(logits, np.ones((len(logits), 1), np.int64)),
        bits.log_prob_gradient(logits, np.zeros((len(logits), 1), np.int64)),
    ):
        assert result.dtype == dtype
        assert np.isfinite(result).all()


def test_the_entropy_keeps_its_digits_where_a_bit_is_all_but_certain():
    """H = e⁻ᵐ (1 + m) to first order: both terms would cancel if they were summed as they stand."""
    for logit in (30.0, -30.0):
        (found,) = Bernoulli(1).entropy(np.array([[logit]]))
        assert found == pytest.approx(math.exp(-30) * 31, rel=1e-9, abs=0)


def test_bits_are_independent():
    rng = np.random.default_rng(0)
    p, q = rng.standard_normal((2, 5, 3))
    actions = rng.integers(0, 2, (5, 3))
    bits, one = Bernoulli(3), Bernoulli(1)
    columns = [slice(i, i + 1) for i in range(3)]
    np.testing.assert_allclose(
        bits.log_prob(p, actions), sum(one.log_prob(p[:, c], actions[:, c]) for c in columns)
    )
    np.testing.assert_allclose(bits.entropy(p), sum(one.entropy(p[:, c]) for c in columns))
    np.testing.assert_allclose(bits.kl(p, q), sum(one.kl(p[:, c], q[:, c]) for c in columns))


def test_a_sigmoid_is_the_softmax_of_nothing_and_its_logit():
    rng = np.random.default_rng(1)
    p, q = rng.standard_normal((2, 6, 1))
    actions = rng.integers(0, 2, 6)
    one, two = Sigmoid(), Categorical(2)
    wide_p, wide_q = (np.concatenate([np.zeros_like(x), x], axis=1) for x in (p, q))
    np.testing.assert_allclose(one.log_prob(p, actions), two.log_prob(wide_p, actions))
    np.testing.assert_allclose(
        one.log_prob_gradient(p, actions), two.log_prob_gradient(wide_p, actions)[:, 1:]
    )
    np.testing.assert_allclose(one.entropy(p), two.entropy(wide_p))
    np.testing.assert_allclose(one.entropy_gradient(p), two.entropy_gradient(wide_p)[:, 1:])
    np.testing.assert_allclose(one.kl(p, q), two.kl(wide_p, wide_q))
    np.testing.assert_array_equal(one.mode(p), two.mode(wide_p))


@pytest.mark.parametrize("logit", [-2.0, 0.0, 0.7])
def test_ones_come_as_often_as_the_sigmoid_says(logit):
    n, bit = 40_000, Sigmoid()
    heads = np.full((n, 1), logit, np.float32)
    drawn = bit.sample(heads, bit.draw_noise(np.random.default_rng(2), (n,)))
    assert (drawn.shape, drawn.dtype) == ((n,), np.int64)
    p = 1 / (1 + math.exp(-logit))
    assert abs(drawn.mean() - p) < 4 * math.sqrt(p * (1 - p) / n)


def test_logistic_noise_has_its_variance():
    noise = Bernoulli(2).draw_noise(np.random.default_rng(3), (20_000,)).astype(np.float64)
    variance = math.pi**2 / 3
    # The logistic's kurtosis is 4.2, so a variance of n draws has the variance (4.2 - 1) variance² / n.
    assert (np.abs(noise.var(axis=0) - variance) < 4 * variance * math.sqrt(3.2 / 20_000)).all()
    assert (np.abs(noise.mean(axis=0)) < 4 * math.sqrt(variance / 20_000)).all()
    assert abs(np.corrcoef(noise.T)[0, 1]) < 4 / math.sqrt(20_000)
