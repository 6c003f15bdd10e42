"""The serial walk of basin hopping: known minima, descent at temperature 0, Metropolis above it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hopping_walk import basin_hopping

from touchline.targets.hops import hop_chance, hop_start
from touchline.targets.local import minimize


def waves(x):
    """f = cos(14.5 x − 0.3) + (x + 0.2) x and its derivative: many minima, the lowest −1.0009 at −0.1951."""
    f = math.cos(14.5 * x[0] - 0.3) + (x[0] + 0.2) * x[0]
    return f, np.array([-14.5 * math.sin(14.5 * x[0] - 0.3) + 2 * x[0] + 0.2])


def local_min(x):
    return minimize(waves, x, iterations=100)


def walk(**changes):
    settings = {"hops": 40, "step": 0.5, "temperature": 0.0, "seed": 0}
    return basin_hopping(local_min, np.array([1.0]), **(settings | changes))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_the_global_minimum_is_found(temperature, seed):
    found = walk(temperature=temperature, seed=seed, hops=100)
    assert found.best[0] == pytest.approx(-0.1951, abs=1e-4)
    assert found.best_value == pytest.approx(-1.0009, abs=1e-4)
    assert found.values[0] > -0.5  # it did not begin there


@pytest.mark.parametrize("seed", range(5))
def test_at_temperature_0_the_walk_only_descends(seed):
    values = walk(seed=seed).values
    assert all(after <= before for before, after in itertools.pairwise(values))


def test_above_it_the_walk_climbs_too_and_the_best_is_kept_apart():
    found = walk(temperature=1.0, hops=100)
    assert any(after > before for before, after in itertools.pairwise(found.values))
    assert found.best_value == min(found.values)


def test_every_hop_has_a_leap_and_a_chance_of_its_own():
    """Replayed hop by hop, each from the point that the walk had then."""
    x, value, expected = *local_min(np.array([1.0]))[:2], []
    for number in range(20):
        y, y_value, _ = local_min(hop_start(x, step=0.5, seed=2, number=number))
        u = hop_chance(seed=2, number=number)
        if y_value < value or u < math.exp(value - y_value):
            x, value = y, y_value
        expected.append(value)
    assert walk(temperature=1.0, hops=20, seed=2).values[1:] == tuple(expected)


def test_a_walk_is_its_seeds_and_counts_its_evaluations():
    costs = []

    def counted(x):
        minimum = local_min(x)
        costs.append(minimum.evaluations)
        return minimum

    settings = {"hops": 20, "step": 0.5, "temperature": 1.0}
    first = basin_hopping(counted, np.array([1.0]), seed=3, **settings)
    assert first.evaluations == sum(costs)
    assert len(costs) == 21
    assert first.values == walk(seed=3, **settings).values
    assert first.values != walk(seed=4, **settings).values


def test_a_walk_that_accepts_nothing_narrows_its_hops():
    def flat(x):
        return x, 0.0, 1

    found = basin_hopping(flat, np.zeros(2), hops=100, step=1.0, temperature=0.0, seed=0)
    assert found.accepted == 0
    assert found.step == pytest.approx(0.81)
