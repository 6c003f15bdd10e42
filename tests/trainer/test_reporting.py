"""From counts to words: history, bottleneck, time left."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from touchline.configs import load
from touchline.record.status import Objective
from touchline.trainer.pace import Pace
from touchline.trainer.reporting import HISTORY, History, _eta, bottleneck, objective_before


def training(*, wait=0.0, update=0.0, mode="async", steps=0, stop_steps=None, minutes=None):
    stop = SimpleNamespace(steps=stop_steps, minutes=minutes, rounds=None)
    return SimpleNamespace(
        pace=Pace(wait_seconds=wait, update_seconds=update),
        config=SimpleNamespace(
            mode=mode, method="policy_gradient", stop=stop, table=SimpleNamespace(source=None)
        ),
        method=SimpleNamespace(steps=steps),
        last_round=None,
    )


def test_history_keeps_even_distances_and_never_grows_past_its_bound():
    history = History()
    for value in range(1000):
        history.add(float(value))
        assert len(history.points) <= HISTORY
    points = history.points
    assert len(points) > HISTORY // 3
    assert points[0] == 0.0
    assert len({b - a for a, b in itertools.pairwise(points)}) == 1


def test_history_ignores_what_is_not_known_yet():
    history = History()
    history.add(None)
    assert history.points == []


def test_the_bottleneck_is_whom_the_run_waited_for():
    assert bottleneck(training(wait=9, update=1)).startswith("Players: the learner waited 90%")
    assert bottleneck(training(wait=1, update=9)).startswith("Trainer: the learner was busy 90%")
    assert bottleneck(training(wait=8, update=2, mode="serial")) == (
        "one process: 20% of its time updating, 80% playing"
    )


def test_on_a_table_nothing_is_played():
    run = training(wait=8, update=2, mode="serial")
    run.config.table.source = "xor"
    assert bottleneck(run) == "one process: 20% of its time updating, 80% working"


def test_time_left_is_that_of_the_first_limit_to_come():
    assert _eta(training(), 10.0) is None
    assert _eta(training(steps=100, stop_steps=300), 10.0) == pytest.approx(20.0)
    assert _eta(training(minutes=1.0), 10.0) == pytest.approx(50.0)
    assert _eta(training(steps=100, stop_steps=300, minutes=0.25), 10.0) == pytest.approx(5.0)
    assert _eta(training(steps=400, stop_steps=300), 10.0) == 0.0


def test_time_left_of_a_run_by_rounds_is_by_its_rounds():
    run = training(steps=100)
    run.last_round = 40
    run.objective = Objective(name="error", rounds=10)
    assert _eta(run, 10.0) == pytest.approx(30.0)
    run.objective = Objective(name="error")
    assert _eta(run, 10.0) is None


def test_what_a_run_is_for_is_known_before_it_begins():
    assert objective_before(load("cartpole").config) is None
    assert objective_before(load("001-evolution-cartpole").config) == Objective(name="return")
    on_table = Objective(name="error", goal=0.01, unit="row evaluations")
    assert objective_before(load("001-rows").config) == on_table
