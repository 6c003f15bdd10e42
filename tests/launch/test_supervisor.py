"""Player processes: how they end with their run, what they leave behind, and how they come back."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from touchline.launch import supervisor as module
from touchline.launch.local import open_socket, train
from touchline.launch.supervisor import Supervisor
from touchline.trainer.runtime import TrainerRuntime
from touchline.trainer.stopping import Ending

WAIT_SECONDS = 30.0
ENDS_WITH_ITS_PIPE = """
import os, sys, threading

def wait():
    while os.read(0, 100):
        pass
    os._exit(7)

threading.Thread(target=wait, daemon=True).start()
"""
LEAVES_A_SIMULATOR = """
import subprocess, sys
simulator = subprocess.Popen(["sleep", "600"])
open("simulator", "w").write(str(simulator.pid))
"""
WELL_BEHAVED = """
import os, subprocess, time
import gymnasium, numpy as np

class Env(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self):
        simulator = subprocess.Popen(["sleep", "600"])
        open(f"{os.path.dirname(__file__)}/simulator-{simulator.pid}", "w").close()

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action):
        time.sleep(0.001)
        return np.zeros(2, np.float32), 1.0, False, True, {}

    def close(self):
        time.sleep(0.1)
        open(f"{os.path.dirname(__file__)}/closed-{time.monotonic_ns()}", "w").close()
"""


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.005)


class Deaths(list[tuple[str, str]]):
    """What a supervisor tells."""

    def __call__(self, name: str, *, detail: str, text: str) -> None:
        self.append((name, detail))


class Clock:
    """Time that passes when the test says so, and as usual besides."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def supervise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Supervisor]]:
    """Supervisors of Players that run this code instead."""
    monkeypatch.chdir(tmp_path)
    made: list[Supervisor] = []

    def start(code: str, *, count: int = 1, clock: Callable[[], float] = time.monotonic) -> Supervisor:
        monkeypatch.setattr(module, "PLAYER", (sys.executable, "-P", "-c", code))
        made.append(Supervisor(count=count, address="ipc://none", logs=tmp_path / "logs", clock=clock))
        return made[-1]

    yield start
    for each in made:
        each.close(told=())


def simulators(folder: Path) -> list[int]:
    return [int(path.name.partition("-")[2]) for path in folder.glob("simulator-*")]


def simulator(folder: Path) -> int:
    """The process that the Player left, waited for."""
    until(lambda: (folder / "simulator").exists() and (folder / "simulator").read_text())
    return int((folder / "simulator").read_text())


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# -- the end


def test_a_player_told_to_stop_may_finish(supervise, tmp_path):
    code = ENDS_WITH_ITS_PIPE + "import time; time.sleep(0.3); open('finished', 'w')"
    supervise(code).close()
    assert (tmp_path / "finished").exists()


def test_one_that_was_not_told_hears_it_from_its_pipe_at_once(supervise, tmp_path):
    code = ENDS_WITH_ITS_PIPE + "open('up', 'w'); import time; time.sleep(0.8); open('finished', 'w')"
    players = supervise(code)
    until((tmp_path / "up").exists)
    players.close(told=())
    assert not (tmp_path / "finished").exists()


def test_the_wait_for_players_that_were_told_ends(supervise, tmp_path):
    players = supervise(ENDS_WITH_ITS_PIPE + "open('up', 'w'); import time; time.sleep(600)")
    until((tmp_path / "up").exists)
    began = time.monotonic()
    players.close()
    assert 0.5 < time.monotonic() - began < 3.0
    assert players.pids == []


def test_an_end_costs_no_longer_than_the_player_takes(supervise):
    players = supervise("pass")
    until(lambda: gone(players.pids[0]))
    began = time.monotonic()
    players.close()
    assert time.monotonic() - began < 0.2


def test_what_does_not_end_is_killed(supervise, tmp_path):
    players = supervise("import time; open('up', 'w'); time.sleep(600)")
    until((tmp_path / "up").exists)
    [pid] = players.pids
    players.close(told=())
    assert gone(pid)


@pytest.mark.parametrize("how", ["poll", "stopping", "close"])
def test_nothing_a_player_started_outlives_it(supervise, tmp_path, how):
    players = supervise(LEAVES_A_SIMULATOR)
    left = simulator(tmp_path)
    deaths = Deaths()
    if how == "close":
        players.close()
    else:
        until(lambda: players.poll(deaths, restart=how == "poll") or not players.pids)
    until(lambda: gone(left))


