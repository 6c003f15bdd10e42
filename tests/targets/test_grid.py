"""The grid: each point once, whoever enumerates which part; its minimum; its error in one dimension."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from touchline.targets.best import best_of, merged
from touchline.targets.errors import TargetError
from touchline.targets.grid import Grid
from touchline.targets.splitting import split

GRID = Grid.of([-1.0, 0.0, 2.0], [1.0, 0.5, 2.0], [0.5, 0.25, 1.0], 3)
workers = pytest.mark.parametrize("count", [1, 2, 3, 5, 8])


@workers
def test_every_point_of_the_product_is_visited_once(count):
    axes = [[-1.0, -0.5, 0.0, 0.5, 1.0], [0.0, 0.25, 0.5], [2.0]]
    assert GRID.counts == (5, 3, 1)
    assert (GRID.total, GRID.size) == (15, 3)
    visited = np.concatenate([GRID.points(part) for part in split(GRID.total, count)])
    assert sorted(map(tuple, visited)) == sorted(itertools.product(*axes))


def test_a_point_is_that_of_its_range_bit_for_bit():
    grid = Grid.of(-0.7, 0.9, 0.13, 4)
    points = grid.points(range(1000, 1100))
    for number, point in zip(range(1000, 1100), points, strict=True):
        np.testing.assert_array_equal(grid.point(number), point)


@pytest.mark.parametrize(
    ("low", "high", "step", "count"),
    [(2, 3, 0.3, 4), (0, 0.3, 0.1, 4), (-1, 1, 0.1, 21), (0, 1, 2, 1), (5, 5, 1, 1), (0, 1, 1 / 3, 4)],
)
def test_the_count_of_points_between_the_bounds(low, high, step, count):
    assert Grid.of(low, high, step, 2).counts == (count, count)


def test_totals_are_exact_beyond_64_bits():
    grid = Grid.of(-1, 1, 0.5, 60)
    assert grid.total == 5**60
    np.testing.assert_array_equal(grid.point(grid.total - 1), np.ones(60))
    np.testing.assert_array_equal(grid.points(range(5**59, 5**59 + 1))[0, -2:], [-1, -0.5])


@workers
def test_the_minimum_of_the_grid_is_found_whoever_looks_where(count):
    grid = Grid.of(-1, 1, 0.25, 3)
    centre = np.array([0.3, -0.6, 0.9])

    def values(part):
        return np.square(grid.points(part) - centre).sum(axis=1)

    parts = [part for part in split(grid.total, count, remainder="lead") if part]
    best = merged(best_of(values(part), part) for part in reversed(parts))
    np.testing.assert_array_equal(grid.point(best.number), [0.25, -0.5, 1.0])
    assert best.value == values(range(grid.total)).min()


@pytest.mark.parametrize("inner", [1, 2, 3, 7, 20, 99])
def test_in_one_dimension_the_error_is_at_most_one_gap(inner):
    """K interior points cut [a, b] into K + 1 gaps: |best − x*| <= (b − a) / (K + 1) for a single valley."""
    gap = 2 / (inner + 1)
    grid = Grid.of(-1 + gap, 1 - gap, gap, 1)
    assert grid.total == inner
    points = grid.points(range(inner))
    best = points[np.argmin(np.abs(points[:, 0] - 0.3)), 0]
    assert abs(best - 0.3) <= gap


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ((0, 1, 0, 2), "step: expected a number above 0, found 0"),
        ((0, 1, 1e-17, 2), "widen it"),
        ((1, 0, 0.5, 2), "high: expected at least low, 1, found 0"),
        ((0, [1, 2, 3], 0.5, 2), "high: expected one number, or one for each of 2 weights, found 3"),
        ((float("nan"), 1, 0.5, 2), "low: expected finite"),
        ((0, [1, float("inf")], 0.5, 2), "high: expected finite"),
    ],
)
def test_bounds_that_make_no_grid_are_told(bounds, told):
    with pytest.raises(TargetError, match=told):
        Grid.of(*bounds)
