"""Activations against their formulas, their derivatives by finite differences, and layers of different neurons."""

from __future__ import annotations

import math

import numpy as np
import pytest
from policy_numerics import assert_gradient

from touchline.targets.activations import (
    KINDS,
    activate,
    bend,
    derivative,
    second_derivative,
    sigmoid,
    slope,
    value,
)
from touchline.targets.errors import TargetError

FORMULAS = {
    "linear": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "gauss": lambda z: math.exp(-z * z),
    "sin": math.sin,
    "relu": lambda z: max(z, 0.0),
}
Z = np.random.default_rng(0).standard_normal((4, 5))
MIXED = (("tanh", 1.0), ("gauss", 0.5), ("sin", -2.0), ("gauss", 1.5), ("sigmoid", 3.0))
each_kind = pytest.mark.parametrize("kind", KINDS)


def test_every_kind_has_a_formula_here():
    assert set(FORMULAS) == set(KINDS)


@each_kind
def test_values_are_the_formula(kind):
    np.testing.assert_allclose(value(kind, Z), np.vectorize(FORMULAS[kind])(Z), rtol=1e-13)


@each_kind
def test_both_derivatives_by_finite_differences(kind):
    h = value(kind, Z)
    assert_gradient(derivative(kind, Z, h), lambda z: float(value(kind, z).sum()), Z)
    first = lambda z: float(derivative(kind, z, value(kind, z)).sum())  # noqa: E731
    assert_gradient(second_derivative(kind, Z, h), first, Z)


@each_kind
@pytest.mark.parametrize("scale", [1.0, -0.7])
def test_a_coefficient_scales_the_sum_and_enters_both_slopes(kind, scale):
    layer = ((kind, scale),)
    h = activate(layer, Z)
    np.testing.assert_allclose(h, value(kind, scale * Z), rtol=1e-15)
    assert_gradient(slope(layer, Z, h), lambda z: float(activate(layer, z).sum()), Z)
    assert_gradient(bend(layer, Z, h), lambda z: float(slope(layer, z, activate(layer, z)).sum()), Z)


@pytest.mark.parametrize("function", [slope, bend])
def test_neurons_of_one_layer_may_differ(function):
    h = activate(MIXED, Z)
    found = function(MIXED, Z, h)
    for neuron, choice in enumerate(MIXED):
        column = Z[:, neuron : neuron + 1]
        alone = activate((choice,), column)
        np.testing.assert_allclose(h[:, neuron : neuron + 1], alone, rtol=1e-15)
        np.testing.assert_allclose(
            found[:, neuron : neuron + 1], function((choice,), column, alone), rtol=1e-15
        )


def test_a_sigmoid_of_a_large_sum_does_not_overflow():
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(sigmoid(np.array([-1e5, 0.0, 1e5])), [0, 0.5, 1])


def test_sums_are_left_as_they_were():
    before = Z.copy()
    for kind in KINDS:
        activate(((kind, 2.0),), Z)
        bend(((kind, 1.0),), Z, value(kind, Z))
    np.testing.assert_array_equal(Z, before)


@pytest.mark.parametrize(
    "call",
    [
        lambda: value("tahn", Z),
        lambda: derivative("tahn", Z, Z),
        lambda: second_derivative("tahn", Z, Z),
    ],
)
def test_an_unknown_kind_is_told_what_exists(call):
    with pytest.raises(TargetError, match=r"expected one of linear, sigmoid, tanh, .*, found 'tahn'"):
        call()
