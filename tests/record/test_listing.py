from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from touchline.record import RunDirectory, Status
from touchline.record.listing import SILENT_SECONDS, run_rows
from touchline.record.status import Objective

NOW = 1_800_000_000.0


def set_time(run: RunDirectory, seconds: float) -> None:
    for name in ("summary.json", "status.json", "config.yaml"):
        if (run.path / name).exists():
            os.utime(run.path / name, (seconds, seconds))


def test_a_run_that_ended(make_run) -> None:
    run = make_run()
    set_time(run, NOW - 100)
    (row,) = run_rows(run.path.parent, now=NOW)
    assert (row.name, row.env, row.state, row.solved) == ("1-cartpole-v1-s0", "CartPole-v1", "solved", True)
    assert (row.return_mean, row.return_goal, row.seconds) == (480.5, 475.0, 4.2)
    assert row.modified == NOW - 100


def test_a_run_that_is_training(make_run) -> None:
    run = make_run(ended=False)
    set_time(run, NOW - 1)
    (row,) = run_rows(run.path.parent, now=NOW)
    assert (row.state, row.solved, row.steps) == ("training", False, 60 * 2048)


def test_a_run_that_fell_silent_is_lost(make_run) -> None:
    run = make_run(ended=False)
    set_time(run, NOW - SILENT_SECONDS - 1)
    (row,) = run_rows(run.path.parent, now=NOW)
    assert row.state == "lost"
    assert row.return_mean is not None


def test_a_run_that_ended_unsolved_says_why(make_run) -> None:
    run = make_run()
    path = run.path / "summary.json"
    path.write_text(
        path.read_text().replace('"solved": true', '"solved": false').replace("mean return", "steps")
    )
    (row,) = run_rows(run.path.parent, now=NOW)
    assert (row.state, row.solved) == ("steps 475 reached", False)


def test_a_run_without_a_status_yet(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, env="a", seed=0)
    run.write_text("config.yaml", "seed: 0\n")
    set_time(run, NOW - 1)
    assert [row.state for row in run_rows(tmp_path, now=NOW)] == ["starting"]
    assert [row.state for row in run_rows(tmp_path, now=NOW + 60)] == ["lost"]


def test_a_damaged_run_does_not_hide_the_others(make_run) -> None:
    damaged, sound = make_run(), make_run()
    (damaged.path / "status.json").write_text("{")
    rows = run_rows(sound.path.parent, now=NOW)
    assert [row.state for row in rows] == ["unreadable", "solved"]


def test_no_runs(tmp_path: Path) -> None:
    assert run_rows(tmp_path / "absent", now=NOW) == []


def test_a_run_on_a_table_has_its_least_error(make_run) -> None:
    run = make_run()
    objective = Objective(name="error", value=0.3, best=0.2, goal=0.1, unit="row evaluations")
    ended = msgspec.structs.replace(run.read_summary(), method="descent", objective=objective)
    run.write_summary(ended)
    (row,) = run_rows(run.path.parent, now=NOW)
    assert (row.method, row.error, row.error_goal, row.unit) == ("descent", 0.2, 0.1, "row evaluations")
    (run.path / "summary.json").unlink()
    run.write_status(Status(run=run.name, env="digits", method="descent", objective=objective))
    (row,) = run_rows(run.path.parent, now=NOW)
    assert (row.method, row.error, row.env) == ("descent", 0.2, "digits")


def test_a_run_by_rounds_in_an_environment_has_no_error(make_run) -> None:
    run = make_run()
    objective = Objective(name="return", value=3.0, best=4.0)
    run.write_summary(msgspec.structs.replace(run.read_summary(), method="evolution", objective=objective))
    (row,) = run_rows(run.path.parent, now=NOW)
    assert (row.method, row.error, row.unit, row.return_mean) == ("evolution", None, "steps", 480.5)


@pytest.mark.parametrize("ended", [True, False])
def test_a_goal_of_the_method_s_own_is_the_goal(make_run, ended: bool) -> None:
    run = make_run(ended=ended)
    objective = Objective(name="return", value=3.0, facts={"goal": 195.0})
    status = msgspec.structs.replace(run.read_status(), method="imitation", objective=objective)
    run.write_status(status)
    (row,) = run_rows(run.path.parent, now=NOW)
    assert row.return_goal == 195.0


def test_a_run_of_the_main_method_says_so(make_run) -> None:
    run = make_run()
    (row,) = run_rows(run.path.parent, now=NOW)
    assert (row.method, row.error, row.unit) == ("policy_gradient", None, "steps")
