"""Methods by rounds in real processes: the same numbers for any Players, one of them killed or late among them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from launch_runs import assert_sums, losses_of, supervised, weights_of

from touchline.configs import Config, load
from touchline.launch.local import train
from touchline.record import RunDirectory, load_checkpoint, read_lines
from touchline.trainer.failures import RunFailed

XOR = {
    "table.source": "xor",
    "model.hidden": "[3]",
    "model.output": "sigmoid",
    "model.loss": "cross_entropy",
    "tasks.parts": 3,
}
ROUNDS: dict[str, dict[str, object]] = {
    "rows": {"method": "descent", "optimizer.rule": "irprop_plus", "stop.rounds": 8},
    "points": {"method": "search", "search.draws": 12, "search.radius": 1.0, "stop.rounds": 8},
    "evolution": {"method": "evolution", "evolution.pairs": 6, "stop.rounds": 8},
    "fit": {
        "method": "averaging",
        "averaging.rounds": 3,
        "averaging.batch_rows": 1,
        "optimizer.learning_rate": 0.1,
    },
    "structure": {"method": "structure", "model.hidden": "[1]", "structure.epochs": 20, "stop.rounds": 3},
}
MORE: dict[str, dict[str, object]] = {
    "weights": {"method": "descent", "descent.by": "weights", "descent.how": "numeric", "stop.rounds": 6},
    "krylov": {"method": "krylov", "krylov.iterations": 3, "stop.rounds": 12},
    "hopping": {"method": "hopping", "hopping.iterations": 10, "stop.rounds": 2},
    "activations": {"method": "search", "search.over": "activations", "search.epochs": 5},
    "imitation": {
        "method": "imitation",
        "env.id": "CartPole-v1",
        "policy.hidden": "[8]",
        "players.lanes": 2,
        "imitation.episodes": 3,
        "imitation.random": 0.4,
        "tasks.parts": 3,
        "stop.rounds": 3,
    },
    "episodes": {
        "method": "evolution",
        "env.id": "CartPole-v1",
        "policy.hidden": "[8]",
        "players.lanes": 2,
        "evolution.pairs": 4,
        "tasks.parts": 3,
        "stop.rounds": 3,
    },
}


def by_rounds(name: str, **overrides: object) -> Config:
    own = {**ROUNDS, **MORE}[name]
    values = {**({} if "env.id" in own else XOR), **own, **overrides}
    return load(overrides=[(key, str(value)) for key, value in values.items()]).config


def finished(config: Config, run: RunDirectory) -> Any:
    summary = train(config, run)
    assert summary is not None
    assert_sums(summary)
    return summary


def assert_same(one: RunDirectory, other: RunDirectory) -> None:
    assert losses_of(one) == losses_of(other)
    left, right = weights_of(one), weights_of(other)
    assert left.keys() == right.keys()
    for name, array in left.items():
        assert np.array_equal(array, right[name]), name


@pytest.mark.parametrize("name", ROUNDS)
@pytest.mark.parametrize("players", [1, 2, 3, 4])
def test_any_number_of_players_comes_to_the_same_numbers(
    new_run: Callable[[str], RunDirectory], name: str, players: int
) -> None:
    alone, together = new_run("alone"), new_run("together")
    finished(by_rounds(name, mode="serial"), alone)
    summary = finished(by_rounds(name, **{"players.count": players}), together)
    assert_same(alone, together)
    assert summary.lag.max == 0
    assert summary.lag.law == 0


@pytest.mark.parametrize("name", MORE)
def test_nor_do_the_numbers_of_the_others_depend_on_it(
    new_run: Callable[[str], RunDirectory], name: str
) -> None:
    alone, together = new_run("alone"), new_run("together")
    finished(by_rounds(name, mode="serial"), alone)
    finished(by_rounds(name, **{"players.count": 2}), together)
    assert_same(alone, together)


def test_a_player_killed_on_the_way_and_one_that_joins_late_change_no_number(
    new_run: Callable[[str], RunDirectory],
) -> None:
    alone, together = new_run("alone"), new_run("together")
    long = {"stop.rounds": 4000, "optimizer.rule": "irprop_minus"}  # the late one takes a second to start
    finished(by_rounds("rows", mode="serial", **long), alone)
    killed: list[int] = []
    late: list[subprocess.Popen[bytes]] = []

    def interfere(runtime: Any, supervisor: Any) -> None:
        if runtime.training is None:
            return
        if not killed and runtime.training.method.updates >= 20:
            killed.append(supervisor.pids[0])
            os.kill(killed[0], signal.SIGKILL)
            command = [sys.executable, "-P", "-m", "touchline.player", "--connect", runtime.address]
            late.append(subprocess.Popen([*command, "--name", "late", "--tied"], stdin=subprocess.PIPE))

    try:
        summary = supervised(by_rounds("rows", **long), together, count=2, on_event=interfere)
    finally:
        for process in late:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)
    assert killed
    assert_sums(summary)
    assert summary.ledger.players["late"]["trained"] > 0
    assert_same(alone, together)


@pytest.mark.parametrize("on_excess", ["downweight", "drop"])
def test_running_free_lags_by_the_law_or_stays_within_the_bound(run: RunDirectory, on_excess: str) -> None:
    """What is dropped is in the law, and in no batch: the two agree where nothing is."""
    config = by_rounds(
        "evolution",
        **{
            "stop.rounds": 300,
            "staleness.max_lag": 3,
            "staleness.on_excess": on_excess,
            "players.count": 3,
        },
    )
    summary = finished(config, run)
    lags = [lag for line in read_lines(run.path / "metrics.jsonl") for lag in line["lag"]["values"]]
    assert max(lags) > 0
    if on_excess == "drop":
        assert max(lags) <= 3
    else:
        assert summary.lag.mean == pytest.approx(summary.lag.law, abs=0.05)


def test_the_summary_and_the_checkpoint_say_what_was_reached(run: RunDirectory) -> None:
    summary = finished(by_rounds("rows", **{"stop.rounds": 200, "stop.error": 0.05, "players.count": 2}), run)
    assert summary.solved
    assert summary.method == "descent"
    assert summary.objective.value <= 0.05
    saved = load_checkpoint(run, "latest")
    assert saved.state["method"] == "descent"
    assert {name for name in saved.weights if name.startswith("0/")} == {"0/weight", "0/bias"}


def test_a_table_that_cannot_be_cut_so_ends_the_run_before_it_begins(run: RunDirectory) -> None:
    with pytest.raises(RunFailed, match=r"tasks\.parts: expected at most 4") as failed:
        train(by_rounds("rows", **{"tasks.parts": 5, "players.count": 1}), run)
    assert failed.value.exit_code == 2


def test_weights_that_overflow_end_the_run_with_advice(run: RunDirectory) -> None:
    config = by_rounds(
        "rows",
        **{
            "optimizer.rule": "sgd",
            "optimizer.learning_rate": 1e300,
            "model.output": "linear",
            "model.loss": "squared",
            "model.activation": "linear",
            "optimizer.max_gradient_norm": "null",
            "mode": "serial",
        },
    )
    with pytest.raises(RunFailed, match="finite") as failed:
        train(config, run)
    assert failed.value.exit_code == 3
    assert "optimizer.learning_rate" in failed.value.detail
    assert all(np.isfinite(array).all() for array in weights_of(run).values())
