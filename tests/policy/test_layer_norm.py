"""Layer normalisation: what it normalises, its gradients, and that what is kept is enough for them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from policy_numerics import ACTIVATIONS, assert_gradient
from torsos import gradient_of, parameters_of, prove

from touchline.policy.layer_norm import EPSILON, NormedTorso, normalise, normalise_backward
from touchline.policy.sparse import SPARSE


def torso_of(*, features=4, hidden=(5, 3), activation="tanh", **kwargs):
    return NormedTorso(features=features, hidden=hidden, activation=activation, **kwargs)


def test_rows_have_mean_0_and_deviation_1():
    z = np.random.default_rng(0).normal(3, 20, (6, 50))
    state = normalise(z.copy())
    np.testing.assert_allclose(state[:, :-1].mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(state[:, :-1].std(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(state[:, -1], 1 / np.sqrt(z.var(axis=1) + EPSILON), rtol=1e-12)


def test_equal_sums_are_normalised_to_0():
    np.testing.assert_array_equal(normalise(np.full((2, 3), 7.0))[:, :-1], 0)


def test_shifting_and_stretching_the_sums_changes_nothing():
    z = np.random.default_rng(1).standard_normal((4, 8))
    np.testing.assert_allclose(normalise(5 * z + 3)[:, :-1], normalise(z.copy())[:, :-1], atol=1e-4)


@pytest.mark.parametrize("width", [1, 2, 7])
def test_the_gradient_of_normalising(width):
    rng = np.random.default_rng(width)
    z, d = rng.standard_normal((3, width)), rng.standard_normal((3, width))
    found = normalise_backward(d, normalise(z.copy()))
    assert_gradient(found, lambda moved: float((normalise(moved.copy())[:, :-1] * d).sum()), z)


@pytest.mark.parametrize(("activation", "bias"), list(itertools.product(ACTIVATIONS, (True, False))))
def test_gradients_for_every_activation(activation, bias):
    torso = torso_of(activation=activation, bias=bias)
    rng = np.random.default_rng(0)
    prove(torso, rng.standard_normal((4, 4)), rng)
    assert ("0/bias" in torso.shapes) == bias


@pytest.mark.parametrize("hidden", [(3,), (4, 3, 5)])
def test_gradients_for_every_depth(hidden):
    rng = np.random.default_rng(2)
    prove(torso_of(hidden=hidden), rng.standard_normal((3, 4)), rng)


def test_gradients_over_sparse_inputs():
    rng = np.random.default_rng(3)
    x = rng.integers(-1, 2, (4, 9), np.int8) * (rng.random((4, 9)) < 0.3)
    prove(torso_of(features=9, first=SPARSE), x.astype(np.int8), rng)


def test_a_layer_is_the_formula_of_the_paper():
    rng = np.random.default_rng(4)
    torso, x = torso_of(), rng.standard_normal((6, 4))
    p = parameters_of(torso, rng)
    h = x
    for i in range(2):
        z = h @ p[f"{i}/weight"]
        mean, variance = z.mean(axis=1, keepdims=True), z.var(axis=1, keepdims=True)
        h = np.tanh(p[f"{i}/gain"] * (z - mean) / np.sqrt(variance + 1e-5) + p[f"{i}/bias"])
    np.testing.assert_allclose(torso.forward(p, x)[-1], h, rtol=1e-12)


def test_what_is_kept_is_a_number_a_unit_and_one_a_row():
    assert torso_of().kept == ((6,), (4,), (3,))
    assert torso_of(hidden=()).kept == ()


def test_without_layers_the_inputs_are_the_output_and_their_gradient_its_own():
    torso, x = torso_of(hidden=()), np.ones((2, 4))
    assert torso.forward({}, x) == []
    assert torso.size == 4
    d = np.ones((2, 4))
    assert torso.backward_to_inputs({}, x, [], d, {}) is d
    torso.backward({}, x, [], d, {})


def test_the_gradient_of_the_inputs():
    rng = np.random.default_rng(5)
    torso, x = torso_of(), rng.standard_normal((3, 4))
    p, d = parameters_of(torso, rng), rng.standard_normal((3, 3))
    kept = torso.forward(p, x)
    gradient = {name: np.zeros_like(view) for name, view in p.items()}
    found = torso.backward_to_inputs(p, x, kept, d.copy(), gradient)
    assert_gradient(found, lambda moved: float((torso.forward(p, moved)[-1] * d).sum()), x)
    for name, expected in gradient_of(torso, p, x, kept, d).items():
        np.testing.assert_array_equal(gradient[name], expected)


def test_backward_never_reads_the_first_layers_weights():
    rng = np.random.default_rng(6)
    torso, x = torso_of(), rng.standard_normal((3, 4))
    p, d = parameters_of(torso, rng), rng.standard_normal((3, 3))
    kept = torso.forward(p, x)
    before = gradient_of(torso, p, x, kept, d)
    p["0/weight"][...] = np.nan
    for name, expected in before.items():
        np.testing.assert_array_equal(gradient_of(torso, p, x, kept, d)[name], expected)


def test_layers_begin_with_gain_1_and_no_shift():
    torso = torso_of()
    p = {name: np.full(shape, np.nan, np.float32) for name, shape in torso.shapes.items()}
    torso.init(p, np.random.default_rng(7))
    np.testing.assert_array_equal(p["1/gain"], 1)
    np.testing.assert_array_equal(p["1/bias"], 0)
    np.testing.assert_allclose(np.linalg.svd(p["0/weight"], compute_uv=False), np.sqrt(2), rtol=1e-5)
