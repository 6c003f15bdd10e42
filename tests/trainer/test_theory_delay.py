"""A delayed quadratic, sharply: gradient descent with lag tau is stable iff rate · lambda < 2 sin(π / (2 (2 tau + 1))).

The weights step with our own optimiser, against gradients at the snapshot of ``tau`` versions ago, taken from our own
ring: what ``reuse`` does, on the one problem whose bound is known in closed form.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from policy_trajectories import policy_of

from touchline.policy.normalizer import Statistics
from touchline.policy.policy import Snapshot
from touchline.targets.optimizers import SGD, RMSProp
from touchline.trainer.ring import Ring

LAGS = range(5)
CURVATURE = 0.7


def bound(lag):
    """Of rate · lambda: 2, 1, 0.618, 0.445, 0.347, ..."""
    return 2 * math.sin(math.pi / (2 * (2 * lag + 1)))


def largest_root(step, lag):
    """The modulus of z^(tau+1) − z^tau + rate·lambda's largest root: below 1 where the iteration is stable."""
    coefficients = np.zeros(lag + 2)
    coefficients[0], coefficients[1], coefficients[-1] = 1, -1, coefficients[-1] + step
    if lag == 0:
        coefficients = np.array([1.0, step - 1])
    return np.abs(np.roots(coefficients)).max()


class Descent:
    """Versions of one snapshot after another, float64: version 0 at 1, each update late by ``lag`` versions."""

    def __init__(self, optimizer_of, lag):
        self.policy = policy_of(hidden=())
        self.size = self.policy.network.layout.size
        self.optimizer, self.lag = optimizer_of(self.size), lag
        self.ring = Ring(lag + 2)
        self.ring.push(self.snapshot(0, np.ones(self.size)))

    def snapshot(self, version, flat):
        return Snapshot.of(self.policy, 0, version, flat, Statistics.empty(self.policy.features))

    def update(self, rate, curvature):
        live = self.ring.live
        played = self.ring[max(0, live.version - self.lag)]
        weights = live.weights.flat.copy()
        self.optimizer.step(weights, curvature * played.weights.flat, learning_rate=rate)
        self.ring.push(self.snapshot(live.version + 1, weights))
        return played

    @property
    def distance(self):
        return float(np.abs(self.ring.live.weights.flat).max())


def descended(lag, share, *, steps=10_000):
    """The distance from the optimum after so many updates at a share of the bound, or when beyond 10^6."""
    descent = Descent(lambda size: SGD(size, dtype="float64"), lag)
    for _ in range(steps):
        descent.update(share * bound(lag) / CURVATURE, CURVATURE)
        if descent.distance > 1e6:
            break
    return descent.distance


def test_the_bounds_known():
    np.testing.assert_allclose([bound(lag) for lag in LAGS], [2, 1, 0.618, 0.445, 0.347], atol=5e-4)


@pytest.mark.parametrize("lag", range(9))
def test_the_bound_is_where_the_largest_root_leaves_the_unit_circle(lag):
    assert largest_root(bound(lag), lag) == pytest.approx(1, abs=1e-7)
    assert largest_root(0.99 * bound(lag), lag) < 1 < largest_root(1.01 * bound(lag), lag)


@pytest.mark.parametrize("lag", LAGS)
def test_just_below_the_bound_it_converges(lag):
    assert descended(lag, 0.99) < 1e-3


@pytest.mark.parametrize("lag", LAGS)
def test_just_above_it_diverges(lag):
    assert descended(lag, 1.01) > 1e3


@pytest.mark.parametrize("lag", [1, 4])
def test_momentum_moves_the_bound_down(lag):
    """Why heavy-ball momentum is refused under lag: a rate that is safe without it is not with it."""
    for momentum, stable in ((0.0, True), (0.9, False)):
        descent = Descent(lambda size, mu=momentum: SGD(size, momentum=mu, dtype="float64"), lag)
        for _ in range(400):
            descent.update(0.5 * bound(lag) / CURVATURE, CURVATURE)
        assert (descent.distance < 1) is stable


@pytest.mark.parametrize("lag", [0, 1, 4, 8])
def test_rmsprop_bounds_the_distance_by_the_lag(lag):
    """max |W_u − W_v| <= lag · rate / sqrt(1 − decay): the staleness of a snapshot, in weights."""
    rate, decay = 1e-3, 0.99
    descent = Descent(lambda size: RMSProp(size, decay=decay, epsilon=1e-5, dtype="float64"), lag)
    widest = 0.0
    for _ in range(500):
        live = descent.ring.live
        played = descent.update(rate, CURVATURE)
        distance = float(np.abs(live.weights.flat - played.weights.flat).max())
        assert distance <= lag * rate / math.sqrt(1 - decay) * (1 + 1e-12)
        widest = max(widest, distance)
    assert (widest > 0.3 * lag * rate / math.sqrt(1 - decay)) or lag == 0
