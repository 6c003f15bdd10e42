"""Networks over tables: against their equations, by finite differences, and parts against the whole."""

from __future__ import annotations

import math

import numpy as np
import pytest
from policy_numerics import assert_gradient
from target_networks import every_head, example, network_of, one_hot

from touchline.targets.activations import KINDS
from touchline.targets.errors import TargetError
from touchline.targets.network import TableNetwork
from touchline.targets.splitting import split

PER_NEURON = [[("tanh", 1.0), ("gauss", 0.5), ("sin", 2.0), ("sigmoid", -1.0), ("linear", 1.0)], ("sin", 0.7)]


def by_hand(network, w, row):
    """The outputs of one row, one number at a time."""
    p, h = network.views(w), list(row)
    for layer in network.layers:
        weight, bias = p[f"{layer}/weight"], p[f"{layer}/bias"]
        z = [sum(h[i] * weight[i, j] for i in range(len(h))) + bias[j] for j in range(weight.shape[1])]
        h = [math.tanh(one) for one in z] if layer < len(network.hidden) else z
    return h


def test_outputs_are_the_equations():
    network = network_of()
    w, x, y = example(network)
    expected = [by_hand(network, w, row) for row in x]
    np.testing.assert_allclose(network.outputs(w, x), expected, rtol=1e-12)
    np.testing.assert_allclose(network.error(w, x, y), 0.5 * np.square(np.array(expected) - y).sum())


def test_parameters_lie_in_the_flat_vector_layer_by_layer():
    network = network_of()
    assert network.shapes == {
        "0/weight": (2, 5),
        "0/bias": (5,),
        "1/weight": (5, 4),
        "1/bias": (4,),
        "2/weight": (4, 3),
        "2/bias": (3,),
    }
    w = np.zeros(network.size)
    network.views(w)["1/bias"][...] = 1
    np.testing.assert_array_equal(np.flatnonzero(w), np.arange(35, 39))
    assert list(network_of(bias=False).shapes) == ["0/weight", "1/weight", "2/weight"]
    assert TableNetwork.build(inputs=2, hidden=[2], outputs=1).size == 9


@every_head
@pytest.mark.parametrize("bias", [True, False])
def test_the_gradient_by_finite_differences(output, loss, bias):
    network = network_of(output, loss, bias=bias)
    w, x, y = example(network)
    error, gradient = network.gradient(w, x, y)
    assert error == network.error(w, x, y)
    assert_gradient(gradient, lambda at: network.error(at, x, y), w)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_through_every_activation(kind):
    network = network_of("softmax", "cross_entropy", activation=kind)
    w, x, y = example(network, seed=1)
    assert_gradient(network.gradient(w, x, y)[1], lambda at: network.error(at, x, y), w)


def test_neurons_with_activations_of_their_own():
    network = network_of().with_activations(PER_NEURON)
    w, x, y = example(network)
    assert_gradient(network.gradient(w, x, y)[1], lambda at: network.error(at, x, y), w)
    first = network.forward(w, x)
    np.testing.assert_allclose(first.h[0][:, 1], np.exp(-np.square(0.5 * first.z[0][:, 1])), rtol=1e-14)
    np.testing.assert_allclose(first.h[1], np.sin(0.7 * first.z[1]), rtol=1e-14)


def test_choices_may_come_as_lists():
    """As they do over the wire."""
    lists = [[list(choice) for choice in PER_NEURON[0]], list(PER_NEURON[1])]
    assert network_of().with_activations(lists) == network_of().with_activations(PER_NEURON)


def test_no_hidden_layer_is_linear_regression():
    network = network_of(hidden=(), bias=False)
    w, x, y = example(network)
    matrix = w.reshape(2, 3)
    np.testing.assert_allclose(network.gradient(w, x, y)[1], (x.T @ (x @ matrix - y)).ravel(), rtol=1e-12)


@every_head
@pytest.mark.parametrize("remainder", ["lead", "spread"])
def test_errors_and_gradients_of_parts_add_up_to_the_whole(output, loss, remainder):
    network = network_of(output, loss)
    w, x, y = example(network, rows=101)
    error, gradient = network.gradient(w, x, y)
    assert network.errors(w, x, y).sum() == pytest.approx(error, rel=1e-12)
    for parts in (1, 2, 3, 4, 7, 8, 200):
        ranges = split(101, parts, remainder=remainder)
        cut = [(x[part.start : part.stop], y[part.start : part.stop]) for part in ranges]
        assert sum(network.error(w, *part) for part in cut) == pytest.approx(error, rel=1e-12)
        total = sum(network.gradient(w, *part)[1] for part in cut)
        np.testing.assert_allclose(total, gradient, rtol=1e-12, atol=1e-13)


