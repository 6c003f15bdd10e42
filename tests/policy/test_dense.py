"""Dense layers: each activation and its derivative, the layer and its gradient, and how weights begin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from policy_numerics import ACTIVATIONS, assert_gradient

from touchline.policy.dense import activate, dense, dense_backward, orthogonal, times_derivative

REFERENCES = {
    "tanh": math.tanh,
    "relu": lambda z: max(z, 0.0),
    "elu": lambda z: z if z > 0 else math.exp(z) - 1,
}
POINTS = np.array([-30.0, -3.0, -0.7, -1e-3, 1e-3, 0.4, 2.0, 25.0])


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_an_activation_is_its_formula(kind):
    z = POINTS.copy()
    activate(kind, z)
    np.testing.assert_allclose(z, [REFERENCES[kind](value) for value in POINTS], rtol=1e-12)


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_the_derivative_is_known_from_the_value_alone(kind):
    h, d = POINTS.copy(), np.ones_like(POINTS)
    activate(kind, h)
    times_derivative(kind, d, h)

    def total(z):
        z = z.copy()
        activate(kind, z)
        return float(z.sum())

    assert_gradient(d, total, POINTS)


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_the_derivative_multiplies_what_is_there(kind):
    rng = np.random.default_rng(0)
    h, d = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    activate(kind, h)
    once, slope = d.copy(), np.ones_like(h)
    times_derivative(kind, once, h)
    times_derivative(kind, slope, h)
    np.testing.assert_allclose(once, d * slope, rtol=1e-15)


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_float32_stays_float32_and_large_sums_stay_finite(kind):
    z = np.array([-1e4, 1e4], np.float32)
    activate(kind, z)
    d = np.ones_like(z)
    times_derivative(kind, d, z)
    assert z.dtype == d.dtype == np.float32
    assert np.isfinite(z).all()
    assert np.isfinite(d).all()


def test_a_layer_is_a_sum_of_products():
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal((6, 3)), rng.standard_normal((3, 4)), rng.standard_normal(4)
    expected = [[sum(row[i] * w[i, o] for i in range(3)) + b[o] for o in range(4)] for row in x]
    out = np.empty((6, 4))
    np.testing.assert_allclose(dense(x, w, b), expected, rtol=1e-12)
    assert dense(x, w, b, out) is out
    np.testing.assert_allclose(out, expected, rtol=1e-12)


def test_a_layers_gradient_by_finite_differences():
    rng = np.random.default_rng(1)
    x, w, b, d = (rng.standard_normal(shape) for shape in ((6, 3), (3, 4), (4,), (6, 4)))
    dw, db = np.zeros_like(w), np.zeros_like(b)
    dense_backward(x, d, dw, db)
    assert_gradient(dw, lambda moved: float((d * dense(x, moved, b)).sum()), w)
    assert_gradient(db, lambda moved: float((d * dense(x, w, moved)).sum()), b)


def test_a_layers_gradient_adds_up_over_its_rows():
    rng = np.random.default_rng(2)
    x, d = rng.standard_normal((7, 3)), rng.standard_normal((7, 2))
    whole, parts = (np.zeros((3, 2)), np.zeros(2)), (np.zeros((3, 2)), np.zeros(2))
    dense_backward(x, d, *whole)
    dense_backward(x[:4], d[:4], *parts)
    dense_backward(x[4:], d[4:], *parts)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)


@pytest.mark.parametrize("shape", [(4, 4), (7, 3), (3, 7), (1, 5), (5, 1)])
def test_orthogonal_on_the_shorter_side(shape):
    matrix = orthogonal(shape, gain=1.5, rng=np.random.default_rng(3), dtype="float64")
    assert matrix.shape == shape
    product = matrix.T @ matrix if shape[0] >= shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(product, 1.5**2 * np.eye(min(shape)), atol=1e-12)


def test_orthogonal_is_float32_contiguous_and_drawn_from_its_generator():
    first = orthogonal((3, 5), gain=1.0, rng=np.random.default_rng(4))
    assert first.dtype == np.float32
    assert first.flags.c_contiguous
    np.testing.assert_array_equal(first, orthogonal((3, 5), gain=1.0, rng=np.random.default_rng(4)))
    assert np.abs(first - orthogonal((3, 5), gain=1.0, rng=np.random.default_rng(5))).max() > 0.1


def test_orthogonal_is_uniform_which_qr_alone_is_not():
    """Of a uniform 2×2 rotation or reflection every entry has mean 0; LAPACK's R fixes the signs of its Q."""
    rng = np.random.default_rng(6)
    matrices = np.array([orthogonal((2, 2), gain=1.0, rng=rng) for _ in range(2000)])
    assert np.abs(matrices.mean(axis=0)).max() < 5 * math.sqrt(0.5 / 2000)
