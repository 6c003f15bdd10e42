from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.record.curves import FEWEST, MAX_POINTS, PER_BIN, Curve, across, rates, rolling


def naive(x: np.ndarray, values: np.ndarray, window: int) -> dict[float, tuple[float, float, float]]:
    """Every point by its definition, keyed by x."""
    points = {}
    for end in range(min(FEWEST, len(x)), len(x) + 1):
        part = values[max(0, end - window) : end]
        points[float(x[end - 1])] = (np.mean(part), np.quantile(part, 0.1), np.quantile(part, 0.9))
    return points


@given(
    gaps=st.lists(st.integers(0, 3), min_size=1, max_size=60),
    window=st.integers(1, 30),
    seed=st.integers(0, 5),
)
def test_rolling_against_its_definition(gaps: list[int], window: int, seed: int) -> None:
    x = np.cumsum(gaps).astype(float)
    values = np.random.default_rng(seed).normal(size=len(x))
    curve = rolling(x, values, window=window)
    expected = naive(x, values, window)
    assert curve.x.tolist() == list(expected)
    for place, *found in zip(curve.x, curve.line, curve.low, curve.high, strict=True):
        np.testing.assert_allclose(found, expected[float(place)], atol=1e-12)


def test_a_long_run_is_thinned_and_keeps_its_end() -> None:
    x = np.arange(10_000.0)
    curve = rolling(x, x, window=100)
    assert len(curve.x) == MAX_POINTS
    assert curve.x[-1] == 9_999
    assert curve.line[-1] == pytest.approx(np.mean(x[-100:]))


def test_each_place_is_one_point() -> None:
    curve = rolling(np.repeat([1.0, 2.0], 20), np.arange(40.0), window=5)
    assert curve.x.tolist() == [1, 2]
    assert curve.line.tolist() == [17, 37]


def test_no_episodes_make_no_curve() -> None:
    assert len(rolling(np.zeros(0), np.zeros(0), window=5).x) == 0


def line(x: list[float], y: list[float]) -> Curve:
    values = np.array(y)
    return Curve(x=np.array(x), line=values, low=values - 1, high=values + 1)


def test_across_is_the_mean_and_the_range() -> None:
    curve = across([line([0, 10], [0, 10]), line([0, 10], [0, 20])])
    np.testing.assert_allclose(curve.line, 1.5 * curve.x)
    np.testing.assert_allclose(curve.low, curve.x)
    np.testing.assert_allclose(curve.high, 2 * curve.x)


def test_a_run_that_ended_keeps_its_last_value() -> None:
    curve = across([line([0, 5], [0, 100]), line([0, 10], [0, 0])])
    assert curve.x[-1] == 10
    assert curve.line[-1] == 50
    assert curve.high[-1] == 100


def test_the_axis_starts_where_all_have_begun() -> None:
    assert across([line([0, 10], [0, 0]), line([4, 10], [0, 0])]).x[0] == 4


def test_rates_of_a_steady_total() -> None:
    seconds = np.linspace(1, 11, 101)
    x, y = rates(seconds, 250 * seconds)
    np.testing.assert_allclose(y, 250)
    assert len(x) == 101 // PER_BIN
    assert 1 < x[0] < x[-1] < 11


def test_rates_add_up_to_what_was_gained() -> None:
    seconds = np.cumsum(np.random.default_rng(0).random(500))
    totals = np.cumsum(np.random.default_rng(1).random(500))
    x, y = rates(seconds, totals)
    span = (seconds[-1] - seconds[0]) / len(x)
    assert np.sum(y) * span == pytest.approx(totals[-1] - totals[0])


@pytest.mark.parametrize("seconds", [[], [1.0], [1.0, 1.0]])
def test_too_little_for_a_rate(seconds: list[float]) -> None:
    x, y = rates(np.array(seconds), np.arange(float(len(seconds))))
    assert len(x) == len(y) == 0


def test_few_records_make_one_rate() -> None:
    x, y = rates(np.array([0.0, 2.0]), np.array([0.0, 10.0]))
    assert (x.tolist(), y.tolist()) == ([1.0], [5.0])
