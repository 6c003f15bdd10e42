"""Random points by number, and the Monte-Carlo search that they make."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from touchline.targets.best import best_of, merged
from touchline.targets.draws import (
    BATCHES,
    CHANCE,
    FIRST,
    HOP,
    NORMAL,
    ORDER,
    UNIFORM,
    draw,
    draws,
    normal_draw,
    normal_draws,
    stream,
)
from touchline.targets.splitting import split


def bowl(points):
    return np.square(points - np.array([0.5, -0.25, 0.1])).sum(axis=-1)


def search(*, seed, iterations, per_iteration, workers, radius=0.5):
    """(error after each iteration, the point): each worker evaluates its part of the draws."""
    w = np.zeros(3)
    errors = [float(bowl(w))]
    for iteration in range(iterations):
        found = []
        for part in split(per_iteration, workers):
            if part:
                points = w + radius * draws(seed=seed, iteration=iteration, numbers=part, size=3)
                found.append(best_of(bowl(points), part))
        best = merged(reversed(found))
        if best.value < errors[-1]:
            w = w + radius * draw(seed=seed, iteration=iteration, number=best.number, size=3)
        errors.append(float(bowl(w)))
    return errors, w


@pytest.mark.parametrize(("seed", "iteration", "number"), [(0, 0, 0), (7, 3, 11), (2**63 + 5, 2**40, 2**33)])
def test_a_draw_is_philox_at_its_counter(seed, iteration, number):
    counter = np.array([0, 0, iteration, number], np.uint64)
    expected = np.random.Generator(np.random.Philox(key=seed, counter=counter)).uniform(-1, 1, 5)
    np.testing.assert_array_equal(draw(seed=seed, iteration=iteration, number=number, size=5), expected)


@pytest.mark.parametrize(("one", "many"), [(draw, draws), (normal_draw, normal_draws)])
def test_a_range_of_draws_is_each_draw(one, many):
    found = many(seed=3, iteration=2, numbers=range(5, 9), size=4)
    expected = [one(seed=3, iteration=2, number=number, size=4) for number in range(5, 9)]
    np.testing.assert_array_equal(found, expected)
    assert many(seed=3, iteration=2, numbers=range(5, 5), size=4).shape == (0, 4)


@pytest.mark.parametrize("one", [draw, normal_draw])
def test_seed_iteration_and_number_each_make_another_draw(one):
    large = 2**63
    corners = itertools.product((0, 1, large, large + 1), repeat=3)
    drawn = {one(seed=s, iteration=t, number=k, size=3).tobytes() for s, t, k in corners}
    assert len(drawn) == 64


def test_no_kind_of_draw_is_made_of_anothers_bits():
    kinds = (UNIFORM, NORMAL, HOP, CHANCE, FIRST, BATCHES, ORDER)
    drawn = {stream(kind, seed=1, iteration=2, number=3).bytes(16) for kind in kinds}
    assert len(drawn) == len(kinds)


def test_a_shorter_draw_is_the_beginning_of_a_longer_one():
    short, long = (draw(seed=1, iteration=0, number=0, size=size) for size in (3, 9))
    np.testing.assert_array_equal(short, long[:3])


def test_draws_have_the_moments_of_their_distributions():
    uniform = draws(seed=5, iteration=0, numbers=range(2000), size=10)
    normal = normal_draws(seed=5, iteration=0, numbers=range(2000), size=10)
    assert np.abs(uniform).max() <= 1
    for sample, variance in ((uniform, 1 / 3), (normal, 1.0)):
        assert abs(sample.mean()) < 4 * np.sqrt(variance / sample.size)
        assert sample.var() == pytest.approx(variance, rel=0.05)


def test_the_error_of_a_search_never_rises():
    errors, _ = search(seed=0, iterations=40, per_iteration=8, workers=1)
    assert all(after <= before for before, after in itertools.pairwise(errors))
    assert errors[-1] < 0.05 * errors[0]


@pytest.mark.parametrize("workers", [2, 3, 5, 8])
def test_who_draws_what_changes_nothing(workers):
    alone, w = search(seed=0, iterations=40, per_iteration=8, workers=1)
    shared, v = search(seed=0, iterations=40, per_iteration=8, workers=workers)
    assert shared == alone
    np.testing.assert_array_equal(v, w)


@pytest.mark.parametrize("n", [1, 2, 4, 8])
def test_n_draws_improve_with_the_probability_of_n_independent_ones(n):
    """1 − (1 − p)^n, p being the share of the box that is better: here u_0 > 0.6, that is p = 0.2."""
    trials = 2000
    improved = sum(
        draws(seed=9, iteration=trial, numbers=range(n), size=2)[:, 0].max() > 0.6 for trial in range(trials)
    )
    expected = 1 - 0.8**n
    assert abs(improved / trials - expected) < 4 * np.sqrt(expected * (1 - expected) / trials)
