"""The whole network: its backward pass from stored hidden states against finite differences of a loss."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from policy_numerics import ACTIVATIONS, assert_gradient, network_of, random_weights

from touchline.policy.network import POLICY_GAIN, TORSO_GAIN, VALUE_GAIN, Layer

SHAPES = list(itertools.product(ACTIVATIONS, range(4), (False, True), (False, True)))
every_shape = pytest.mark.parametrize(("activation", "depth", "shared", "gaussian"), SHAPES)
ROWS = 7


def forward(network, weights, x):
    """(hidden states as a Player would push them, head, values)."""
    hidden, head = network.policy_forward(weights, x)
    own, values = network.value_forward(weights, x, policy_hidden=hidden)
    return [*hidden, *own], head, values


def example(activation, depth, shared, gaussian, seed=0):
    rng = np.random.default_rng(seed)
    network = network_of(depth=depth, activation=activation, shared=shared, gaussian=gaussian)
    x = rng.standard_normal((ROWS, 3))
    d_head, d_values = rng.standard_normal((ROWS, network.head_size)), rng.standard_normal(ROWS)
    return network, random_weights(network, rng), x, d_head, d_values


def gradient_of(network, weights, x, hidden, d_head, d_values, **kwargs):
    gradient = network.bind(np.zeros(network.layout.size))
    network.backward(weights, x, hidden, d_head=d_head, d_values=d_values, gradient=gradient, **kwargs)
    return gradient.flat


@every_shape
def test_backward_from_stored_hidden_states(activation, depth, shared, gaussian):
    network, weights, x, d_head, d_values = example(activation, depth, shared, gaussian)
    hidden = forward(network, weights, x)[0]

    def loss(flat):
        _, head, values = forward(network, network.bind(flat), x)
        return float((d_head * head).sum() + d_values @ values)

    assert_gradient(gradient_of(network, weights, x, hidden, d_head, d_values), loss, weights.flat)


@every_shape
def test_the_hidden_states_are_those_that_the_shapes_promise(activation, depth, shared, gaussian):
    network, weights, x, *_ = example(activation, depth, shared, gaussian)
    hidden, head, values = forward(network, weights, x)
    assert tuple(layer.shape[1:] for layer in hidden) == network.kept
    assert head.shape == (ROWS, network.head_size)
    assert values.shape == (ROWS,)


@pytest.mark.parametrize(
    ("keep_hidden", "shared", "noted"),
    [(True, False, [0, 1]), (True, True, [0, 1]), (False, False, []), (False, True, [1])],
)
def test_what_playing_notes_of_the_hidden_states(keep_hidden, shared, noted):
    network, *_ = example("tanh", 2, shared, False)
    assert network.noted(keep_hidden=keep_hidden) == tuple(network.policy_kept[i] for i in noted)


@pytest.mark.parametrize("shared", [False, True])
def test_a_forward_pass_layer_by_layer(shared):
    network, weights, x, *_ = example("tanh", 2, shared, False)
    named = network.layout.views(weights.flat)

    def torso(name):
        h = x
        for i in range(2):
            h = np.tanh(h @ named[f"{name}/{i}/weight"] + named[f"{name}/{i}/bias"])
        return h

    policy, value = (torso("torso"),) * 2 if shared else (torso("policy"), torso("value"))
    _, head, values = forward(network, weights, x)
    np.testing.assert_allclose(
        head, policy @ named["policy/head/weight"] + named["policy/head/bias"], rtol=1e-12
    )
    np.testing.assert_allclose(
        values, (value @ named["value/head/weight"] + named["value/head/bias"])[:, 0], rtol=1e-12
    )


def test_a_shared_torso_gives_the_same_values_with_the_policys_states_and_without():
    network, weights, x, *_ = example("elu", 2, True, False)
    own, values = network.value_forward(weights, x)
    assert own == []
    np.testing.assert_array_equal(values, forward(network, weights, x)[2])


def test_a_gaussian_head_is_means_then_the_same_log_deviations_in_every_row():
    network, weights, x, *_ = example("tanh", 1, False, True)
    _, head, _ = forward(network, weights, x)
    np.testing.assert_array_equal(head[:, 2:], np.tile(weights.log_std, (ROWS, 1)))
    out = np.empty_like(head)
    assert network.policy_forward(weights, x, head_out=out)[1] is out
    np.testing.assert_array_equal(out, head)


@pytest.mark.parametrize("gaussian", [False, True])
def test_buffers_given_are_the_buffers_filled(gaussian):
    network, weights, x, *_ = example("relu", 2, False, gaussian)
    hidden, head, values = forward(network, weights, x)
    policy_out, value_out = [np.empty_like(h) for h in hidden[:2]], [np.empty_like(h) for h in hidden[2:]]
    head_out = np.empty_like(head)
    network.policy_forward(weights, x, hidden_out=policy_out, head_out=head_out)
    again = network.value_forward(weights, x, hidden_out=value_out)[1]
    for found, expected in zip(
        [*policy_out, *value_out, head_out, again], [*hidden, head, values], strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@every_shape
def test_backward_adds_up_over_its_rows_and_changes_nothing_it_was_given(activation, depth, shared, gaussian):
    network, weights, x, d_head, d_values = example(activation, depth, shared, gaussian)
    hidden = forward(network, weights, x)[0]
    given = [x, d_head, d_values, *hidden]
    kept = [array.copy() for array in given]
    whole = gradient_of(network, weights, x, hidden, d_head, d_values)
    gradient = network.bind(np.zeros(network.layout.size))
    for part in (slice(0, 3), slice(3, ROWS)):
        network.backward(
            weights,
            x[part],
            [h[part] for h in hidden],
            d_head=d_head[part],
            d_values=d_values[part],
            gradient=gradient,
        )
    np.testing.assert_allclose(gradient.flat, whole, rtol=1e-11, atol=1e-12)
    for array, before in zip(given, kept, strict=True):
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("shared", [False, True])
def test_backward_never_reads_the_first_layers_weights(shared):
    """Which is why a snapshot's first layer, the largest, need not be kept."""
    network, weights, x, d_head, d_values = example("tanh", 2, shared, False)
    hidden = forward(network, weights, x)[0]
    before = gradient_of(network, weights, x, hidden, d_head, d_values)
    weights.policy_torso["0/weight"][...] = np.nan
    weights.value_torso["0/weight"][...] = np.nan
    np.testing.assert_array_equal(gradient_of(network, weights, x, hidden, d_head, d_values), before)


