"""Factories as bytes: what a Player that has none of the Trainer's files can make of them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from gymnasium.envs.classic_control import CartPoleEnv

from touchline.envs.errors import NotMade
from touchline.envs.resolve import resolve
from touchline.envs.shipping import factory_from_bytes, factory_to_bytes
from touchline.envs.spec import EnvSpec

READER = """
import sys
from touchline.envs.resolve import resolve
from touchline.envs.shipping import factory_from_bytes
from touchline.envs.spec import EnvSpec

env = resolve(EnvSpec(factory_from_bytes(sys.stdin.buffer.read()))).make()
print(type(env).__name__, env.reset(seed=7)[0].tolist(), env.gravity if hasattr(env, "gravity") else "")
"""
SOURCE = """
from gymnasium.envs.classic_control import CartPoleEnv

PULL = 1.5


def pull():
    return PULL


class Moon(CartPoleEnv):
    def __init__(self):
        super().__init__()
        self.gravity = pull()
"""


def read_elsewhere(data: bytes) -> str:
    """What another process, with none of this one's modules and paths, makes of the bytes."""
    command = [sys.executable, "-P", "-c", READER]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout.decode()


def test_a_lambda_and_a_class_of_this_process_travel(counter: Any) -> None:
    length = 4
    assert resolve(EnvSpec(factory_from_bytes(factory_to_bytes(lambda: counter(length))))).make().length == 4  # type: ignore[attr-defined]
    assert "Counter [7.0, 0.0]" in read_elsewhere(factory_to_bytes(counter))


def test_a_class_of_a_file_travels_with_what_it_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "moon_for_test.py"
    path.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("moon_for_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "moon_for_test", module)
    spec.loader.exec_module(module)
    data = factory_to_bytes(module.Moon)
    path.unlink()
    assert read_elsewhere(data).startswith("Moon [")
    assert "1.5" in read_elsewhere(data)


def test_an_installed_class_travels_as_its_name() -> None:
    data = factory_to_bytes(CartPoleEnv)
    assert len(data) < 200
    assert factory_from_bytes(data) is CartPoleEnv


def test_our_own_travel_as_their_names() -> None:
    from touchline.envs.builtin import Corridor

    assert factory_from_bytes(factory_to_bytes(Corridor)) is Corridor


def test_what_cannot_travel_says_so() -> None:
    lock = threading.Lock()
    with pytest.raises(NotMade, match=r"cannot be sent to a Player: .*lock"):
        factory_to_bytes(lambda: lock)


@pytest.mark.parametrize("data", [b"", b"garbage", factory_to_bytes(CartPoleEnv)[:-9]])
def test_bytes_that_are_no_factory_say_so(data: bytes) -> None:
    with pytest.raises(NotMade, match="cannot be loaded"):
        factory_from_bytes(data)
