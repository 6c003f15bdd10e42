"""How a run is put together on this machine, and taken apart whatever fails on the way."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from touchline.launch import local
from touchline.launch.local import barrier_of, train
from touchline.protocol.errors import AddressError
from touchline.protocol.transport import TrainerSocket
from touchline.trainer import runtime as runtime_module
from touchline.trainer.stopping import Ending


@pytest.fixture
def sockets(monkeypatch) -> list[TrainerSocket]:
    """The sockets that runs open."""
    opened: list[TrainerSocket] = []

    def noted(config):
        opened.append(open_socket(config))
        return opened[-1]

    open_socket = local.open_socket
    monkeypatch.setattr(local, "open_socket", noted)
    return opened


class NoSupervisor:
    """Starts nothing; notes that it was closed, and with what."""

    closed: list[object]

    def __init__(self, *, count, address, logs):
        type(self).closed = []

    def poll(self, on_death, *, restart=True):
        pass

    def close(self, *, told=None):
        self.closed.append(told)


class BrokenSupervisor(NoSupervisor):
    def __init__(self, **more):
        raise OSError("no more processes")


def raises(error: Exception):
    def function(*args, **more):
        raise error

    return function


def test_the_socket_is_closed_when_the_players_cannot_be_started(configure, run, sockets, monkeypatch):
    monkeypatch.setattr(local, "Supervisor", BrokenSupervisor)
    with pytest.raises(OSError, match="no more processes"):
        train(configure(), run)
    assert sockets[0]._context.closed


def test_socket_and_players_are_closed_when_the_trainer_cannot_be_made(configure, run, sockets, monkeypatch):
    monkeypatch.setattr(local, "Supervisor", NoSupervisor)
    monkeypatch.setattr(runtime_module, "TrainerRuntime", raises(ValueError("ours")))
    with pytest.raises(ValueError, match="ours"):
        train(configure(), run)
    assert NoSupervisor.closed == [set()]  # nobody was told anything
    assert sockets[0]._context.closed


def test_socket_and_players_are_closed_when_the_address_cannot_be_announced(
    configure, run, sockets, monkeypatch
):
    monkeypatch.setattr(local, "Supervisor", NoSupervisor)
    with pytest.raises(BrokenPipeError):
        train(configure(), run, players=0, announce=raises(BrokenPipeError()))
    assert NoSupervisor.closed == [set()]
    assert sockets[0]._context.closed


def test_an_environment_object_travels_over_the_local_socket_only(configure, run, sockets, monkeypatch):
    started = []
    monkeypatch.setattr(local, "Supervisor", started.append)
    with pytest.raises(AddressError) as caught:
        train(configure(**{"net.bind": "127.0.0.1"}), run, factory=b"pickled")
    assert "only over the run's own local socket" in str(caught.value)
    assert "env.id" in str(caught.value)
    assert started == []
    assert sockets[0]._context.closed


# -- how many must be ready


@pytest.mark.parametrize(
    ("mode", "configured", "count", "barrier"),
    [
        ("sync", "auto", 3, 3),
        ("sync", "auto", 0, 1),
        ("sync", 4, 4, 4),
        ("sync", 4, 0, 4),
        ("async", 4, 4, 1),
        ("async", "auto", 0, 1),
    ],
)
def test_in_sync_mode_the_first_round_waits_for_all(configure, mode, configured, count, barrier):
    config = configure(**{"mode": mode, "players.count": configured})
    assert barrier_of(config, count) == barrier


def test_a_lone_sync_trainer_admits_any_number(configure, run, monkeypatch):
    """With ``players.count: auto`` and Players started by hand: the config is as it was written."""
    given = {}

    def noted(config, *args, **more):
        given.update(more, config=config)
        raise ValueError("seen enough")

    monkeypatch.setattr(runtime_module, "TrainerRuntime", noted)
    config = configure(mode="sync", **{"players.count": "auto"})
    with pytest.raises(ValueError, match="seen enough"):
        train(config, run, players=0)
    assert (given["config"], given["admitted"], given["barrier"]) == (config, None, 1)


# -- interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_in_order(number):
    endings: list[Ending] = []
    found = signal.signal(number, signal.SIG_DFL)  # whoever runs the tests may ignore it, as nohup does
    try:
        with local._interruptible(endings.append):
            os.kill(os.getpid(), number)
            assert [ending.reason for ending in endings] == ["interrupted"]
            with pytest.raises(KeyboardInterrupt):  # a second one, at once
                os.kill(os.getpid(), number)
            assert signal.getsignal(number) == signal.SIG_DFL  # a third is the system's own
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, found)


def test_a_hangup_that_is_ignored_stays_ignored():
    """As nohup has it."""
    endings: list[Ending] = []
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with local._interruptible(endings.append):
            os.kill(os.getpid(), signal.SIGHUP)
        assert endings == []
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_off_the_main_thread_signals_are_left_alone():
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def enter():
        with local._interruptible(lambda ending: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]


# -- results ahead


@pytest.mark.parametrize("length", [16, "episode"])
def test_with_results_ahead_a_run_goes_on(configure, run, length):
    overrides = {"players.count": 2, "staleness.ahead": 1, "players.unroll_length": length}
    summary = train(configure(**overrides), run)
    assert summary.reason.startswith("steps: ")
    assert summary.ledger.total["trained"] > 10
