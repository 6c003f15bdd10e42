"""The presets: all found, all sound, each what its name says."""

from __future__ import annotations

from pathlib import Path

import pytest

from touchline.configs import Config, load, preset_names, resolve_gradient
from touchline.configs.presets import FOLDER, find

NAMES = preset_names()


def preset(name: str) -> Config:
    return load(name).config


EXPECTED = (
    *(
        "acrobot",
        "atari-pong",
        "cartpole",
        "cartpole-ppo",
        "cartpole-reinforce",
        "halfcheetah",
        "lunarlander",
    ),
    *("lunarlander-continuous", "mountaincar-continuous", "pendulum", "pong-pixels", "recall"),
)


def test_these_are_the_presets() -> None:
    assert NAMES == EXPECTED


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_loads_and_is_named(name: str) -> None:
    resolved = load(name)
    assert resolved.name == name
    assert resolved.origin["env.id"].startswith(f"{name}.yaml:")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["async", "sync", "serial"])
def test_a_preset_runs_in_every_mode(name: str, mode: str) -> None:
    assert load(name, [("mode", mode)]).config.mode == mode


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_says_why(name: str) -> None:
    assert (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").count("# ") >= 2


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_found_by_its_path_as_well(name: str) -> None:
    assert load(FOLDER / f"{name}.yaml").config == preset(name)


@pytest.mark.parametrize(
    ("name", "env_id"),
    [
        ("cartpole", "CartPole-v1"),
        ("cartpole-ppo", "CartPole-v1"),
        ("cartpole-reinforce", "CartPole-v1"),
        ("acrobot", "Acrobot-v1"),
        ("lunarlander", "LunarLander-v3"),
        ("mountaincar-continuous", "MountainCarContinuous-v0"),
        ("lunarlander-continuous", "LunarLanderContinuous-v3"),
        ("halfcheetah", "HalfCheetah-v5"),
        ("recall", "touchline/Recall-v0"),
        ("atari-pong", "ALE/Pong-v5"),
        ("pendulum", "Pendulum-v1"),
        ("pong-pixels", "Pong-v0"),
    ],
)
def test_a_preset_is_of_its_environment(name: str, env_id: str) -> None:
    assert preset(name).env.id == env_id


def test_cartpole_trains_from_the_pushed_hidden_states() -> None:
    config = preset("cartpole")
    assert (config.trainer.algorithm, config.trainer.advantage) == ("a2c", "gae")
    assert config.trainer.gradient == "reuse"
    assert (config.trainer.epochs, config.trainer.minibatch_steps) == (1, None)
    assert config.staleness.correction == "none"


def test_cartpole_reinforce_is_the_classic_form() -> None:
    config = preset("cartpole-reinforce")
    assert (config.trainer.algorithm, config.trainer.advantage) == ("reinforce", "monte_carlo")
    assert (config.players.unroll_length, config.optimizer.rule) == ("episode", "rmsprop")
    assert resolve_gradient(config) == "reuse"
    assert config.staleness.on_excess == "hold"


@pytest.mark.parametrize("name", ["cartpole-ppo", "lunarlander", "pendulum"])
def test_ppo_presets_recompute(name: str) -> None:
    assert preset(name).trainer.algorithm == "ppo"
    assert resolve_gradient(preset(name)) == "recompute"


def test_a_preset_wins_over_a_file_of_its_bare_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cartpole").write_text("env: {id: Other-v0}\n")
    Path("cartpole.yaml").write_text("env: {id: Mine-v0}\n")
    assert load("cartpole").config.env.id == "CartPole-v1"
    assert load("cartpole.yaml").config.env.id == "Mine-v0"


def test_a_source_carries_what_messages_call_it(tmp_path: Path) -> None:
    assert find("acrobot").shown == "acrobot.yaml"
    path = tmp_path / "deep.yml"
    path.write_text("env: {id: X-v0}\n")
    assert find(path)[1:] == ("deep", str(path))
