"""Finished cells on disk: nothing is run twice, and rates are chosen by complete sweeps alone."""

from __future__ import annotations

import math
import time
from dataclasses import asdict

import pytest
from lagstudy.cells import Cells, best_rate, chosen_rates, swept
from lagstudy.design import RATES, TASKS, TUNING_LAGS, TUNING_SEEDS, Cell, sweep

from touchline.envs.errors import EnvironmentFault

BEST = {"reuse": RATES[1], "ppo": RATES[2]}


def fake(cell):
    """A row whose area falls with the distance from the method's best rate."""
    area = 100 - 50 * abs(math.log2(cell.rate / BEST.get(cell.method, RATES[0]))) - cell.lag
    return {**asdict(cell), "area": area}


def cell(seed=0, **changes):
    return Cell(
        **{"task": "cartpole", "method": "reuse", "rate": RATES[0], "lag": 0, "seed": seed, **changes}
    )


@pytest.fixture
def cells(tmp_path):
    return Cells(tmp_path / "deep" / "cells.jsonl")


def run(cells, wanted, *, until=math.inf):
    told = []
    done = cells.run(wanted, jobs=1, until=until, told=told.append, runner=fake)
    return done, told


def test_what_is_missing_is_run_once_and_kept(cells):
    wanted = [cell(seed) for seed in range(3)]
    done, told = run(cells, [*wanted, wanted[0]])
    assert done
    assert [row["seed"] for row in told] == [0, 1, 2]
    again = Cells(cells._lines.path)
    assert again.rows == cells.rows
    assert run(again, [*wanted, cell(3)]) == (True, [fake(cell(3))])


def failing(cell):
    raise EnvironmentFault(where="observation", expected="numbers", found="none")  # does not pickle


def test_a_cell_that_fails_is_named(cells):
    with pytest.raises(
        RuntimeError, match=r"seed=5\): EnvironmentFault: observation: expected numbers, found none$"
    ):
        cells.run([cell(5)], jobs=1, until=math.inf, told=print, runner=failing)


def test_a_torn_last_line_is_run_again(cells):
    run(cells, [cell(0), cell(1)])
    path = cells._lines.path
    path.write_bytes(path.read_bytes()[:-9])
    again = Cells(path)
    assert set(again.rows) == {cell(0)}
    assert run(again, [cell(0), cell(1)]) == (True, [fake(cell(1))])
    assert set(Cells(path).rows) == {cell(0), cell(1)}


def test_when_time_is_out_what_was_begun_is_kept_and_the_rest_left(cells):
    done, told = run(cells, [cell(seed) for seed in range(4)], until=time.monotonic() - 1)
    assert not done
    assert len(told) == len(cells.rows) == 1


def test_a_failing_cell_is_told_and_not_kept(cells):
    with pytest.raises(RuntimeError, match="KeyError: 'nowhere'"):
        cells.run([cell(task="nowhere")], jobs=1, until=math.inf, told=print)
    assert not cells.rows


def swept_all(cells, *methods):
    for one in sweep(TASKS["cartpole"]):
        if one.method in methods:
            cells.rows[one] = fake(one)


def test_the_rate_is_that_of_the_greatest_mean_area(cells):
    swept_all(cells, *BEST)
    rates = chosen_rates(cells, TASKS["cartpole"])
    assert rates == {(method, lag): rate for method, rate in BEST.items() for lag in TASKS["cartpole"].lags}
    areas = swept(cells, TASKS["cartpole"], "reuse", TUNING_LAGS)
    assert areas[RATES[1]] == pytest.approx(100 - sum(TUNING_LAGS) / 3)
    assert list(areas) == sorted(RATES)


def test_no_rate_is_chosen_from_part_of_a_sweep(cells):
    swept_all(cells, "reuse")
    del cells.rows[cell(TUNING_SEEDS[-1], lag=16, rate=RATES[4])]
    assert chosen_rates(cells, TASKS["cartpole"]) == {}
    assert best_rate(cells, TASKS["cartpole"], "reuse", (0,)) == RATES[1]
    assert set(chosen_rates(cells, TASKS["cartpole"], each_lag=True)) == {("reuse", 0), ("reuse", 4)}


def test_test_seeds_and_other_rates_choose_nothing(cells):
    swept_all(cells, "reuse")
    others = [cell(0, rate=RATES[0])]
    others += [cell(seed, rate=1e-9, lag=lag) for seed in TUNING_SEEDS for lag in TUNING_LAGS]
    for other in others:
        cells.rows[other] = {**asdict(other), "area": 1e9}
    assert best_rate(cells, TASKS["cartpole"], "reuse", TUNING_LAGS) == RATES[1]


def test_a_task_has_rates_and_tuning_seeds_of_its_own(cells):
    swept_all(cells, *BEST)
    slow = TASKS["lunarlander"]
    assert chosen_rates(cells, slow) == {}
    for one in sweep(slow):
        cells.rows[one] = fake(one)
    assert len(slow.tuning_seeds) < len(TUNING_SEEDS)
    assert set(chosen_rates(cells, slow).values()) <= set(slow.rates)
    assert chosen_rates(cells, slow).keys() == {(method, lag) for method in slow.methods for lag in slow.lags}
