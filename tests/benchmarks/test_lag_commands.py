"""The two commands: in what order the study runs, and one real run of the law."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType

import psutil
import pytest
from lagstudy.cells import Cells
from lagstudy.design import TASKS, TEST_SEEDS, TUNING_LAGS

from touchline.configs import load

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", BENCHMARKS / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def staleness() -> ModuleType:
    return module("staleness")


@pytest.fixture(scope="module")
def law_of_lag() -> ModuleType:
    return module("law_of_lag")


@pytest.fixture
def cells(tmp_path):
    return Cells(tmp_path / "cells.jsonl")


SMALL = replace(TASKS["cartpole"], methods=("reuse", "ppo"))


def finish(cells, wanted):
    """Every cell is better the smaller its rate."""
    for cell in wanted:
        cells.rows[cell] = {**asdict(cell), "area": -cell.rate, "final": 0.0, "seconds": 0.0}


def test_each_stage_is_listed_when_the_one_before_is_done(staleness, cells):
    listed = {}
    for name, wanted in staleness.stages(cells, [SMALL, TASKS["acrobot"]]):
        listed[name] = wanted
        finish(cells, wanted)
    assert list(listed) == [
        "cartpole: sweep",
        "cartpole: test",
        "acrobot: sweep",
        "acrobot: test",
        "cartpole: sweep of the other lags",
        "cartpole: test at each lag's rate",
    ]
    assert {cell.lag for cell in listed["cartpole: sweep"]} == set(TUNING_LAGS)
    assert {cell.lag for cell in listed["cartpole: sweep of the other lags"]} == {1, 2, 8}
    test = listed["cartpole: test"]
    assert len(test) == 2 * 6 * len(TEST_SEEDS)
    assert {cell.rate for cell in test} == {min(cell.rate for cell in listed["cartpole: sweep"])}
    assert {cell.rate for cell in listed["acrobot: test"]} == {min(TASKS["acrobot"].rates)}


def test_a_study_out_of_time_stops_and_goes_on(staleness, cells, monkeypatch, capsys):
    asked = []

    def run(self, wanted, *, jobs, until, told):
        asked.append(len(wanted))
        if until < math.inf:
            return False
        finish(self, wanted)
        return True

    monkeypatch.setattr(Cells, "run", run)
    staleness.study(cells, [SMALL], jobs=1, minutes=0.0)
    assert len(asked) == 1
    assert "goes on from here" in capsys.readouterr().out
    staleness.study(cells, [SMALL], jobs=1, minutes=math.inf)
    assert len(asked) == 5
    staleness.study(cells, [SMALL], jobs=1, minutes=math.inf)
    assert "0 to run" in capsys.readouterr().out


def config_of(law_of_lag, row):
    changes = {"players.count": row["players"], "staleness.ahead": row["ahead"]}
    return load(None, values={**law_of_lag.BASE, **row["values"], **changes}).config


def test_every_run_of_the_law_is_a_sound_config_of_exactly_r_results_an_update(law_of_lag):
    rows = list(law_of_lag.unroll_runs([1, 8], [1, 10], [0, 1], 300))
    assert len(rows) == 8
    for row in rows:
        config = config_of(law_of_lag, row)
        steps = config.players.lanes * config.players.unroll_length
        assert config.trainer.batch_steps == row["results"] * steps
        assert config.stop.steps == 300 * config.trainer.batch_steps
        assert config.mode == "async"
    for row in law_of_lag.episode_runs([1, 4], 300):
        assert config_of(law_of_lag, row).players.unroll_length == "episode"


def test_a_real_run_obeys_the_law_and_leaves_no_process(law_of_lag):
    (row,) = law_of_lag.unroll_runs([2], [2], [0], 150)
    found = law_of_lag.measure(row)
    assert not psutil.Process().children(recursive=True)
    assert found["results_per_update"] == 2
    assert found["count"] == 300
    assert found["law"] == pytest.approx(found["mean"], abs=0.05)
    assert found["measured"] == pytest.approx(found["closed_form"], abs=0.15)
    assert "values" not in found


def test_a_run_is_the_same_whatever_came_of_it(law_of_lag):
    (row,) = law_of_lag.unroll_runs([2], [2], [0], 150)
    (other,) = law_of_lag.unroll_runs([2], [4], [0], 150)
    assert law_of_lag.same(row, {**row, "law": 1.0})
    assert not law_of_lag.same(row, other)
