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


def parts(rows):
    return rows.observations, rows.actions, rows.weights


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


@pytest.mark.parametrize("weight", [0.25, 1.0])
def test_rows_that_count_less_make_shorter_steps(weight):
    how = Fit(epochs=1, batch_rows=40, learning_rate=0.5, max_gradient_norm=None)
    steps = [
        fitted(rows_of(40, weight=each), how, optimizer=SGD(POLICY.network.layout.size))[0] - weights()
        for each in (weight, 1.0)
    ]
    np.testing.assert_allclose(steps[0], weight * steps[1], atol=1e-7)
    assert np.abs(steps[1]).max() > 1e-3


def test_rows_of_two_weights_share_a_step_by_their_weights():
    light, full = rows_of(20, weight=0.25), rows_of(20, seed=1)
    how = Fit(epochs=1, batch_rows=40, learning_rate=0.5, max_gradient_norm=None)
    flat, _ = fitted(Rows.joined([light, full]), how, optimizer=SGD(POLICY.network.layout.size))
    at, gradient = POLICY.network.bind(weights()), POLICY.network.bind(np.zeros_like(weights()))
    for rows, share in ((light, 0.25 / 40), (full, 1 / 40)):
        each = np.full(20, share, np.float32)
        cross_entropy(POLICY, at, rows.observations, rows.actions, row_weights=each, gradient=gradient)
    np.testing.assert_allclose(flat, weights() - 0.5 * gradient.flat, atol=1e-6)


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
        whole = rows_of(count, seed=count)
        buffer.add([Rows(*(part[:1] for part in parts(whole))), Rows(*(part[1:] for part in parts(whole)))])
    assert len(buffer) == sum(expected)
    found = buffer.rows().observations
    np.testing.assert_array_equal(found, np.concatenate([rows_of(n, seed=n).observations for n in expected]))


@pytest.mark.parametrize("keep", [2, None])
def test_rows_are_joined_when_they_are_asked_for_and_what_is_never_forgotten_once(keep, monkeypatch):
    joined, join = [], Rows.joined
    monkeypatch.setattr(
        Rows, "joined", staticmethod(lambda several: joined.append(len(several)) or join(several))
    )
    buffer = Buffer(keep=keep)
    for seed in (0, 1):
        buffer.add([rows_of(3, seed=seed), rows_of(2, seed=seed)])
    assert joined == []
    first = buffer.rows()
    assert joined == [4]
    assert (buffer.rows() is first) == (keep is None)
    buffer.add([rows_of(1)])
    assert len(buffer.rows()) == len(buffer) == (11 if keep is None else 6)
    assert joined[-1] == (2 if keep is None else 3)
