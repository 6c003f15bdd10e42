"""What is written around a run, however it ends. ``train`` is replaced: how runs go is tested elsewhere."""

from __future__ import annotations

import contextlib
import errno
import json
import threading
from collections.abc import Callable

import pytest

from touchline.configs import load
from touchline.envs.errors import UnknownEnvironment
from touchline.launch import recording
from touchline.launch.recording import Crashed, train_into
from touchline.protocol.errors import AddressError
from touchline.record import LagSummary, LedgerSummary, RunDirectory, Status, Summary
from touchline.trainer.failures import RunFailed

STATUS = Status(run="r", env="CartPole-v1", state="training", steps=70, updates=3, return_mean=9.5)
SUMMARY = Summary(
    run="r",
    env="CartPole-v1",
    seed=0,
    solved=False,
    reason="steps",
    wall_seconds=1.0,
    steps=80,
    episodes=4,
    updates=4,
    gradient_steps=4,
    version=4,
    steps_per_second=80.0,
    return_mean_100=9.0,
    return_best=10.0,
    lag=LagSummary(),
    ledger=LedgerSummary(total={}, players={}),
    bottleneck="none",
)


@pytest.fixture
def resolved():
    return load("cartpole", [("seed", "3")])


@pytest.fixture
def trains(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., object]], None]:
    """Put a function in the place of ``launch.local.train``."""
    return lambda function: monkeypatch.setattr(recording, "train", function)


def showing(then: Callable[[], object]) -> Callable[..., object]:
    """A run that gets as far as showing its status, and then does ``then``."""

    def train(config, run, *, view, **rest):
        with view(lambda: STATUS):
            return then()

    return train


def fail(error: BaseException) -> Callable[[], object]:
    def raises() -> object:
        raise error

    return raises


def test_a_run_that_ends_by_itself(run: RunDirectory, resolved, trains):
    trains(showing(lambda: SUMMARY))
    assert train_into(run, resolved, command="touchline train") == SUMMARY
    assert run.read_summary() == SUMMARY
    assert run.read_status().state == "finished"
    assert (run.path / "command.txt").read_text() == "touchline train\n"
    assert json.loads((run.path / "origin.json").read_text())["players.lanes"].startswith("cartpole.yaml:")
    assert load(run.config).config == resolved.config
    assert "python" in json.loads((run.path / "environment.json").read_text())


def test_the_arguments_reach_the_run(run, resolved, trains):
    given = {}
    trains(lambda config, directory, **rest: given.update(rest, config=config) or SUMMARY)
    announce = print
    train_into(run, resolved, command="", factory=b"f", players=0, announce=announce, began=5.0)
    assert given["config"] == resolved.config
    assert (given["factory"], given["players"], given["announce"], given["began"]) == (b"f", 0, announce, 5.0)


@pytest.mark.parametrize("train", [showing(lambda: None), showing(fail(KeyboardInterrupt()))])
def test_an_interrupted_run_keeps_what_its_last_status_said(run, resolved, trains, train):
    trains(train)
    summary = train_into(run, resolved, command="")
    assert summary == run.read_summary()
    assert (summary.reason, summary.solved, summary.seed) == ("interrupted", False, 3)
    assert (summary.steps, summary.updates, summary.return_mean_100) == (70, 3, 9.5)


def test_an_interrupted_run_that_gave_no_account_says_so(run, resolved, trains):
    trains(showing(fail(KeyboardInterrupt())))
    assert train_into(run, resolved, command="").ledger.total == {}
    trains(showing(lambda: None))  # as where no Player ever became ready
    assert set(train_into(run, resolved, command="").ledger.total.values()) == {0}


def test_an_interrupt_before_anything_was_shown(run, resolved, trains):
    trains(lambda *args, **rest: fail(KeyboardInterrupt())())
    summary = train_into(run, resolved, command="")
    assert (summary.reason, summary.steps, summary.env) == ("interrupted", 0, "CartPole-v1")
    assert summary.ledger.total["sent"] == 0


@pytest.mark.parametrize(
    "error",
    [
        RunFailed("no such environment", exit_code=2),
        UnknownEnvironment("unknown"),
        AddressError("tcp://127.0.0.1:1: in use"),
    ],
)
def test_a_failure_to_begin_leaves_nothing(run, resolved, trains, error):
    trains(showing(fail(error)))
    with pytest.raises(type(error)) as caught:
        train_into(run, resolved, command="")
    assert caught.value is error
    assert not run.path.exists()


def test_a_failed_run_keeps_its_own_summary(run, resolved, trains):
    error = RunFailed("5 failures alike", exit_code=3)
    error.summary = SUMMARY
    trains(showing(fail(error)))
    with pytest.raises(RunFailed):
        train_into(run, resolved, command="")
    assert run.read_summary() == SUMMARY


def test_a_failed_run_without_a_summary_gets_one(run, resolved, trains):
    trains(showing(fail(RunFailed("5 failures alike", exit_code=3))))
    with pytest.raises(RunFailed) as caught:
        train_into(run, resolved, command="")
    assert caught.value.summary == run.read_summary()
    assert run.read_summary().reason == "failed: 5 failures alike"


def test_a_fault_of_ours_is_kept_with_the_run(run, resolved, trains):
    trains(showing(fail(ZeroDivisionError("ours"))))
    with pytest.raises(Crashed, match="ZeroDivisionError: ours") as caught:
        train_into(run, resolved, command="")
    assert caught.value.path.parent == run.crashes
    assert "Traceback" in caught.value.path.read_text()
    assert run.read_summary().reason == "crashed: ZeroDivisionError: ours"


def test_a_full_disk_is_no_fault_of_ours(run, resolved, trains):
    trains(showing(fail(OSError(errno.ENOSPC, "No space left on device"))))
    with pytest.raises(OSError, match="No space left"):
        train_into(run, resolved, command="")


def test_the_status_is_written_every_second_while_nobody_watches(run, resolved, trains, monkeypatch):
    monkeypatch.setattr(recording, "STATUS_SECONDS", 0.001)
    written = threading.Event()
    monkeypatch.setattr(RunDirectory, "write_status", lambda self, status: written.set())
    trains(showing(lambda: written.wait(10) and SUMMARY))
    assert train_into(run, resolved, command="") == SUMMARY  # None, had no status been written


def test_a_view_sees_the_run_finish(run, resolved, trains):
    seen = []

    @contextlib.contextmanager
    def view(source):
        seen.append(source().state)
        yield
        seen.append(source().state)

    trains(showing(lambda: SUMMARY))
    train_into(run, resolved, command="", view=view)
    assert seen == ["training", "finished"]


def test_no_thread_is_left(run, resolved, trains):
    before = threading.active_count()
    trains(showing(fail(ZeroDivisionError())))
    with pytest.raises(Crashed):
        train_into(run, resolved, command="")
    assert threading.active_count() == before