@pytest.mark.parametrize(("depth", "shared"), list(itertools.product(range(3), (False, True))))
def test_another_value_head_is_as_if_the_weights_had_it(depth, shared):
    network, weights, x, d_head, d_values = example("tanh", depth, shared, False)
    hidden = forward(network, weights, x)[0]
    rng = np.random.default_rng(8)
    other = Layer(
        *(rng.standard_normal(a.shape) for a in (weights.value_head.weight, weights.value_head.bias))
    )
    mixed = network.bind(weights.flat.copy())
    mixed.value_head.weight[...] = other.weight
    found = gradient_of(network, weights, x, hidden, d_head, d_values, value_head=other)
    np.testing.assert_array_equal(found, gradient_of(network, mixed, x, hidden, d_head, d_values))


@every_shape
def test_initial_weights_have_their_gains(activation, depth, shared, gaussian):
    network = network_of(depth=depth, activation=activation, shared=shared, gaussian=gaussian)
    flat = network.init(np.random.default_rng(0))
    assert flat.dtype == np.float32
    for name, view in network.layout.views(flat).items():
        if name == "policy/log_std":
            np.testing.assert_array_equal(view, np.float32(-0.5))
        elif name.endswith("bias"):
            np.testing.assert_array_equal(view, 0)
        else:
            gain = {"policy/head/weight": 0.01, "value/head/weight": 1.0}.get(name, math.sqrt(2))
            np.testing.assert_allclose(np.linalg.svd(view, compute_uv=False), gain, rtol=1e-5)


def test_the_gains_are_those_of_the_design():
    gains = TORSO_GAIN, POLICY_GAIN, VALUE_GAIN
    assert gains == (math.sqrt(2), 0.01, 1.0)


def test_equal_generators_begin_equally():
    network = network_of()
    first, second, third = (network.init(np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != third).any()


def test_bound_layers_are_views_and_shared_ones_are_one():
    network = network_of(shared=True)
    weights = network.bind(np.zeros(network.layout.size))
    weights.value_torso["1/weight"][...] = 3
    np.testing.assert_array_equal(weights.policy_torso["1/weight"], 3)
    assert np.count_nonzero(weights.flat) == weights.policy_torso["1/weight"].size
    with pytest.raises(ValueError, match=r"expected shape .*, found"):
        network.bind(np.zeros(network.layout.size + 1))
