"""Averaging and summing networks: the formulas, and the identities that say how the two differ."""

from __future__ import annotations

import numpy as np
import pytest
from target_networks import network_of

from touchline.targets.combining import combine
from touchline.targets.errors import TargetError
from touchline.targets.splitting import split

RNG = np.random.default_rng(7)
COUNTS = (2, 3, 5, 12)
each_count = pytest.mark.parametrize("n", COUNTS)


def vectors(n, size=20):
    return list(RNG.standard_normal((n, size)))


@each_count
def test_the_sum_is_n_times_the_mean(n):
    weights = vectors(n)
    total = combine(weights, how="sum")
    np.testing.assert_allclose(total, np.sum(weights, axis=0), rtol=1e-12)
    np.testing.assert_allclose(total, n * combine(weights, how="mean"), rtol=1e-12)


@pytest.mark.parametrize("how", ["mean", "sum", "displacements"])
def test_one_network_is_itself_and_nothing_given_is_changed(how):
    (alone,) = vectors(1)
    start = np.zeros(20)
    found = combine([alone], how=how, start=start)
    np.testing.assert_array_equal(found, alone)
    found += 1
    assert (found != alone).all()
    np.testing.assert_array_equal(start, 0)


def test_the_order_does_not_matter_but_to_rounding():
    weights = vectors(5)
    for how in ("mean", "sum"):
        np.testing.assert_allclose(combine(weights[::-1], how=how), combine(weights, how=how), rtol=1e-12)


@each_count
def test_displacements_are_added_to_where_all_began(n):
    start, moves = RNG.standard_normal(20), vectors(n)
    found = combine([start + move for move in moves], how="displacements", start=start)
    np.testing.assert_allclose(found, start + sum(moves), rtol=1e-12)


def both(n, **network):
    """(network, the mean of n random ones, their sum, rows)."""
    made = network_of(inputs=8, hidden=network.pop("hidden", (6,)), bias=False, **network)
    weights = [RNG.standard_normal(made.size) for _ in range(n)]
    rows = RNG.standard_normal((200, 8))
    return made, combine(weights, how="mean"), combine(weights, how="sum"), rows


def classes(network, w, x):
    return network.forward(w, x).z[-1].argmax(axis=1)


@each_count
def test_sigmoids_the_sum_decides_as_the_mean_whose_hidden_gain_is_n(n):
    """sigmoid(x Σ W) = sigmoid(n (x mean W)), and the last layer's scale moves no largest output."""
    network, mean, total, x = both(n, output="sigmoid", activation="sigmoid")
    gained = network.with_activations([("sigmoid", float(n))])
    np.testing.assert_array_equal(classes(network, total, x), classes(gained, mean, x))
    assert (classes(network, total, x) != classes(network, mean, x)).any()


@each_count
@pytest.mark.parametrize("hidden", [(6,), (6, 5)])
def test_relu_the_sum_is_the_mean_n_times_a_layer_and_decides_alike(n, hidden):
    network, mean, total, x = both(n, activation="relu", hidden=hidden)
    scale = n ** (len(hidden) + 1)
    np.testing.assert_allclose(
        network.outputs(total, x), scale * network.outputs(mean, x), rtol=1e-10, atol=1e-10 * scale
    )
    np.testing.assert_array_equal(classes(network, total, x), classes(network, mean, x))


@pytest.mark.parametrize("n", [2, 4, 8])
def test_one_local_step_each_averaged_is_one_step_on_the_whole_table(n):
    """Equal shards, one shared start, mean errors; displacements are the same with n times the rate."""
    network = network_of("softmax", "cross_entropy")
    w, x = RNG.standard_normal(network.size), RNG.standard_normal((40, 2))
    y, rate = np.eye(3)[RNG.integers(3, size=40)], 0.1
    shards = [slice(part.start, part.stop) for part in split(40, n)]
    local = [w - rate * network.gradient(w, x[at], y[at])[1] / (40 // n) for at in shards]
    step = network.gradient(w, x, y)[1] / 40
    np.testing.assert_allclose(combine(local, how="mean"), w - rate * step, rtol=1e-12)
    moved = combine(local, how="displacements", start=w)
    np.testing.assert_allclose(moved, w - n * rate * step, rtol=1e-12)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"weights": [], "how": "mean"}, "expected one network or more, found none"),
        (
            {"weights": vectors(2), "how": "displacements"},
            "displacements: expected the weights that all began",
        ),
        ({"weights": [np.zeros(3), np.zeros(2)], "how": "sum"}, r"expected all of shape \[3\], found \[2\]"),
    ],
)
def test_what_cannot_be_combined_is_refused(given, message):
    with pytest.raises(TargetError, match=message):
        combine(**given)
