"""Every form of ``env.id``, and a message with the nearest names for what is none."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import pytest

from touchline.envs.errors import MissingExtra, NotMade, UnknownEnvironment
from touchline.envs.locate import missing_extra, nearest, split_reference
from touchline.envs.resolve import resolve
from touchline.envs.spec import EnvSpec

SOURCE = """
from dataclasses import dataclass

import gymnasium
import numpy as np

import {sibling}


@dataclass
class Mine(gymnasium.Env):
    size: int = 2

    def __post_init__(self):
        self.observation_space = gymnasium.spaces.Box(-1, 1, (self.size,))
        self.action_space = gymnasium.spaces.Discrete({sibling}.ACTIONS)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(self.size, np.float32), {{}}

    def step(self, action):
        return np.zeros(self.size, np.float32), 0.0, True, False, {{}}


class Outer:
    Inner = Mine


def build(size):
    return Mine(size)


NUMBER = 3
gymnasium.register("{prefix}/Mine-v0", Mine, max_episode_steps=5)
"""


@pytest.fixture
def clean_imports() -> Iterator[None]:
    """What a test imports and registers is forgotten after it."""
    modules, path, registry = set(sys.modules), list(sys.path), dict(gymnasium.registry)
    yield
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    sys.path[:] = path
    gymnasium.registry.clear()
    gymnasium.registry.update(registry)


@pytest.fixture
def folder(tmp_path: Path, clean_imports: None) -> Path:
    """A folder with ``own_env.py``, which imports a file beside it."""
    (tmp_path / "own_sibling.py").write_text("ACTIONS = 3\n")
    (tmp_path / "own_env.py").write_text(SOURCE.format(sibling="own_sibling", prefix="own"))
    return tmp_path


def made(env_id: Any, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    env = resolve(EnvSpec(env_id, kwargs=kwargs)).make()
    env.reset(seed=0)
    return env


# Gymnasium ids.


def test_an_id_is_made_with_its_time_limit_and_without_checkers() -> None:
    env = made("CartPole-v1", max_episode_steps=7)
    assert env.spec is not None
    assert env.spec.max_episode_steps == 7
    layers = []
    while isinstance(env, gymnasium.Wrapper):
        layers.append(type(env).__name__)
        env = env.env
    assert layers == ["TimeLimit"]


def test_resolving_leaves_the_registry_as_it_was() -> None:
    resolve(EnvSpec("CartPole-v1")).make()
    assert gymnasium.registry["CartPole-v1"].order_enforce


def test_an_older_version_warns_nobody_and_no_version_is_the_latest() -> None:
    assert resolve(EnvSpec("CartPole-v0")).name == "CartPole-v0"  # a warning would be an error here
    assert resolve(EnvSpec("CartPole")).name == "CartPole-v1"


def test_more_arguments_can_be_given_when_it_is_made() -> None:
    env = resolve(EnvSpec("CartPole-v1")).make(render_mode="rgb_array")
    assert env.render_mode == "rgb_array"


def test_our_own_are_registered_when_resolved(clean_imports: None) -> None:
    for name in [name for name in gymnasium.registry if name.startswith("touchline/")]:
        del gymnasium.registry[name]
    resolve(EnvSpec("CartPole-v1"))
    assert not any(name.startswith("touchline/") for name in gymnasium.registry)
    assert made("touchline/Corridor-v0", length=3).unwrapped.optimum == -2.0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("env_id", "says"),
    [
        ("cartpole-v1", "Did you mean 'CartPole-v1' or 'CartPole-v0'?"),
        ("CartPole-v9", "Did you mean 'CartPole-v1' or 'CartPole-v0'?"),
        ("CartPol-v1", "'CartPole-v1'"),
        ("LunarLander-v2", "Did you mean 'LunarLander-v3'?"),
        ("touchline/Coridor-v0", "'touchline/Corridor-v0'"),
        ("Zzz/Qqq-v0", "'touchline envs' lists"),
        ("not an id", "'touchline envs' lists"),
        ("", "'touchline envs' lists"),
    ],
)
def test_an_unknown_id_names_the_nearest(env_id: str, says: str) -> None:
    with pytest.raises(UnknownEnvironment) as caught:
        resolve(EnvSpec(env_id))
    assert str(caught.value).startswith(f"unknown environment {env_id!r}.")
    assert says in str(caught.value)


# Modules and files.


@pytest.mark.parametrize("name", ["Mine", "Outer.Inner", "own/Mine-v0", "own/Mine"])
def test_a_file_gives_a_class_or_an_id_it_registers(folder: Path, name: str) -> None:
    env = made(f"{folder}/own_env.py:{name}")
    assert env.action_space == gymnasium.spaces.Discrete(3)


def test_a_file_is_loaded_once(folder: Path) -> None:
    spec = EnvSpec(f"{folder}/own_env.py:Mine")
    assert resolve(spec).creator is resolve(spec).creator


def test_a_file_named_as_an_installed_module_is_itself(folder: Path) -> None:
    (folder / "own_env.py").rename(folder / "gymnasium.py")
    env = made(f"{folder}/gymnasium.py:Mine")
    assert type(env).__name__ == "Mine"
    assert sys.modules["gymnasium"] is gymnasium


def test_a_function_gets_the_arguments(folder: Path) -> None:
    env = made(f"{folder}/own_env.py:build", size=4)
    assert env.observation_space.shape == (4,)


def test_a_module_in_the_working_folder_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(folder))])
    assert made("own_env:Mine").observation_space.shape == (2,)
    assert resolve(EnvSpec("own_env:own/Mine-v0")).name == "own/Mine-v0"


def test_a_module_that_registers_an_id_may_be_anywhere() -> None:
    assert resolve(EnvSpec("gymnasium.envs:CartPole-v1")).name == "CartPole-v1"
    assert made("gymnasium.envs.classic_control.cartpole:CartPoleEnv") is not None


@pytest.mark.parametrize(
    ("reference", "error", "says"),
    [
        ("{folder}/own_env.py:Mime", UnknownEnvironment, "Did you mean 'Mine'?"),
        ("{folder}/own_env.py:own/Mime-v0", UnknownEnvironment, "'own/Mine-v0'"),
        ("{folder}/own_emv.py:Mine", UnknownEnvironment, "Did you mean 'own_env.py'?"),
        ("{folder}/nowhere/x.py:Mine", UnknownEnvironment, "no file"),
        ("{folder}/own_env.py:NUMBER", NotMade, "expected a class or a function, found int"),
        ("no_such_package.envs:Mine", UnknownEnvironment, "no module 'no_such_package'"),
        ("json:Mine", UnknownEnvironment, "json has no 'Mine'"),
        ("{folder}/broken.py:Mine", NotMade, "raised ZeroDivisionError: division by zero"),
        ("{folder}/needs.py:Mine", MissingExtra, "No module named 'no_such_package'"),
    ],
)
def test_a_reference_that_leads_nowhere(folder: Path, reference: str, error: type, says: str) -> None:
    (folder / "broken.py").write_text("1 / 0\n")
    (folder / "needs.py").write_text("import no_such_package\n")
    with pytest.raises(error) as caught:
        resolve(EnvSpec(reference.format(folder=folder)))
    assert says in str(caught.value)


def test_a_file_that_failed_is_tried_again(folder: Path) -> None:
    (folder / "broken.py").write_text("1 / 0\n")
    spec = EnvSpec(f"{folder}/broken.py:Mine")
    with pytest.raises(NotMade):
        resolve(spec)
    (folder / "broken.py").write_text("Mine = object\n")
    assert resolve(spec).creator is object


# Objects, and what can go wrong in making them.


def test_a_class_and_a_function_are_taken_as_they_are(counter: Any) -> None:
    assert made(counter, length=5).length == 5  # type: ignore[attr-defined]
    assert made(lambda: counter(length=6)).length == 6  # type: ignore[attr-defined]
    assert resolve(EnvSpec(counter)).name == "Counter"


@pytest.mark.parametrize(
    ("factory", "kwargs", "error", "says"),
    [
        (lambda: 3, {}, NotMade, "expected a gymnasium.Env, found 3"),
        ("CartPole-v1", {"gravitas": 9}, NotMade, "unexpected keyword argument 'gravitas'"),
    ],
)
def test_what_cannot_be_made_says_why(factory: Any, kwargs: Any, error: type, says: str) -> None:
    with pytest.raises(error) as caught:
        resolve(EnvSpec(factory, kwargs=kwargs)).make()
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("env_id", "module", "extra"), [("Ant-v5", "mujoco", "mujoco"), ("ALE/Pong-v5", "ale_py", "atari")]
)
def test_an_environment_whose_package_is_missing_names_the_extra(
    env_id: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if module == "mujoco" and importlib.util.find_spec(module) is not None:
        pytest.skip(f"{module} is installed")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf"extra {extra}: .*'\.\[{extra}\]'"):
        resolve(EnvSpec(env_id)).make()


def test_a_game_by_its_old_name_needs_no_namespace() -> None:
    pytest.importorskip("ale_py")
    assert resolve(EnvSpec("Pong-v0")).name == "Pong-v0"
    assert resolve(EnvSpec("PongNoFrameskip")).name == "PongNoFrameskip-v4"
    with pytest.raises(UnknownEnvironment, match="'Pong-v4' or 'Pong-v0'"):
        resolve(EnvSpec("Pong-v7"))


def test_the_games_are_asked_for_only_by_names_that_nobody_else_has(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr("touchline.envs.resolve.register_atari", lambda: asked.append(True))
    resolve(EnvSpec("CartPole-v1"))
    resolve(EnvSpec("CartPole"))
    resolve(EnvSpec("touchline/Corridor-v0"))
    assert asked == []
    with pytest.raises(UnknownEnvironment):
        resolve(EnvSpec("NoSuchGame-v0"))
    assert asked == [True]


def test_an_unknown_name_without_the_games_is_no_more_than_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ale_py", None)
    with pytest.raises(UnknownEnvironment, match="'Gravitational-v0'"):
        resolve(EnvSpec("Gravitational-v0"))


# The parts.


@pytest.mark.parametrize(
    ("complaint", "says"),
    [
        (
            "Box2D is not installed, run `pip install swig`",
            "Box2D is not installed. Install touchline with its extra box2d: in its checkout, pip install '.[box2d]'",
        ),
        ("MuJoCo is not installed", "its extra mujoco"),
        ("pygame is not installed", "its extra view"),
    ],
)
def test_a_missing_package_names_the_extra_that_brings_it(complaint: str, says: str) -> None:
    assert says in str(missing_extra("X-v0", ImportError(complaint)))


def test_a_missing_module_of_no_extra_names_itself() -> None:
    error = ModuleNotFoundError("No module named 'jax.numpy'", name="jax.numpy")
    assert str(missing_extra("X-v0", error)).endswith("Install it: pip install jax")


def test_nearest_minds_no_case_and_knows_when_nothing_is_close() -> None:
    assert nearest("CARTPOLE", ["CartPole", "Pendulum"]) == ["CartPole"]
    assert nearest("zzz", ["CartPole"]) == []


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("CartPole-v1", None),
        ("ns/Id-v0", None),
        ("pkg.mod:Id-v0", ("pkg.mod", "Id-v0")),
        ("C:/x/file.py:Class", ("C:/x/file.py", "Class")),
        (":Class", None),
        ("pkg:", None),
    ],
)
def test_references_are_split_at_the_last_colon(reference: str, parts: Any) -> None:
    assert split_reference(reference) == parts


def test_importing_the_resolver_imports_no_gymnasium() -> None:
    code = "import sys, touchline.envs.resolve; sys.exit('gymnasium' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
