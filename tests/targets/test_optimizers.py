"""Optimisers against golden traces and by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from policy_numerics import proven

from touchline.targets.optimizers import SGD, Adam, RMSProp

GOLDEN = json.loads((Path(__file__).parent / "data" / "optimizer_traces.json").read_text())
MAKERS = {
    "adam": lambda size, dtype: Adam(size, beta1=0.9, beta2=0.999, epsilon=1e-8, dtype=dtype),
    "rmsprop": lambda size, dtype: RMSProp(size, decay=0.9, epsilon=1e-5, dtype=dtype),
    "sgd": lambda size, dtype: SGD(size, momentum=0.9, dtype=dtype),
}
each = pytest.mark.parametrize("rule", MAKERS)


def slope(w):
    """Of 0.5 (w1² + 10 w2²) + 0.1 w1 w2, the function of the golden traces."""
    return np.array([w[0] + 0.1 * w[1], 10 * w[1] + 0.1 * w[0]])


def trace_of(optimizer, steps, learning_rate):
    w = np.array(GOLDEN["w0"])
    trace = [w.copy()]
    for _ in range(steps):
        optimizer.step(w, slope(w), learning_rate=learning_rate)
        trace.append(w.copy())
    return trace


@pytest.mark.parametrize("rule", ["adam", "rmsprop"])
def test_the_golden_trace(rule):
    golden = GOLDEN[rule]["trace"]
    found = trace_of(MAKERS[rule](2, "float64"), len(golden) - 1, learning_rate=0.1)
    np.testing.assert_allclose(found, golden, rtol=0, atol=1e-12)


def test_heavy_ball_by_hand():
    """d = mu d + g from 0; w −= rate d: gradients 1, 1, 0 make steps 1, 1.5, 0.75 at mu = 0.5."""
    optimizer, w = SGD(1, momentum=0.5, dtype="float64"), np.zeros(1)
    trace = []
    for gradient in (1.0, 1.0, 0.0):
        optimizer.step(w, np.array([gradient]), learning_rate=0.1)
        trace.append(w[0])
    np.testing.assert_allclose(trace, [-0.1, -0.25, -0.325], rtol=1e-14)


def test_gradient_descent_forgets():
    optimizer, w = SGD(2, dtype="float64"), np.array([1.0, 2.0])
    for _ in range(3):
        optimizer.step(w, np.array([1.0, -1.0]), learning_rate=0.25)
    np.testing.assert_allclose(w, [0.25, 2.75], rtol=1e-14)


@given(npst.arrays(np.float64, (12, 3), elements=st.floats(-1e3, 1e3)), st.sampled_from([0.5, 0.9, 0.99]))
@proven(100)
def test_no_weight_of_rmsprop_moves_more_than_its_bound(gradients, decay):
    """c >= (1 − decay) g², so that a snapshot's distance in weights is bounded by its lag."""
    optimizer, w = RMSProp(3, decay=decay, epsilon=1e-8, dtype="float64"), np.zeros(3)
    for gradient in gradients:
        before = w.copy()
        optimizer.step(w, gradient, learning_rate=0.01)
        assert np.abs(w - before).max() <= 0.01 / np.sqrt(1 - decay) * (1 + 1e-12)


def test_the_bound_is_reached_by_a_first_step():
    optimizer, w = RMSProp(1, decay=0.99, epsilon=0.0, dtype="float64"), np.zeros(1)
    optimizer.step(w, np.array([-7.0]), learning_rate=1e-4)
    np.testing.assert_allclose(w, 1e-3, rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_adam_does_not_see_the_gradients_scale(scale):
    traces = []
    for factor in (1.0, scale):
        optimizer, w = Adam(2, beta1=0.9, beta2=0.999, epsilon=0.0, dtype="float64"), np.ones(2)
        for i in range(5):
            optimizer.step(w, factor * np.array([1.0 + i, -2.0 + i]) + factor, learning_rate=0.1)
        traces.append(w)
    np.testing.assert_allclose(traces[0], traces[1], rtol=1e-12)


@each
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_restored_it_goes_on_bit_for_bit(rule, dtype):
    rng = np.random.default_rng(0)
    gradients = rng.standard_normal((6, 4)).astype(dtype)
    whole, w = MAKERS[rule](4, dtype), np.ones(4, dtype)
    for gradient in gradients[:3]:
        whole.step(w, gradient, learning_rate=0.1)
    resumed, v, state = MAKERS[rule](4, dtype), w.copy(), whole.state()
    resumed.restore(state)
    for array in state.values():
        array[...] = 0  # what was saved or restored is nobody's buffer
    for gradient in gradients[3:]:
        whole.step(w, gradient, learning_rate=0.1)
        resumed.step(v, gradient, learning_rate=0.1)
    np.testing.assert_array_equal(v, w)
    assert w.dtype == dtype


@each
def test_parts_of_the_vector_do_not_touch(rule):
    rng = np.random.default_rng(1)
    gradients = rng.standard_normal((5, 6))
    whole, w = MAKERS[rule](6, "float64"), np.ones(6)
    halves, v = [MAKERS[rule](3, "float64") for _ in range(2)], np.ones(6)
    for gradient in gradients:
        whole.step(w, gradient, learning_rate=0.1)
        for half, part in zip(halves, (slice(0, 3), slice(3, 6)), strict=True):
            half.step(v[part], gradient[part], learning_rate=0.1)
    np.testing.assert_array_equal(v, w)


@each
def test_a_step_leaves_its_gradient_alone_and_a_zero_one_moves_nothing(rule):
    optimizer, w, gradient = MAKERS[rule](2, "float64"), np.ones(2), np.array([3.0, -1.0])
    optimizer.step(w, np.zeros(2), learning_rate=0.1)
    np.testing.assert_array_equal(w, 1)
    optimizer.step(w, gradient, learning_rate=0.1)
    np.testing.assert_array_equal(gradient, [3, -1])
    assert w[0] < 1 < w[1]
