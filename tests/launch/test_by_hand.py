"""Players started by hand against a Trainer that runs alone: who is let in, who waits, who is told to go."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from touchline.configs import load
from touchline.launch.local import open_socket
from touchline.trainer.failures import RunFailed
from touchline.trainer.runtime import TrainerRuntime
from touchline.trainer.stopping import Ending

WAIT_SECONDS = 30.0


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that other processes bring about; fail after half a minute."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came about"
        threading.Event().wait(0.02)


class Alone:
    """A Trainer in a thread, and the Players that the test starts."""

    def __init__(self, runtime: TrainerRuntime) -> None:
        self.runtime = runtime
        self.summary = None
        self.players: list[subprocess.Popen] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.summary = self.runtime.run_to_end()

    def player(self, name: str, *, code: str | None = None) -> subprocess.Popen:
        start = ["-c", code] if code else ["-m", "touchline.player"]
        command = [sys.executable, "-P", *start, "--connect", self.runtime.address, "--name", name]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.players.append(process)
        return process

    def received(self, name: str) -> int:
        rows = {row.name: row.received for row in self.runtime.service.view.rows}
        return rows.get(name, 0)

    def close(self) -> None:
        self.runtime.stop(Ending("the test is over", solved=False))
        self._thread.join(WAIT_SECONDS)
        assert not self._thread.is_alive()
        for process in self.players:
            process.communicate(timeout=WAIT_SECONDS)


@pytest.fixture
def alone(configure, run) -> Iterator[Callable[..., Alone]]:
    made: list[Alone] = []

    def start(*, admitted: int = 8, **overrides: object) -> Alone:
        config = configure(**{"stop.steps": 100_000_000, "net.dead": "3s", **overrides})
        socket = open_socket(config)
        made.append(Alone(TrainerRuntime(config, run, socket, admitted=admitted)))
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_players_come_and_go_and_come_back(alone):
    trainer = alone()
    first = trainer.player("first")
    until(lambda: trainer.received("first") > 3)
    first.kill()
    first.wait()
    until(lambda: not trainer.runtime.crew.present)  # silent for the dead time
    trainer.player("second")
    until(lambda: trainer.received("second") > 3)
    before = trainer.received("first")
    trainer.player("first")
    until(lambda: trainer.received("first") > before + 3)
    trainer.close()
    players = trainer.summary.ledger.players
    assert set(players) == {"first", "second"}
    assert all(row["in_flight"] == row["queued"] == 0 for row in players.values())


def test_one_too_many_stands_by_until_there_is_room(alone):
    trainer = alone(admitted=1)
    first = trainer.player("first")
    until(lambda: trainer.received("first") > 0)
    second = trainer.player("second")
    until(lambda: trainer.received("first") > 200)
    assert second.poll() is None
    assert trainer.received("second") == 0
    first.terminate()
    until(lambda: trainer.received("second") > 0)


def test_a_name_that_is_taken_is_refused_with_what_to_do(alone):
    trainer = alone()
    trainer.player("twin")
    until(lambda: trainer.received("twin") > 0)
    other = trainer.player("twin")
    assert other.wait(WAIT_SECONDS) == 2
    said = other.stderr.read()
    assert "NAME_TAKEN" in said
    assert "Choose another name" in said
    assert "Traceback" not in said


def test_a_player_that_cannot_read_the_table_is_named(run, tmp_path):
    """The first of all: there is nothing to go on with."""
    path = tmp_path / "only_elsewhere.csv"
    config = load(values={"method": "descent", "table.source": str(path), "net.dead": "3s"}).config
    runtime = TrainerRuntime(config, run, open_socket(config), admitted=8)
    command = [sys.executable, "-P", "-m", "touchline.player", "--connect", runtime.address, "--name", "far"]
    player = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    with pytest.raises(RunFailed) as caught:
        runtime.run_to_end()
    assert (str(caught.value), caught.value.exit_code) == (f"far: {path}: no such file or folder.", 2)
    player.communicate(timeout=WAIT_SECONDS)


def test_a_player_that_speaks_another_protocol_is_told_both_versions(alone):
    trainer = alone()
    code = (
        "import sys, touchline.protocol.identity as identity\n"
        "identity.PROTOCOL = 99\n"
        "from touchline.player.__main__ import main\n"
        "sys.exit(main())\n"
    )
    other = trainer.player("future", code=code)
    assert other.wait(WAIT_SECONDS) == 2
    said = other.stderr.read()
    assert "BAD_VERSION" in said
    assert "99" in said
    assert "install the same touchline" in said


def test_a_player_with_no_trainer_says_so(tmp_path):
    command = [sys.executable, "-P", "-m", "touchline.player", "--connect", f"ipc://{tmp_path}/nobody"]
    found = subprocess.run(
        [*command, "--reconnect", "0.5"], capture_output=True, text=True, timeout=WAIT_SECONDS
    )
    assert found.returncode == 2
    assert "no Trainer answered at ipc://" in found.stderr
    assert "Traceback" not in found.stderr


def test_an_address_that_is_none_says_what_one_looks_like():
    command = [sys.executable, "-P", "-m", "touchline.player", "--connect", "nowhere"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_SECONDS)
    assert found.returncode == 2
    assert "expected transport://place" in found.stderr
    assert "Traceback" not in found.stderr
