"""Evaluation during training: beside it, without a trace in what is learnt, and the best checkpoint is its best."""

from __future__ import annotations

import os
import signal

import pytest
from launch_runs import assert_equal_runs, assert_sums, supervised

from touchline.configs import dump_yaml
from touchline.launch.local import train
from touchline.launch.restore import restore
from touchline.player.evaluate import evaluate
from touchline.protocol.effects import Invalid, Lost
from touchline.record import EvaluationLine, RunDirectory, load_checkpoint, read_lines
from touchline.trainer.evaluating import Evaluating
from touchline.trainer.method import Order
from touchline.trainer.stopping import Ending

EVERY = {"eval.every": "50ms", "eval.episodes": 6}
# Long enough under way to be met there, and until then, whatever the machine's speed.
UNTIL_SEEN = {"eval.every": "50ms", "eval.episodes": 300, "stop.steps": 10_000_000, "stop.minutes": 1}


def lines_of(run: RunDirectory) -> list[EvaluationLine]:
    return list(read_lines(run.path / "evaluations.jsonl", EvaluationLine))


def assert_best(config, run: RunDirectory) -> None:
    """The best checkpoint is that of the best line, the first of equals, and its weights play what the line says."""
    lines = lines_of(run)
    best = max(lines, key=lambda line: line.mean)
    checkpoint = load_checkpoint(run, "best")
    assert checkpoint.version == best.version
    assert checkpoint.state["evaluation"]["mean"] == best.mean
    assert checkpoint.state["steps"] == best.steps
    run.write_text("config.yaml", dump_yaml(config))
    restored = restore(run, "best")
    again = evaluate(
        restored.spec,
        restored.policy,
        restored.snapshot,
        episodes=best.episodes,
        seed=best.seed,
        lanes=config.players.lanes,
    )
    assert (again.mean, again.std) == (best.mean, best.std)


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"players.unroll_length": "episode"},
        {"staleness.ahead": 1},
        {"env.vectorize": "auto", "env.normalize": "true"},
    ],
    ids=str,
)
def test_one_player_evaluates_while_the_others_train(configure, run, overrides):
    config = configure(**{"players.count": 2, "stop.steps": 12_000, **EVERY, **overrides})
    summary = train(config, run)
    assert_sums(summary)
    lines = lines_of(run)
    assert len(lines) >= 2
    assert summary.ledger.total["evaluated"] >= len(lines)
    for row in summary.ledger.players.values():
        assert row["trained"] > 0
    assert [line.version for line in lines] == sorted(line.version for line in lines)
    assert [line.steps for line in lines] == sorted(line.steps for line in lines)
    assert all(line.episodes == 6 and line.min <= line.mean <= line.max for line in lines)
    assert len({(line.seed, line.player) for line in lines}) == 1  # the same episodes, and the same Player
    assert_best(config, run)
    assert run.read_status() is None  # written by who keeps the record, not here


def test_the_law_of_lag_does_not_hear_of_evaluations(configure, run):
    """Its integer identity is asserted at each checkpoint and at the end; the mean is of what was learnt from."""
    config = configure(**{"players.count": 2, "stop.steps": 12_000, "save.every": "100ms", **EVERY})
    summary = train(config, run)
    assert summary.ledger.total["evaluated"] > 0
    assert summary.lag.law == pytest.approx(summary.lag.mean, abs=0.05)


def test_with_hold_no_version_waits_for_an_evaluation(configure, run):
    began: dict[int, int] = {}  # by the number of its order: the version that was live when it was first seen

    def interfere(runtime, supervisor) -> None:
        training, asked = runtime.training, runtime._evaluating.under_way
        if training is not None and asked is not None:
            live = training.method.live.version
            if live > began.setdefault(asked.order, live) + 2 and training.evaluations.last is not None:
                runtime.stop(Ending("seen enough", solved=False))

    overrides = {"staleness.on_excess": "hold", "staleness.max_lag": 1}
    config = configure(**{"players.count": 2, **UNTIL_SEEN, **overrides})
    summary = supervised(config, run, count=2, on_event=interfere)
    assert summary.reason == "seen enough"
    assert_sums(summary)
    lags = [lag for line in read_lines(run.path / "metrics.jsonl") for lag in line["lag"]["values"]]
    assert max(lags) <= 1


def test_a_player_that_dies_while_it_evaluates_costs_the_evaluation_alone(configure, run):
    killed: list[str] = []
    overrides = {"players.count": 2, "stop.steps": 10_000_000, "stop.minutes": 1, "net.heartbeat": 0.05}

    def interfere(runtime, supervisor) -> None:
        at_it = [row for row in runtime.service.view.rows if row.stage == "evaluating"]
        if not killed and at_it:
            killed.append(at_it[0].name)
            os.kill(at_it[0].pid, signal.SIGKILL)
        noticed = killed and (run.crashes / f"1-{killed[0]}.txt").exists()
        training = runtime.training
        if noticed and training is not None and training.evaluations.last is not None:
            runtime.stop(Ending("seen enough", solved=False))

    config = configure(**{**overrides, "eval.every": "500ms", "eval.episodes": 200})
    summary = supervised(config, run, count=2, on_event=interfere)
    assert summary.reason == "seen enough"
    assert_sums(summary)
    assert summary.ledger.total["evaluated"] >= 1
    assert (run.crashes / f"1-{killed[0]}.txt").exists()


