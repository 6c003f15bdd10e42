"""Training on one spot: epochs by hand, what an epoch sees, what is refused, and the local search."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from touchline.targets.errors import TargetError
from touchline.targets.local import minimize, train_epochs
from touchline.targets.network import TableNetwork
from touchline.targets.rules import make_rule

NETWORK = TableNetwork.build(inputs=2, hidden=(3,), outputs=1)
RNG = np.random.default_rng(0)
W, X, Y = 0.5 * RNG.standard_normal(NETWORK.size), RNG.standard_normal((12, 2)), RNG.standard_normal((12, 1))


def train(rule="sgd", *, w=W, x=X, y=Y, seed=0, **changes):
    settings = {"learning_rate": 0.1, "epochs": 1, "batch_rows": None}
    made = make_rule(rule, NETWORK.size) if isinstance(rule, str) else rule
    rng = np.random.default_rng(seed)
    return train_epochs(NETWORK, w, x, y, rule=made, rng=rng, **(settings | changes))


def test_an_epoch_of_all_rows_is_one_step_along_the_mean_gradient():
    found, error = train()
    np.testing.assert_allclose(found, W - 0.1 * NETWORK.gradient(W, X, Y)[1] / 12, rtol=1e-12)
    assert error == NETWORK.error(found, X, Y)


def test_the_given_weights_stay_as_they_are():
    before = W.copy()
    train(epochs=3)
    np.testing.assert_array_equal(W, before)


def test_the_mean_over_an_epochs_batches_is_the_full_gradient():
    """At so small a rate that the weights hardly move, the steps of an epoch add up."""
    rate = 1e-7
    found, _ = train(learning_rate=rate, batch_rows=4)
    mean = (W - found) / (3 * rate)
    np.testing.assert_allclose(mean, NETWORK.gradient(W, X, Y)[1] / 12, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("batch_rows", "steps"), [(None, 1), (12, 1), (5, 3), (1, 12), (100, 1)])
def test_every_row_is_seen_once_an_epoch(batch_rows, steps):
    rule = make_rule("adam", NETWORK.size)
    train(rule, batch_rows=batch_rows, epochs=2)
    assert rule.state()["steps"] == 2 * steps


def test_the_order_of_batches_is_the_generators():
    one, same, other = (train(batch_rows=3, seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("name", ["adam", "irprop_plus", "quickprop"])
def test_a_rule_goes_on_where_it_stopped(name):
    """Cut into single epochs, training is the same: whether the error grew is known across the calls too."""
    whole, _ = train(name, epochs=60)
    rule, w = make_rule(name, NETWORK.size), W
    for _ in range(60):
        w, _ = train(rule, w=w)
    np.testing.assert_array_equal(w, whole)


@pytest.mark.parametrize(
    "rule", ["sgd", "rmsprop", "adam", "rprop_plus", "irprop_plus", "irprop_minus", "quickprop"]
)
def test_training_lowers_the_error(rule):
    found, error = train(rule, epochs=60, learning_rate=0.05)
    assert error < 0.8 * NETWORK.error(W, X, Y)
    assert np.isfinite(found).all()


def test_irprop_plus_is_told_when_the_error_grew():
    """By the errors at the weights before each step."""
    rule, errors, told = make_rule("irprop_plus", NETWORK.size), [], []
    step = rule.step

    def heard(w, gradient, *, learning_rate, grew):
        errors.append(NETWORK.error(w, X, Y))
        told.append(grew)
        step(w, gradient, learning_rate=learning_rate, grew=grew)

    rule.step = heard
    train(rule, epochs=60)
    assert told == [False, *(np.diff(errors) > 0)]
    assert 0 < sum(told) < 59


def test_no_rows_leave_the_weights():
    found, error = train(x=X[:0], y=Y[:0], epochs=3)
    np.testing.assert_array_equal(found, W)
    assert error == 0


@pytest.mark.parametrize("rule", ["rprop_plus", "quickprop"])
def test_a_rule_of_exact_gradients_refuses_minibatches(rule):
    with pytest.raises(TargetError, match="needs the gradient of all 12 rows, found batches of 5"):
        train(rule, batch_rows=5)
    train(rule, batch_rows=12)


def test_batches_that_cannot_be_drawn_are_refused():
    with pytest.raises(TargetError, match="batch_rows: expected 1 or more, or null for all rows, found 0"):
        train(batch_rows=0)
    with pytest.raises(TargetError, match="no generator"):
        train_epochs(
            NETWORK,
            W,
            X,
            Y,
            rule=make_rule("sgd", W.size),
            learning_rate=0.1,
            epochs=1,
            batch_rows=2,
            rng=None,
        )


def test_the_local_search_finds_the_minimum_of_a_quadratic():
    centre, scale, calls = np.array([1.0, -2.0, 3.0]), np.array([1.0, 30.0, 0.1]), []

    def quadratic(w):
        calls.append(w)
        return float(scale @ np.square(w - centre)), 2 * scale * (w - centre)

    found = minimize(quadratic, np.zeros(3), iterations=100)
    np.testing.assert_allclose(found.w, centre, atol=1e-4)
    assert found.f == pytest.approx(0, abs=1e-8)
    assert found.evaluations == len(calls)
    assert len({w.tobytes() for w in calls}) > 1  # each call was given an array of its own


def test_the_local_search_trains_a_network_and_keeps_to_its_iterations():
    start = NETWORK.error(W, X, Y)
    few, many = (minimize(lambda w: NETWORK.gradient(w, X, Y), W, iterations=n) for n in (2, 200))
    assert many.f < few.f < start
    assert few.evaluations < many.evaluations


def test_a_missing_solver_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(TargetError, match=r"L-BFGS-B needs scipy.*pip install '\.\[solvers\]'"):
        minimize(lambda w: (0.0, w), W, iterations=1)
