"""RMSProp as Karpathy's pg-pong.py has it: five steps by hand, and how far a weight may come in one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from touchline.targets.optimizers import RMSProp

RATE, DECAY, EPSILON = 1e-4, 0.99, 1e-5
GRADIENTS = (3.0, -1.0, 0.0, 0.5, -4.0)


def by_hand(dtype):
    """c = 0.99 c + 0.01 g²; W += 1e-4 g / (sqrt(c) + 1e-5), c from 0: the ascent of the gist, for one weight."""
    kind = np.dtype(dtype).type
    w, c, trace = kind(0.25), kind(0), []
    for g in GRADIENTS:
        c = kind(DECAY) * c + kind(1 - DECAY) * kind(g) * kind(g)
        w = w + kind(RATE) * kind(g) / (np.sqrt(c) + kind(EPSILON))
        trace.append(float(w))
    return trace


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-15), ("float32", 1e-7)])
def test_five_steps(dtype, tolerance):
    optimizer, w, trace = RMSProp(1, decay=DECAY, epsilon=EPSILON, dtype=dtype), np.full(1, 0.25, dtype), []
    for g in GRADIENTS:
        optimizer.step(w, np.array([-g], dtype), learning_rate=RATE)  # ours descends
        trace.append(float(w[0]))
    np.testing.assert_allclose(trace, by_hand(dtype), rtol=0, atol=tolerance)


def test_the_first_of_them_in_figures():
    """c = 0.09, so the step is 3e-4 / 0.30001; a zero gradient moves nothing, and the next c is 0.99 of it."""
    trace = by_hand("float64")
    assert trace[0] == pytest.approx(0.25 + 3e-4 / 0.30001, rel=1e-14)
    assert trace[2] == trace[1]
    c = 0.99 * (0.99 * (0.99 * 0.09 + 0.01)) + 0.0025
    assert trace[3] - trace[2] == pytest.approx(0.5e-4 / (math.sqrt(c) + 1e-5), rel=1e-10)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_no_step_is_longer_than_rate_over_sqrt_of_1_less_decay(dtype):
    """c >= (1 − decay) g²: ten times the rate here, which a first gradient of any size all but reaches."""
    most = RATE / math.sqrt(1 - DECAY)
    assert most == pytest.approx(10 * RATE)
    rng = np.random.default_rng(0)
    optimizer = RMSProp(200, decay=DECAY, epsilon=EPSILON, dtype=dtype)
    w, longest = np.zeros(200, dtype), 0.0
    for scale in np.exp(rng.uniform(-5, 15, 50)):
        before = w.copy()
        optimizer.step(w, (scale * rng.standard_normal(200)).astype(dtype), learning_rate=RATE)
        longest = max(longest, float(np.abs(w - before).max()))
    assert 0.99 * most < longest <= most * (1 + 1e-3)


@pytest.mark.parametrize("lag", [1, 4, 16])
def test_weights_of_that_lag_are_within_ten_rates_a_version(lag):
    rng = np.random.default_rng(1)
    optimizer, w = RMSProp(50, decay=DECAY, epsilon=EPSILON, dtype="float64"), np.zeros(50)
    versions = [w.copy()]
    for _ in range(60):
        optimizer.step(w, rng.standard_normal(50) + 1.0, learning_rate=RATE)
        versions.append(w.copy())
    distances = [np.abs(u - v).max() for u, v in zip(versions[lag:], versions, strict=False)]
    assert max(distances) <= 10 * RATE * lag
    assert max(distances) > 2 * RATE * lag
