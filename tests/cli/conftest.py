"""The command line as a user has it: text in, text and an exit code out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from touchline.cli import main

SMALL = (
    *("--players.lanes", "4", "--players.unroll_length", "16", "--trainer.batch_steps", "64"),
    *("--env.vectorize", "never", "--stop.mean_return", "null", "--stop.steps", "1500"),
)
"""Flags that make a preset's run take a second."""


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Touchline = Callable[..., Said]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test starts in a folder of its own, 80 columns wide."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(autouse=True)
def no_orphans() -> Iterator[None]:
    """Every child process that a test starts is reaped before it ends."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    assert not left, f"left behind: {left}"


@pytest.fixture
def touchline(capsys: pytest.CaptureFixture[str]) -> Touchline:
    """Call the command line in this process."""

    def call(*arguments: str) -> Said:
        capsys.readouterr()
        code = main(arguments)
        printed = capsys.readouterr()
        return Said(code, printed.out, printed.err)

    return call


@pytest.fixture
def spawned(tmp_path: Path) -> Touchline:
    """Call the command line in a process of its own."""

    def call(*arguments: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "touchline", *arguments],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "80"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one short serial run named ``taught``, to read only."""
    runs = tmp_path_factory.mktemp("trained") / "runs"
    flags = ("--mode", "serial", "--players.count", "1", *SMALL)
    assert main(["train", "cartpole", "--no-live", "--runs", str(runs), "--name", "taught", *flags]) == 0
    return runs