# -- restarts


def test_a_player_that_ends_while_the_run_goes_on_is_a_death_and_comes_back(supervise):
    clock, deaths = Clock(), Deaths()
    players = supervise("print('good night')", clock=clock)
    until(lambda: players.poll(deaths) or deaths)
    assert deaths == [("player-0", "exit code 0: good night")]
    assert players.pids == []
    clock.ahead += module.BACKOFF_SECONDS
    players.poll(deaths)
    assert len(players.pids) == 1


def test_while_a_run_stops_nothing_is_reported_and_nothing_restarted(supervise):
    clock, deaths = Clock(), Deaths()
    players = supervise("pass", count=2, clock=clock)
    until(lambda: players.poll(deaths, restart=False) or not players.pids)
    clock.ahead += 1000
    players.poll(deaths, restart=False)
    assert (players.pids, deaths) == ([], [])


def test_one_waiting_to_be_restarted_waits_on_while_the_run_stops(supervise):
    clock, deaths = Clock(), Deaths()
    players = supervise("pass", clock=clock)
    until(lambda: players.poll(deaths) or deaths)
    clock.ahead += 1000
    players.poll(deaths, restart=False)
    assert players.pids == []


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGKILL, "SIGKILL"), (signal.SIGRTMIN + 3, f"signal {signal.SIGRTMIN + 3}")]
)
def test_a_signal_that_ended_a_player_is_named(supervise, number, name):
    players, deaths = supervise(f"import os; os.kill(os.getpid(), {int(number)})"), Deaths()
    until(lambda: players.poll(deaths) or deaths)
    assert deaths == [("player-0", f"killed by {name}")]


def test_a_player_that_cannot_be_started_again_is_one_more_failure(supervise, monkeypatch):
    clock, deaths = Clock(), Deaths()
    players = supervise("pass", clock=clock)
    until(lambda: players.poll(deaths) or deaths)
    monkeypatch.setattr(module, "PLAYER", ("/no/such/python",))
    for failures in (1, 2):  # half a second, then one, as after any other failure
        clock.ahead += module.BACKOFF_SECONDS * failures
        players.poll(deaths)
        players.poll(deaths)
        assert len(deaths) == 1 + failures
    assert deaths[-1][0] == "player-0"
    assert deaths[-1][1].startswith("cannot be started: ")
    assert "/no/such/python" in deaths[-1][1]


def test_players_already_started_end_when_one_cannot_be(tmp_path, monkeypatch):
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def second_fails(*args: object, **more: object) -> subprocess.Popen[bytes]:
        if started:
            raise OSError("no more processes")
        started.append(real([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True))
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", second_fails)
    with pytest.raises(OSError, match="no more processes"):
        Supervisor(count=2, address="ipc://none", logs=tmp_path)
    assert started[0].returncode is not None


# -- with a Trainer


@pytest.fixture
def well_behaved(tmp_path, configure):
    file = tmp_path / "well_behaved.py"
    file.write_text(WELL_BEHAVED)
    return configure(**{"env.id": f"{file}:Env", "players.lanes": 2, "players.count": 2, "stop.steps": 500})


def test_environments_are_closed_and_their_simulators_gone_after_a_run(well_behaved, run, tmp_path):
    train(well_behaved, run)
    assert len(list(tmp_path.glob("closed-*"))) == 4
    assert len(simulators(tmp_path)) == 4
    for pid in simulators(tmp_path):
        until(lambda pid=pid: gone(pid))


def test_a_player_whose_trainer_disappears_closes_its_environments(well_behaved, run, tmp_path):
    """The pipe closes in mid play: the play loop is interrupted, and only what will not end is cut off."""
    config = well_behaved.model_copy(update={"stop": well_behaved.stop.model_copy(update={"steps": 10**9})})
    socket = open_socket(config)
    players = Supervisor(count=1, address=socket.address, logs=run.logs)
    runtime = TrainerRuntime(config, run, socket)
    thread = threading.Thread(target=runtime.run_to_end)
    thread.start()
    try:
        until(lambda: any(row.received > 2 for row in runtime.service.view.rows))
        players.close(told=())
        assert len(list(tmp_path.glob("closed-*"))) == 2
        runtime.service.post(lambda sessions, now: sessions.gone("player-0", "its pipe closed", now))
    finally:
        runtime.stop(Ending("seen enough", solved=False))
        with contextlib.suppress(Exception):
            players.close(told=())
        thread.join(WAIT_SECONDS)
    assert not thread.is_alive()
