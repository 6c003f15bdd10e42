"""What a Player process believes, for how long it waits, and what it says meanwhile."""

from __future__ import annotations

import io
import math
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from touchline.player import process
from touchline.player.process import Options, is_own_socket, patience
from touchline.protocol.transport import TrainerSocket


@pytest.mark.parametrize(
    ("options", "configured", "seconds"),
    [
        ({}, None, 60.0),
        ({}, 5.0, 5.0),
        ({"reconnect_seconds": 9.0}, None, 9.0),
        ({"reconnect_seconds": 9.0}, 5.0, 9.0),
        ({"tied": True}, None, math.inf),
        ({"tied": True}, 5.0, math.inf),
        ({"tied": True, "reconnect_seconds": 9.0}, 5.0, math.inf),
    ],
)
def test_how_long_to_go_without_a_trainer(options, configured, seconds):
    assert patience(Options("ipc://x", **options), configured=configured) == seconds


class FakeLink:
    """Notes the patience it is given."""

    interrupted = False

    def __init__(self, address, identity, *, reconnect_seconds, watch):
        self.patience = [reconnect_seconds]
        links.append(self)

    def start(self):
        pass

    def close(self):
        pass

    def reconnect_for(self, seconds):
        self.patience.append(seconds)


class FakeService:
    """Calls back what a service would, once."""

    def __init__(self, link, *, trusted, on_config, on_wait):
        self.callbacks = on_config, on_wait
        trusts.append(trusted())

    def run(self):
        on_config, on_wait = self.callbacks
        on_wait("1 Players play already")
        on_config(configs[0])


links: list[FakeLink] = []
trusts: list[bool] = []
configs: list[object] = []


@pytest.fixture
def faked(monkeypatch, stage):
    monkeypatch.setattr(process, "Link", FakeLink)
    monkeypatch.setattr(process, "PlayerService", FakeService)
    links.clear()
    trusts.clear()
    configs[:] = [stage(**{"net.reconnect": "5s"}).config]


@pytest.mark.parametrize(("given", "expected"), [(None, [60.0, 5.0]), (9.0, [9.0, 9.0])])
def test_an_explicit_patience_outlives_the_welcome(faked, given, expected):
    assert process.play(Options("ipc:///none", reconnect_seconds=given), err=io.StringIO()) == 0
    assert links[0].patience == expected


@pytest.mark.parametrize("quiet", [True, False])
def test_a_player_by_hand_says_that_it_waits(faked, quiet):
    err = io.StringIO()
    process.play(Options("ipc:///none", quiet=quiet), err=err)
    said = (
        "looking for a Trainer at ipc:///none",
        "waiting: 1 Players play already",
        "joined: CartPole-v1",
        "the run has ended",
    )
    assert err.getvalue() == ("" if quiet else "".join(f"touchline player: {line}\n" for line in said))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:5555", "inproc://x", "ipc:///no/such/socket"])
def test_what_is_not_the_runs_own_socket(address):
    assert not is_own_socket(address)


def test_the_runs_own_socket_is_trusted(faked):
    with TrainerSocket.local() as trainer:
        assert is_own_socket(trainer.address)
        process.play(Options(trainer.address), err=io.StringIO())
    process.play(Options("tcp://127.0.0.1:5555"), err=io.StringIO())
    assert trusts == [True, False]


def test_a_socket_of_another_user_or_where_others_can_put_one_is_not_trusted(tmp_path: Path, monkeypatch):
    tmp_path.chmod(0o700)
    address = f"ipc://{tmp_path}/trainer"
    (tmp_path / "trainer").touch()
    assert not is_own_socket(address)  # a file
    (tmp_path / "trainer").unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "trainer"))
        assert is_own_socket(address)
        tmp_path.chmod(0o777)
        assert not is_own_socket(address)
        tmp_path.chmod(0o700)
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        assert not is_own_socket(address)


def test_a_tied_player_does_not_give_up(tmp_path):
    """Its Trainer may be suspended for longer than any patience; the pipe says when it has ended."""
    command = [sys.executable, "-P", "-m", "touchline.player", "--connect", f"ipc://{tmp_path}/nobody"]
    player = subprocess.Popen(
        [*command, "--tied", "--reconnect", "0.2"], stdin=subprocess.PIPE, start_new_session=True
    )
    with pytest.raises(subprocess.TimeoutExpired):
        player.wait(3.0)
    player.stdin.close()
    assert player.wait(30.0) == 0