def test_a_numeric_gradient_by_slices_is_the_whole_bit_for_bit():
    network = network_of("softmax", "cross_entropy")
    w, x, y = example(network)
    whole = network.numeric_gradient(w, x, y, indices=range(network.size))
    np.testing.assert_allclose(whole, network.gradient(w, x, y)[1], atol=1e-7)
    for parts in (2, 3, 8):
        slices = [network.numeric_gradient(w, x, y, indices=part) for part in split(network.size, parts)]
        np.testing.assert_array_equal(np.concatenate(slices), whole)


def test_what_is_given_is_left_as_it_was():
    network = network_of("softmax", "cross_entropy")
    given = example(network)
    for array in given:
        array.setflags(write=False)
    network.gradient(*given)
    network.numeric_gradient(*given, indices=range(3))
    network.correct(*given)


def test_rows_held_in_float32_are_computed_in_float64():
    network = network_of()
    w, x, y = example(network)
    x = x.astype(np.float32)
    assert network.gradient(w, x, y)[1].dtype == np.float64
    assert network.error(w, x, y) == network.error(w, x.astype(np.float64), y)


def test_no_rows_have_no_error_and_no_gradient():
    network = network_of("softmax", "cross_entropy")
    w, x, y = example(network, rows=0)
    error, gradient = network.gradient(w, x, y)
    assert (error, network.correct(w, x, y)) == (0, 0)
    np.testing.assert_array_equal(gradient, np.zeros(network.size))


def passing(output, outputs):
    """A network that makes of each row o(row)."""
    network = network_of(output, inputs=outputs, hidden=(), outputs=outputs, bias=False)
    return network, np.eye(outputs).ravel()


def test_a_row_is_right_where_the_largest_output_is_the_class():
    network, w = passing("softmax", 3)
    x = np.array([[0.0, 1.0, 0.5], [2.0, 1.0, 0.5], [0.0, -1.0, 0.5]])
    assert network.correct(w, x, one_hot([1, 0, 0])) == 2


def test_outputs_that_all_round_to_one_still_have_a_largest():
    network, w = passing("sigmoid", 3)
    x = np.array([[50.0, 60.0, 55.0]])
    assert (network.outputs(w, x) == 1).all()
    assert network.correct(w, x, one_hot([1])) == 1


@pytest.mark.parametrize(("output", "x"), [("linear", [0.6, 0.4, 0.7]), ("sigmoid", [0.1, -0.1, 0.2])])
def test_one_output_is_right_on_the_right_side_of_a_half(output, x):
    network, w = passing(output, 1)
    assert network.correct(w, np.array(x)[:, None], np.array([[1.0], [0.0], [0.0]])) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w": np.zeros(4)}, r"weights: expected float64 \[54\], found float64 \[4\]"),
        ({"w": np.zeros(54, np.float32)}, r"weights: expected float64 \[54\], found float32"),
        ({"x": np.zeros((6, 3))}, r"x: expected \[rows, 2\], found \[6, 3\]"),
        ({"y": np.zeros((5, 3))}, r"y: expected \[6, 3\], .*, found \[5, 3\]"),
        ({"y": np.zeros(6)}, r"y: expected \[6, 3\], .*, found \[6\]"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, message):
    network = network_of()
    given = dict(zip("wxy", example(network), strict=True))
    with pytest.raises(TargetError, match=message):
        network.gradient(**{**given, **change})


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ([("tanh", 1.0)], "activations: expected 2, one a hidden layer, found 1"),
        ([[("tanh", 1.0)] * 4, ("tanh", 1.0)], "hidden layer 0: expected one, or 5, one a neuron, found 4"),
        ([("tanh", 1.0), ("step", 1.0)], "activation: expected one of .*, found 'step'"),
        ([("tanh", 1.0), ("sin", math.inf)], "activation sin: expected a finite coefficient, found inf"),
    ],
)
def test_activations_that_do_not_fit_are_refused(choices, message):
    with pytest.raises(TargetError, match=message):
        network_of().with_activations(choices)


@pytest.mark.parametrize("change", [{"hidden": (3, 0)}, {"inputs": 0}, {"outputs": 0}])
def test_a_layer_without_neurons_is_refused(change):
    with pytest.raises(TargetError, match="widths of the layers: expected 1 or more each, found"):
        network_of(**change)


def test_an_unknown_activation_is_refused_where_it_is_named():
    with pytest.raises(TargetError, match="found 'step'"):
        network_of(activation="step")
