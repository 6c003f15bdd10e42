from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from touchline.record import LinesError, RunDirectory, Status, UpdateLine
from touchline.record.history import read_history
from touchline.record.status import Objective

LINE = {"update": 2, "version": 2, "seconds": 9.0, "episodes": 0, "gradient_steps": 2}


def test_episodes_take_the_place_of_their_result(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, env="a", seed=0)
    common = {"player": "p", "seq": 0, "version": 0, "seeds": []}
    run.episodes.append({**common, "seconds": 1.0, "steps": 100, "returns": [5.0, 6.0], "lengths": [5, 6]})
    run.episodes.append({**common, "seconds": 2.0, "steps": 200, "returns": [], "lengths": []})
    run.episodes.append({**common, "seconds": 3.0, "steps": 300, "returns": [7.0], "lengths": [7]})
    run.flush()
    episodes = read_history(run).episodes
    assert episodes.returns.tolist() == [5, 6, 7]
    assert episodes.lengths.tolist() == [5, 6, 7]
    assert episodes.steps.tolist() == [100, 100, 300]
    assert episodes.seconds.tolist() == [1, 1, 3]


def test_axes_never_fall(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, env="a", seed=0)
    for seconds in (2.0, 1.0, 3.0):
        run.episodes.append(
            {"seconds": seconds, "steps": 0, "player": "p", "seq": 0, "version": 0, "returns": [0.0]}
        )
    run.flush()
    assert read_history(run).episodes.seconds.tolist() == [2, 2, 3]


def test_updates_and_their_lags(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, env="a", seed=0)
    for update, lags in ((1, [0, 2]), (2, [1])):
        run.metrics.append(
            {
                "update": update,
                "version": update,
                "seconds": update * 0.5,
                "steps": update * 100,
                "episodes": 0,
                "gradient_steps": update,
                "wait_seconds": 0.1 if update == 1 else None,
                "lag": {"values": lags},
            }
        )
    run.flush()
    updates = read_history(run).updates
    assert updates.lags.tolist() == [0, 2, 1]
    assert updates.steps.tolist() == [100, 200]
    assert updates.wait_seconds[0] == 0.1
    assert np.isnan(updates.wait_seconds[1])


def test_an_empty_run_has_an_empty_history(tmp_path: Path) -> None:
    history = read_history(RunDirectory.create(tmp_path, env="a", seed=0, name="empty"))
    assert history.env == "empty"
    assert len(history.episodes.returns) == len(history.updates.lags) == 0
    assert (history.goal, history.law, history.over_episodes) == (None, None, 100)


def test_goal_law_and_bound(make_run) -> None:
    history = read_history(make_run())
    assert (history.env, history.goal, history.law, history.lag_bound) == ("CartPole-v1", 475.0, 2.0, 8.0)


def test_an_interrupted_run_is_read_up_to_its_torn_line(make_run) -> None:
    run: RunDirectory = make_run(ended=False, updates=20)
    whole = len(read_history(run).episodes.returns)
    with run.episodes.path.open("ab") as file:
        file.write(b'{"seconds": 9, "ste')
    assert len(read_history(run).episodes.returns) == whole


def test_damage_is_not_hidden(make_run) -> None:
    run: RunDirectory = make_run(updates=20)
    with run.episodes.path.open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(LinesError, match=r"episodes\.jsonl:21: "):
        read_history(run)


def test_evaluations_are_read_with_the_steps_of_their_version(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, env="a", seed=0)
    for version, mean in ((3, 12.5), (5, None)):
        line = {"seconds": version / 2, "steps": 100 * version, "version": version, "player": "p"}
        run.evaluations.append({**line, "episodes": 4, "mean": mean})
    run.flush()
    evaluated = read_history(run).evaluated
    assert evaluated.steps.tolist() == [300, 500]
    assert evaluated.seconds.tolist() == [1.5, 2.5]
    assert evaluated.means[0] == 12.5
    assert np.isnan(evaluated.means[1])


def test_a_run_that_was_not_evaluated_has_no_evaluations(tmp_path: Path) -> None:
    assert len(read_history(RunDirectory.create(tmp_path, env="a", seed=0)).evaluated.means) == 0


OBJECTIVE = Objective(
    name="error",
    goal=0.01,
    unit="row evaluations",
    measures={"accuracy": 0.9, "test_error": 0.25},
)


def test_a_run_on_a_table_has_rounds_that_end_with_its_last_test(make_run) -> None:
    run = make_run(updates=1)
    summary = run.read_summary()
    run.metrics.append(UpdateLine(**LINE, steps=5000, loss={"error": 0.5, "accuracy": None}))
    run.flush()
    run.write_status(Status(run=run.name, env="digits", method="descent", objective=OBJECTIVE))
    run.write_summary(msgspec.structs.replace(summary, env="digits", steps=6000, wall_seconds=50.0))
    history = read_history(run)
    assert (history.method, history.unit, history.env) == ("descent", "row evaluations", "digits")
    assert history.rounds is not None
    assert history.rounds.goal == 0.01
    assert history.rounds.steps.tolist() == [2048, 5000, 6000]
    assert history.rounds.seconds[1:].tolist() == [9.0, 50.0]
    assert set(history.rounds.measures) == {"error", "accuracy", "test_error"}
    np.testing.assert_array_equal(history.rounds.measures["error"], [np.nan, 0.5, np.nan])
    np.testing.assert_array_equal(history.rounds.measures["test_error"], [np.nan, np.nan, 0.25])


def test_a_last_test_that_has_a_line_is_not_said_again(make_run) -> None:
    run = make_run(updates=1)
    run.metrics.append(UpdateLine(**LINE, steps=5000, loss={"test_error": 0.25}))
    run.metrics.append(UpdateLine(**LINE, steps=5000, loss={"error": 0.5}))
    run.flush()
    run.write_status(Status(run=run.name, env="digits", method="descent", objective=OBJECTIVE))
    rounds = read_history(run).rounds
    assert rounds is not None
    assert rounds.steps.tolist() == [2048, 5000, 5000]


def test_a_run_on_a_table_that_goes_on_has_no_last_test(make_run) -> None:
    run = make_run(updates=1, ended=False)
    run.write_status(Status(run=run.name, env="digits", method="descent", objective=OBJECTIVE))
    rounds = read_history(run).rounds
    assert rounds is not None
    assert rounds.steps.tolist() == [2048]


def test_a_run_by_rounds_in_an_environment_has_returns_and_no_errors(make_run) -> None:
    run = make_run(updates=1)
    objective = Objective(name="return", value=20.0)
    run.write_status(Status(run=run.name, env="CartPole-v1", method="evolution", objective=objective))
    history = read_history(run)
    assert (history.method, history.unit, history.rounds) == ("evolution", "steps", None)
    assert len(history.episodes.returns) == 6


def test_greedy_tests_of_a_run_by_rounds_are_evaluations(make_run) -> None:
    run = make_run(updates=1)
    run.metrics.append(UpdateLine(**LINE, steps=5000, loss={"error": None, "test_mean": 40.0}))
    run.metrics.append(UpdateLine(**LINE, steps=5000, loss={"test_return": 50.0, "test_error": 3.0}))
    run.flush()
    objective = Objective(name="return", value=20.0, facts={"goal": 195.0})
    run.write_status(Status(run=run.name, env="CartPole-v1", method="imitation", objective=objective))
    history = read_history(run)
    assert history.evaluated.means.tolist() == [40.0, 50.0]
    assert history.evaluated.steps.tolist() == [5000, 5000]
    assert history.evaluated.seconds.tolist() == [9.0, 9.0]
    assert history.goal == 195.0
