"""Basin hopping: where hops begin, which are accepted, and how the step adapts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from touchline.targets.hops import accepts, adapted_step, hop_chance, hop_start


def test_hops_begin_anywhere_in_the_box_around_their_origin():
    x = np.array([3.0, -1.0])
    starts = np.array([hop_start(x, step=0.5, seed=1, number=number) for number in range(400)])
    assert np.abs(starts - x).max() <= 0.5
    assert np.abs(starts - x).max(axis=0).min() > 0.49
    assert len(np.unique(starts, axis=0)) == 400
    np.testing.assert_array_equal(x, [3, -1])


def test_the_chance_of_climbing_is_that_of_metropolis():
    """exp(−0.5 / 0.5) of 2,000 equal climbs, within 4 standard deviations."""
    taken = sum(
        accepts(1.5, 1.0, temperature=0.5, u=hop_chance(seed=0, number=number)) for number in range(2000)
    )
    p = math.exp(-1)
    assert abs(taken / 2000 - p) < 4 * math.sqrt(p * (1 - p) / 2000)


@pytest.mark.parametrize(
    ("f_new", "f_old", "temperature", "accepted"),
    [
        (1.0, 2.0, 0.0, True),
        (1.0, 1.0, 0.0, False),
        (1.0, 1.0, 1.0, True),
        (2.0, 1.0, 0.0, False),
        (1e9, 1.0, 1.0, False),
        (math.nan, 1.0, 1.0, False),
        (1.0, math.nan, 0.0, True),
        (math.nan, math.nan, 1.0, False),
        (math.inf, math.inf, 1.0, False),
    ],
)
def test_what_is_accepted_at_the_edges(f_new, f_old, temperature, accepted):
    assert accepts(f_new, f_old, temperature=temperature, u=0.5) == accepted


@pytest.mark.parametrize(
    ("accepted", "hops", "step"),
    [
        (0, 0, 1.0),
        (49, 49, 1.0),
        (40, 50, 1 / 0.9),
        (10, 50, 0.9),
        (25, 50, 1.0),
        (10, 51, 1.0),
        (90, 100, 1 / 0.9),
    ],
)
def test_the_step_nears_the_wanted_share_every_50_hops(accepted, hops, step):
    assert adapted_step(1.0, accepted=accepted, hops=hops) == pytest.approx(step, rel=1e-15)
