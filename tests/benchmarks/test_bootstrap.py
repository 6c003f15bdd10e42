"""Interquartile means and stratified intervals, against references written from the paper."""

from __future__ import annotations

import numpy as np
import pytest
from lagstudy.bootstrap import band, estimate, interquartile_mean


def naive_iqm(scores):
    """Sort, leave out a quarter (rounded down) at either end, take the mean."""
    ordered = sorted(float(score) for score in np.ravel(scores))
    cut = int(0.25 * len(ordered))
    kept = ordered[cut : len(ordered) - cut]
    return sum(kept) / len(kept)


def naive_interval(scores, drawn, level):
    """The percentile interval: each resample takes, within each task, the runs that ``drawn`` names."""
    means = []
    for resample in drawn:
        chosen = [scores[task][run] for task, runs in enumerate(resample) for run in runs]
        means.append(naive_iqm(chosen))
    return np.quantile(means, [(1 - level) / 2, (1 + level) / 2])


@pytest.mark.parametrize("n", range(1, 12))
def test_the_mean_of_the_middle_half(n):
    scores = np.random.default_rng(n).normal(size=(3, n))
    assert interquartile_mean(scores) == pytest.approx([naive_iqm(row) for row in scores])


def test_what_is_far_out_does_not_count():
    assert interquartile_mean(np.array([1.0, 2.0, 3.0, 1e9])) == 2.5
    assert interquartile_mean(np.array([-1e9, 2.0, 3.0, 4.0])) == 2.5


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_the_interval_is_the_naive_one_over_the_same_draws(level):
    scores = np.random.default_rng(0).normal(size=(3, 7)) * [[1], [5], [20]]
    found = estimate(scores, rng=np.random.default_rng(4), resamples=200, level=level)
    drawn = np.random.default_rng(4).integers(7, size=(200, 3, 7))
    assert found.value == pytest.approx(naive_iqm(scores))
    assert [found.low, found.high] == pytest.approx(naive_interval(scores, drawn, level))


def test_runs_are_drawn_within_their_task_alone():
    """Were tasks mixed, the mean of two constant tasks would vary; stratified, it cannot."""
    scores = np.array([[0.0] * 6, [10.0] * 6])
    found = estimate(scores, rng=np.random.default_rng(0), resamples=100)
    assert tuple(found) == (5.0, 5.0, 5.0)


def test_the_interval_holds_the_true_mean_about_as_often_as_it_says():
    rng, held = np.random.default_rng(1), 0
    for _ in range(200):
        found = estimate(rng.normal(3.0, 2.0, size=(1, 20)), rng=rng, resamples=300)
        held += bool(found.low <= 3.0 <= found.high)
    assert 170 <= held <= 198  # 190 expected; the percentile interval is a little narrow at 20 runs


def test_the_order_of_runs_and_a_shift_change_nothing_else():
    scores = np.random.default_rng(2).normal(size=(1, 20))
    one = estimate(scores, rng=np.random.default_rng(0))
    moved = estimate(scores + 7, rng=np.random.default_rng(0))
    assert np.array(moved) == pytest.approx(np.array(one) + 7)
    assert interquartile_mean(scores[:, ::-1]) == pytest.approx(interquartile_mean(scores))


def test_a_band_is_the_estimate_at_every_point_of_the_same_drawn_curves():
    curves = np.random.default_rng(3).normal(size=(9, 4))
    found = band(curves, rng=np.random.default_rng(5), resamples=150)
    drawn = np.random.default_rng(5).integers(9, size=(150, 9))
    for x in range(4):
        assert found.value[x] == pytest.approx(naive_iqm(curves[:, x]))
        low, high = naive_interval(curves[None, :, x], drawn[:, None, :], 0.95)
        assert (found.low[x], found.high[x]) == pytest.approx((low, high))


def test_one_run_has_an_interval_of_no_width():
    assert tuple(estimate(np.array([[4.0]]), rng=np.random.default_rng(0))) == (4.0, 4.0, 4.0)
