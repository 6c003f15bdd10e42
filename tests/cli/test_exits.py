from __future__ import annotations

import errno
from pathlib import Path

import click
import pytest

from touchline.cli.exits import explained
from touchline.configs import ConfigError, load
from touchline.envs.errors import UnknownEnvironment
from touchline.launch.recording import Crashed
from touchline.policy.spaces import SpaceError
from touchline.protocol.errors import AddressError
from touchline.record import RunNameError, RunNotFound
from touchline.trainer.failures import RunFailed


def faults(*flags: tuple[str, str]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load("cartpole", flags)
    return caught.value


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (UnknownEnvironment("unknown environment 'x'"), 2, "error: unknown environment 'x'\n"),
        (SpaceError("action space: no"), 2, "error: action space: no\n"),
        (AddressError("tcp://x: in use"), 2, "error: tcp://x: in use\n"),
        (RunNotFound("run 'x': not found"), 2, "error: run 'x': not found\n"),
        (RunNameError("name: expected a folder"), 2, "error: name: expected a folder\n"),
        (click.UsageError("no such thing"), 2, "error: no such thing\n"),
        (click.ClickException("no"), 2, "error: no\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (click.Abort(), 130, "error: interrupted\n"),
        (SystemExit(1), 141, ""),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 2, "error: /x: Permission denied\n"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "error: a file: No space left on device\n"),
    ],
)
def test_each_error_has_its_line_and_code(capsys, error, code, text):
    assert explained(error) == code
    said = capsys.readouterr()
    assert said.err == text
    assert said.out == ""


def test_one_fault_of_a_config_is_a_line(capsys):
    assert explained(faults(("players.cuont", "2"))) == 2
    assert (
        capsys.readouterr().err
        == "error: --players.cuont: unknown key 'players.cuont'. Did you mean 'players.count'?\n"
    )


def test_several_faults_of_a_config_are_a_list(capsys):
    assert explained(faults(("players.cuont", "2"), ("lr", "1"))) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "error: 2 faults in the config"
    assert [line[:4] for line in lines[1:]] == ["  --", "  --"]


@pytest.mark.parametrize("code", [2, 3])
def test_a_failed_run_has_its_own_code_and_one_traceback(capsys, code):
    detail = "step(): broke\nTraceback\n  File x\nRuntimeError: broke\n\nkept in runs/x"
    assert (
        explained(RunFailed("5 failures alike in a row: step(): broke", exit_code=code, detail=detail))
        == code
    )
    text = capsys.readouterr().err
    assert text.count("step(): broke") == 1
    assert text.count("Traceback") == 1
    assert text.endswith("kept in runs/x\n")


def test_a_failed_run_without_detail_is_a_line(capsys):
    assert explained(RunFailed("no", exit_code=3)) == 3
    assert capsys.readouterr().err == "error: no\n"


def test_a_detail_of_its_own_is_kept_whole(capsys):
    explained(RunFailed("2 failures", exit_code=3, detail="first\nsecond"))
    assert capsys.readouterr().err == "error: 2 failures\nfirst\nsecond\n"


def test_a_fault_of_ours_in_a_run_names_the_file(capsys):
    assert explained(Crashed("ValueError: 3", Path("runs/x/crashes/1-touchline.txt"))) == 1
    assert capsys.readouterr().err == (
        "error: a fault of touchline itself: ValueError: 3\nplease report it with runs/x/crashes/1-touchline.txt\n"
    )


@pytest.mark.parametrize("error", [ValueError("3"), OSError(errno.EBADF, "Bad file descriptor")])
def test_a_fault_of_ours_elsewhere_keeps_its_traceback(capsys, monkeypatch, tmp_path, error):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert explained(error) == 1
    text = capsys.readouterr().err
    path = Path(text.strip().rpartition("report it with ")[2])
    assert path.parent == tmp_path
    assert "Traceback" not in text
    assert path.read_text().splitlines()[-1] == f"{type(error).__name__}: {error}"
