from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from touchline.record import EvaluationStatus, LagSummary, PlayerStatus, RunDirectory, Status
from touchline.record.files import encode_page
from touchline.record.status import Objective

# what scripts rely on, in the order in which it is printed
SUMMARY_KEYS = [
    "run",
    "env",
    "seed",
    "solved",
    "reason",
    "wall_seconds",
    "steps",
    "episodes",
    "updates",
    "gradient_steps",
    "version",
    "steps_per_second",
    "return_mean_100",
    "return_best",
    "lag",
    "ledger",
    "bottleneck",
]


def test_the_summary_has_exactly_the_promised_keys(make_run) -> None:
    run = make_run()
    written = json.loads((run.path / "summary.json").read_text())
    assert list(written) == SUMMARY_KEYS
    assert list(written["lag"]) == ["p50", "p95", "max", "mean", "law"]
    assert list(written["ledger"]) == ["total", "players", "duplicates"]
    assert written["ledger"]["players"]["player-0"]["trained"] == 960


def test_a_summary_is_read_back(make_run) -> None:
    run: RunDirectory = make_run()
    summary = run.read_summary()
    assert summary is not None
    assert (summary.solved, summary.return_mean_100, summary.lag.law) == (True, 480.5, 2.0)


def test_before_the_end_there_is_no_summary(make_run) -> None:
    run: RunDirectory = make_run(ended=False)
    assert run.read_summary() is None
    status = run.read_status()
    assert status is not None
    assert status.state == "training"


def test_a_status_is_read_back_as_it_was(make_run) -> None:
    run: RunDirectory = make_run(ended=False)
    status = Status(
        run=run.name,
        env="CartPole-v1",
        state="training",
        return_history=[1.0, 2.5],
        lag=LagSummary(p50=1, mean=1.25),
        players=[PlayerStatus(name="player-0", state="playing", behind=2)],
        message="player-0 joined",
    )
    run.write_status(status)
    assert run.read_status() == status


def test_a_status_of_numpy_numbers_is_written() -> None:
    status = Status(run="r", env="e", return_mean=np.float64(3.5), steps=np.int64(7))  # type: ignore[arg-type]
    written = json.loads(encode_page(status))
    assert (written["return_mean"], written["steps"]) == (3.5, 7)


def test_a_status_says_null_for_what_is_not_known() -> None:
    written = json.loads(encode_page(Status(run="r", env="e", return_best=float("-inf"))))
    assert written["return_mean"] is None
    assert written["return_best"] is None
    assert written["lag"] == {"p50": None, "p95": None, "max": None, "mean": None, "law": None}


def test_a_state_that_does_not_exist_is_refused_when_read() -> None:
    with pytest.raises(msgspec.ValidationError, match="Invalid enum value 'dancing'"):
        msgspec.json.decode(b'{"run": "r", "env": "e", "state": "dancing"}', type=Status)


def test_the_last_evaluation_is_read_back(tmp_path) -> None:
    run = RunDirectory.create(tmp_path, env="e", seed=0)
    evaluation = EvaluationStatus(version=5, steps=500, episodes=20, mean=6.5, best_version=2, best_mean=7.0)
    for found in (evaluation, None):
        run.write_status(Status(run="r", env="e", evaluation=found))
        assert run.read_status().evaluation == found


def test_only_runs_by_rounds_have_a_method_and_an_objective_in_their_summary(make_run) -> None:
    run = make_run()
    objective = Objective(name="error", value=0.5, rounds=3, measures={"test_error": 0.6})
    summary = msgspec.structs.replace(run.read_summary(), method="descent", objective=objective)
    run.write_summary(summary)
    written = json.loads((run.path / "summary.json").read_text())
    assert list(written) == [*SUMMARY_KEYS, "method", "objective"]
    assert (written["objective"]["value"], written["objective"]["rounds"]) == (0.5, 3)
    assert run.read_summary() == summary
