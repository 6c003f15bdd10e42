"""Runs on this machine, small enough for a test, and the promise that none leaves a process behind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from touchline.configs import Config, load
from touchline.record import RunDirectory

sys.path.insert(0, str(Path(__file__).parent / "support"))

Configure = Callable[..., Config]


@pytest.fixture(autouse=True)
def no_orphans() -> Iterator[None]:
    """Every child process that a test starts is reaped before it ends."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    assert not left, f"left behind: {left}"


@pytest.fixture
def configure() -> Configure:
    """A small config from a preset and overrides by dotted key."""

    def made(preset: str = "cartpole", **overrides: object) -> Config:
        small = {
            "players.lanes": 4,
            "players.unroll_length": 16,
            "trainer.batch_steps": 64,
            "env.vectorize": "never",
            "stop.mean_return": "null",
            "stop.steps": 2000,
        }
        chosen = small | {key.replace("__", "."): value for key, value in overrides.items()}
        return load(preset, [(key, str(value)) for key, value in chosen.items()]).config

    return made


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path / "runs", env="CartPole-v1", seed=0)


@pytest.fixture
def new_run(tmp_path: Path) -> Callable[[str], RunDirectory]:
    return lambda name: RunDirectory.create(tmp_path / "runs", env="CartPole-v1", seed=0, name=name)
