"""What is remembered of the rows that came, and that a fit to them lowers their cross-entropy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from touchline.policy.policy import Policy
from touchline.policy.spaces import Box, Discrete
from touchline.targets.imitation import cross_entropy
from touchline.targets.optimizers import SGD, Adam
from touchline.trainer.imitating import CHUNK_ROWS, Buffer, Fit, Rows, fit, mean_cross_entropy

POLICY = Policy.build(
    observation_space=Box((2,), "float32", (-1.0,) * 2, (1.0,) * 2),
    action_space=Discrete(2),
    hidden=(8,),
    value=True,
)
HOW = Fit(epochs=5, batch_rows=16, learning_rate=0.01, max_gradient_norm=None)


def rows_of(count, seed=0, weight=1.0):
    """Rows whose action says whether the first number is above 0."""
    observations = np.random.default_rng(seed).uniform(-1, 1, (count, 2)).astype(np.float32)
    actions = (observations[:, 0] > 0).astype(np.intp)
    return Rows(observations, actions, np.full(count, weight, np.float32))


def weights(seed=0):
    return POLICY.network.init(np.random.default_rng(seed))


def fitted(rows, how=HOW, seed=0, optimizer=None):
    flat = weights()
    made = optimizer or Adam(len(flat), beta1=0.9, beta2=0.999, epsilon=1e-8)
    return flat, fit(POLICY, flat, rows, how, optimizer=made, rng=np.random.default_rng(seed))


def test_a_fit_lowers_the_cross_entropy_of_its_own_rows():
    rows = rows_of(200)
    flat, found = fitted(rows)
    assert found.before == pytest.approx(math.log(2), abs=0.01)
    assert found.after < 0.7 * found.before
    at = POLICY.network.bind(flat)
    assert mean_cross_entropy(POLICY, at, rows.observations, rows) == pytest.approx(found.after)


def test_a_fit_is_the_same_for_the_same_order_of_minibatches_alone():
    rows = rows_of(100)
    np.testing.assert_array_equal(fitted(rows)[0], fitted(rows)[0])
    assert (fitted(rows)[0] != fitted(rows, seed=1)[0]).any()


def test_rows_that_do_not_count_are_not_learnt():
    good, bad = rows_of(50), rows_of(50, seed=1, weight=0.0)
    wrong = Rows(bad.observations, 1 - bad.actions, bad.weights)
    together = Rows.joined([good, wrong])
    found = fitted(together)[1]
    assert found.after < 0.9 * found.before


@pytest.mark.parametrize("epochs", [1, 3])
def test_each_step_is_along_the_gradient_of_the_mean_over_its_batch(epochs):
    rows = rows_of(40)
    how = Fit(epochs=epochs, batch_rows=40, learning_rate=0.5, max_gradient_norm=None)
    flat, _ = fitted(rows, how, optimizer=SGD(POLICY.network.layout.size))
    expected, share = weights(), np.full(40, 1 / 40, np.float32)
    for _ in range(epochs):
        gradient = POLICY.network.bind(np.zeros_like(expected))
        bound = POLICY.network.bind(expected)
        cross_entropy(POLICY, bound, rows.observations, rows.actions, row_weights=share, gradient=gradient)
        expected -= 0.5 * gradient.flat
    np.testing.assert_allclose(flat, expected, atol=1e-6)


def test_a_long_gradient_is_cut():
    rows = rows_of(40)
    how = Fit(epochs=1, batch_rows=40, learning_rate=1.0, max_gradient_norm=1e-3)
    flat, _ = fitted(rows, how, optimizer=SGD(POLICY.network.layout.size))
    assert np.linalg.norm(flat - weights()) == pytest.approx(1e-3, rel=1e-3)


def test_the_mean_over_chunks_is_that_over_all():
    rows = rows_of(CHUNK_ROWS + 7)
    at = POLICY.network.bind(weights(3))
    whole = cross_entropy(POLICY, at, rows.observations, rows.actions, row_weights=rows.weights) / len(rows)
    assert mean_cross_entropy(POLICY, at, rows.observations, rows) == pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize(("keep", "expected"), [(1, [4]), (2, [3, 4]), (None, [2, 3, 4])])
def test_the_latest_rounds_are_remembered(keep, expected):
    buffer = Buffer(keep=keep)
    for count in (2, 3, 4):
        buffer.add(rows_of(count, seed=count))
    assert len(buffer) == sum(expected)
    found = buffer.rows().observations
    np.testing.assert_array_equal(found, np.concatenate([rows_of(n, seed=n).observations for n in expected]))
