"""Curvature products against the matrices themselves, column by column."""

from __future__ import annotations

import numpy as np
import pytest
from policy_numerics import central_differences
from target_networks import OUTPUTS, every_head, example, network_of, one_hot

from touchline.targets.activations import KINDS
from touchline.targets.curvature import fisher_product, hessian_product
from touchline.targets.errors import TargetError
from touchline.targets.splitting import split

SMALL = {"hidden": (4,)}
MIXED = [[("tanh", 1.0), ("gauss", 0.5), ("sin", 2.0), ("sigmoid", -1.5)]]


def fisher_matrix(network, w, x):
    return np.stack([fisher_product(network, w, x, v) for v in np.eye(network.size)], axis=1)


def hessian_matrix(network, w, x, y):
    return np.stack([hessian_product(network, w, x, y, v) for v in np.eye(network.size)], axis=1)


def jacobian(network, w, row):
    """Of the last sums of one row by the weights, [outputs, size], one backward pass an output."""
    forward = network.forward(w, row)
    return np.stack([network.backward(w, forward, d[None]) for d in np.eye(OUTPUTS)])


@every_head
def test_the_fisher_product_is_that_of_the_explicit_matrix(output, loss):
    network = network_of(output, loss)
    w, x, _ = example(network)
    v = np.random.default_rng(5).standard_normal(network.size)
    expected = np.zeros(network.size)
    for row in x[:, None]:
        J, z = jacobian(network, w, row), network.forward(w, row).z[-1]
        G = np.stack([network.head.fisher(z, u[None])[0] for u in np.eye(OUTPUTS)])
        expected += J.T @ G @ J @ v
    np.testing.assert_allclose(fisher_product(network, w, x, v), expected, rtol=1e-12, atol=1e-12)


def test_the_fisher_product_is_the_expectation_over_what_the_network_believes():
    """F = Σ over rows, Σ over classes of p g gᵀ, g the gradient were that the class."""
    network = network_of("softmax", "cross_entropy", **SMALL)
    w, x, _ = example(network)
    expected = np.zeros((network.size, network.size))
    for row in x[:, None]:
        for label, p in enumerate(network.outputs(w, row)[0]):
            g = network.gradient(w, row, one_hot([label]))[1]
            expected += p * np.outer(g, g)
    np.testing.assert_allclose(fisher_matrix(network, w, x), expected, atol=1e-12)


@every_head
@pytest.mark.parametrize("bias", [True, False])
def test_the_hessian_product_by_finite_differences_of_the_gradient(output, loss, bias):
    network = network_of(output, loss, bias=bias)
    assert_hessian(network, *example(network))


@pytest.mark.parametrize("kind", KINDS)
def test_the_hessian_through_every_activation(kind):
    network = network_of("sigmoid", "cross_entropy", activation=kind)
    assert_hessian(network, *example(network, seed=1))


def test_the_hessian_of_neurons_with_activations_of_their_own():
    network = network_of("softmax", "squared", **SMALL).with_activations(MIXED)
    assert_hessian(network, *example(network))


def assert_hessian(network, w, x, y):
    v = np.random.default_rng(5).standard_normal(network.size)
    expected = central_differences(lambda at: float(v @ network.gradient(at, x, y)[1]), w)
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(hessian_product(network, w, x, y, v), expected, atol=1e-7 * scale)


@every_head
def test_both_matrices_are_symmetric_and_the_fisher_has_no_negative_direction(output, loss):
    network = network_of(output, loss, **SMALL)
    w, x, y = example(network)
    F, H = fisher_matrix(network, w, x), hessian_matrix(network, w, x, y)
    for matrix in (F, H):
        np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)
    assert np.linalg.eigvalsh(F).min() > -1e-12
    assert np.linalg.eigvalsh(H).min() < -1e-3  # away from a minimum


@pytest.mark.parametrize(
    ("output", "loss"),
    [("linear", "squared"), ("sigmoid", "cross_entropy"), ("softmax", "cross_entropy")],
)
def test_without_hidden_layers_the_two_are_one(output, loss):
    """The sums are then linear in the weights, and no y enters either matrix."""
    network = network_of(output, loss, hidden=())
    w, x, y = example(network)
    np.testing.assert_allclose(
        hessian_matrix(network, w, x, y), fisher_matrix(network, w, x), rtol=1e-12, atol=1e-12
    )


@every_head
def test_products_of_parts_add_up_to_the_whole(output, loss):
    network = network_of(output, loss)
    w, x, y = example(network, rows=37)
    v = np.random.default_rng(6).standard_normal(network.size)
    fisher, hessian = fisher_product(network, w, x, v), hessian_product(network, w, x, y, v)
    for parts in (2, 5, 16):
        cut = [slice(part.start, part.stop) for part in split(37, parts)]
        np.testing.assert_allclose(
            sum(fisher_product(network, w, x[part], v) for part in cut), fisher, rtol=1e-12, atol=1e-12
        )
        np.testing.assert_allclose(
            sum(hessian_product(network, w, x[part], y[part], v) for part in cut),
            hessian,
            rtol=1e-12,
            atol=1e-12,
        )


def test_a_direction_of_another_size_is_refused():
    network = network_of()
    w, x, y = example(network)
    with pytest.raises(TargetError, match=r"direction: expected float64 \[54\], found float64 \[3\]"):
        fisher_product(network, w, x, np.zeros(3))
    with pytest.raises(TargetError, match=r"y: expected"):
        hessian_product(network, w, x, y[:2], w)