def test_an_interval_that_is_too_short_is_said(configure, run):
    said: list[str] = []

    def listen(runtime, supervisor) -> None:
        if "takes longer than eval.every" in runtime.message and not said:
            said.append(runtime.message)
        training = runtime.training
        if said and training is not None and training.evaluations.last is not None:
            runtime.stop(Ending("seen enough", solved=False))

    config = configure(**{"stop.steps": 10_000_000, "stop.minutes": 1, "eval.every": "1ms"})
    summary = supervised(config, run, count=1, on_event=listen)
    assert summary.reason == "seen enough"
    assert said[0].count("eval.every (0.001 s)") == 1
    assert_sums(summary)


class Fickle(Evaluating):
    """Expects other episodes than it asked for, the first time."""

    @property
    def order(self) -> Order:
        asked = super().order
        self.episodes = 8
        return asked


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_what_is_no_evaluation_is_dropped_and_the_next_is_asked_for(configure, run, mode):
    said: list[str] = []

    def interfere(runtime, supervisor) -> None:
        if not isinstance(runtime._evaluating, Fickle):
            runtime._evaluating = Fickle(config)
        if "dropped" in runtime.message and not said:
            said.append(runtime.message)
        training = runtime.training
        if said and training is not None and training.evaluations.last is not None:
            runtime.stop(Ending("seen enough", solved=False))

    config = configure(**{"mode": mode, "stop.steps": 10_000_000, "stop.minutes": 1, **EVERY})
    summary = supervised(config, run, count=1, on_event=interfere)
    assert summary.reason == "seen enough"
    assert "dropped as invalid: returns: expected float64 [8], found float64 [6]" in said[0]
    assert_sums(summary)
    assert summary.ledger.total["dropped_invalid"] == 1
    assert [line.episodes for line in lines_of(run)] == [8] * len(lines_of(run))


def test_one_that_cannot_be_read_is_given_up_and_ends_no_round(configure, run):
    unread: list[int] = []

    def interfere(runtime, supervisor) -> None:
        asked = runtime._evaluating.under_way
        if asked is not None and not unread:
            unread.append(asked.order)
            runtime._handle(Invalid(asked.slot, 0, "torn", outstanding=0, order=asked.order))
            assert runtime._evaluating.under_way is None
            unread.append(runtime.training.method.updates)
        elif unread and runtime.training.method.updates > unread[1] + 3:
            runtime.stop(Ending("seen enough", solved=False))

    config = configure(**{"mode": "sync", "players.count": 2, **UNTIL_SEEN})
    summary = supervised(config, run, count=2, on_event=interfere)
    assert summary.reason == "seen enough"
    assert summary.lag.max == 0
    assert_sums(summary)


def test_a_player_that_does_not_come_back_is_no_longer_waited_for(configure, run):
    gone: list[int] = []

    def interfere(runtime, supervisor) -> None:
        asked = runtime._evaluating.under_way
        if asked is not None and not gone:
            gone.append(asked.slot)
            runtime._handle(Lost(asked.slot, runtime.crew.name(asked.slot), "gone"))
            assert runtime._evaluating.under_way is None
            gone.append(runtime.training.method.updates)
        elif gone and runtime.training.method.updates > gone[1] + 3:
            runtime.stop(Ending("seen enough", solved=False))

    config = configure(**{"players.count": 2, **UNTIL_SEEN})
    summary = supervised(config, run, count=2, on_event=interfere)
    assert summary.reason == "seen enough"
    assert_sums(summary)


# -- one process, and rounds


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"players.unroll_length": "episode"},
        {"env.vectorize": "auto", "env.normalize": "true"},
        {"trainer.normalize_rewards": "true"},
    ],
    ids=str,
)
def test_what_is_learnt_does_not_depend_on_it(configure, new_run, overrides):
    """Serial without, serial with, sync with: the same weights to the bit, and the same returns of a version."""
    plain, serial, sync = (new_run(name) for name in ("plain", "serial", "sync"))
    overrides = {"players.count": 2, "stop.steps": 4000, **overrides}
    train(configure(mode="serial", **overrides), plain)
    evaluated = {**overrides, "eval.episodes": 6, "eval.every": "1ms"}
    first = train(configure(mode="serial", **evaluated), serial)
    second = train(configure(mode="sync", **evaluated), sync)
    assert_equal_runs(plain, serial)
    assert_equal_runs(plain, sync)
    assert (first.lag.max, second.lag.max) == (0, 0)
    in_serial = {line.version: (line.mean, line.std) for line in lines_of(serial)}
    in_sync = {line.version: (line.mean, line.std) for line in lines_of(sync)}
    assert len(in_serial.keys() & in_sync.keys()) >= 2
    for version in in_serial.keys() & in_sync.keys():
        assert in_serial[version] == in_sync[version]
    for summary in (first, second):
        assert_sums(summary)
        evaluated = [row["evaluated"] for row in summary.ledger.players.values() if row["evaluated"]]
        assert evaluated == [summary.ledger.total["evaluated"]]  # one Player did them all


def test_serial_mode_keeps_its_best(configure, run):
    config = configure(mode="serial", **EVERY)
    summary = train(config, run)
    assert summary.ledger.total["evaluated"] == len(lines_of(run))
    assert_best(config, run)


def test_without_evaluation_the_best_is_the_one_that_trained_best(configure, run):
    train(configure(mode="serial", **{"save.every": "50ms", "stop.over_episodes": 5}), run)
    assert not (run.path / "evaluations.jsonl").exists()
    assert "evaluation" not in load_checkpoint(run, "best").state
