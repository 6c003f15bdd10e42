"""One cell of the lag study: its curve, its scores, its exact lag."""

from __future__ import annotations

import numpy as np
import pytest
from lagstudy import running
from lagstudy.design import Cell
from lagstudy.running import curve_of, run_cell, scores

from touchline.record import LagLine, ResultLine, UpdateLine


def result(steps, *returns):
    return ResultLine(seconds=0.0, steps=steps, player="p", seq=0, version=0, returns=list(returns))


def test_a_curve_is_the_mean_of_what_ended_in_each_part():
    lines = [result(0, 1.0, 3.0), result(30, 5.0), result(60, 7.0), result(99, 9.0)]
    assert curve_of(lines, steps=100, points=4).tolist() == [2.0, 5.0, 7.0, 9.0]


def test_a_part_in_which_nothing_ended_has_the_value_before_it_and_the_first_that_after_it():
    lines = [result(30, 5.0), result(99, 9.0)]
    assert curve_of(lines, steps=100, points=4).tolist() == [5.0, 5.0, 5.0, 9.0]


def test_a_result_counts_by_its_episodes():
    lines = [result(0, 1.0), result(1, 4.0, 4.0, 4.0), result(2)]
    assert curve_of(lines, steps=10, points=1).tolist() == [3.25]


def test_what_ends_with_the_run_is_in_its_last_part():
    assert curve_of([result(100, 2.0)], steps=100, points=5).tolist() == [2.0] * 5


def test_a_run_in_which_nothing_ended_has_no_curve():
    assert np.isnan(curve_of([result(5)], steps=10, points=3)).all()


def test_scores_are_the_mean_the_last_tenth_and_the_best_tenth():
    curve = np.concatenate([np.zeros(30), np.full(6, 10.0), np.ones(24)])
    assert scores(curve) == {"area": pytest.approx(84 / 60, abs=1e-3), "final": 1.0, "best": 10.0}


def update(version, *lags):
    lag = LagLine(values=list(lags))
    return UpdateLine(
        update=version, version=version, seconds=0, steps=0, episodes=0, gradient_steps=0, lag=lag
    )


def test_another_lag_than_the_injected_one_is_an_error():
    running._check_lags([update(1, 0, 0), update(2, 1), update(3, 2, 2), update(4, 2)], 2)
    with pytest.raises(RuntimeError, match=r"update 4: expected lag 2, found \[2, 3\]"):
        running._check_lags([update(4, 2, 3)], 2)


@pytest.fixture
def small(monkeypatch):
    """CartPole's task, a hundredth of it."""
    from lagstudy.design import TASKS

    values = {**TASKS["cartpole"].values, "players.lanes": 8, "stop.steps": 1500}
    monkeypatch.setitem(
        TASKS, "cartpole", type(TASKS["cartpole"])("cartpole", 20, 128, 1500, values, lags=(0, 2))
    )


def test_a_cell_is_the_same_every_time_and_says_what_it_was(small):
    cell = Cell("cartpole", "reuse", 4e-3, 2, 5)
    first, second = run_cell(cell), run_cell(cell)
    for row in (first, second):
        for name in ("seconds", "play_seconds", "learn_seconds"):
            assert row.pop(name) > 0
    assert first == second
    assert {name: first[name] for name in ("task", "method", "rate", "lag", "seed")} == {
        "task": "cartpole",
        "method": "reuse",
        "rate": 4e-3,
        "lag": 2,
        "seed": 5,
    }
    assert first["steps"] >= 1500
    assert first["updates"] == first["gradient_steps"] > 8
    assert len(first["curve"]) == running.POINTS


def test_a_cell_is_timed_by_the_clock_that_it_is_given(small):
    ticks = iter(range(10**6))
    row = run_cell(Cell("cartpole", "reuse", 4e-3, 2, 5), clock=lambda: float(next(ticks)))
    assert (
        row["seconds"] == int(row["seconds"]) > row["play_seconds"] + row["learn_seconds"] >= row["updates"]
    )


def test_without_lag_the_single_pass_methods_are_one(small):
    curves = [
        run_cell(Cell("cartpole", name, 1e-3, 0, 0))["curve"]
        for name in ("reuse", "live", "recompute", "clip")
    ]
    assert curves[0] == curves[1] == curves[2] == curves[3]
