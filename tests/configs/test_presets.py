"""The presets: all found, all sound, each what its name says."""

from __future__ import annotations

from pathlib import Path

import pytest

from touchline.configs import Config, load, preset_names, resolve_gradient
from touchline.configs.methods import METHODS
from touchline.configs.presets import FOLDER, find, presets_by_group

NAMES = preset_names()


def preset(name: str) -> Config:
    return load(name).config


MAIN = (
    "acrobot",
    "atari-pong",
    "cartpole",
    "cartpole-ppo",
    "cartpole-reinforce",
    "halfcheetah",
    "lunarlander",
    "lunarlander-continuous",
    "mountaincar-continuous",
    "pendulum",
    "pong-pixels",
    "recall",
)
# Of each method, its presets; the number is of the document that it comes from.
OF_METHOD = {
    "descent": (
        "001-quickprop",
        "001-rows",
        "001-weights",
        "003-adam",
        "003-gd",
        "003-momentum",
        "003-rmsprop",
        "003-sgd",
    ),
    "search": (
        "001-activations",
        "001-grid",
        "001-monte-carlo",
        "003-random-search",
        "003-uniform-search",
    ),
    "evolution": ("001-evolution", "001-evolution-cartpole"),
    "structure": ("001-structure",),
    "imitation": ("002-cartpole", "002-cartpole-fixed", "002-lunarlander"),
    "hopping": ("003-basin-hopping",),
    "krylov": ("003-natural-gradient", "003-newton"),
    "trpo": ("003-trpo-cartpole",),
    "averaging": ("004-averaging", "004-ott", "004-shared"),
}
NUMBERED = tuple(sorted(name for names in OF_METHOD.values() for name in names))
EXPECTED = (*NUMBERED, *MAIN)


def test_these_are_the_presets() -> None:
    assert NAMES == EXPECTED


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_loads_and_is_named(name: str) -> None:
    resolved = load(name)
    assert resolved.name == name
    target = "env.id" if resolved.config.env.id else "table.source"
    assert resolved.origin[target].startswith(f"{name}.yaml:")


@pytest.mark.parametrize(("method", "names"), OF_METHOD.items())
def test_a_numbered_preset_is_of_its_method(method: str, names: tuple[str, ...]) -> None:
    assert {preset(name).method for name in names} == {method}


def test_every_method_has_a_preset() -> None:
    assert {preset(name).method for name in NAMES} == set(METHODS)


@pytest.mark.parametrize("name", NUMBERED)
def test_a_numbered_preset_begins_with_what_it_is(name: str) -> None:
    """The table of presets in the documents shows the first line."""
    first = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith(".")
    assert len(first) <= 122


def test_presets_are_grouped_by_document_with_the_main_method_first() -> None:
    groups = presets_by_group()
    main, *others = groups.values()
    assert main == MAIN
    assert [names[0][:3] for names in others] == ["001", "002", "003", "004"]
    assert tuple(sorted(name for names in groups.values() for name in names)) == NAMES


def test_the_grid_is_of_the_size_that_it_says() -> None:
    """Weights of 2-2-1: six without biases, nine with them."""
    grid, uniform = preset("001-grid").search, preset("003-uniform-search").search
    assert ((grid.high - grid.low) / grid.step + 1) ** 6 == 117_649
    assert ((uniform.high - uniform.low) / uniform.step + 1) ** 9 == 19_683


def needs(config: Config) -> set[str]:
    """The extras that what the config names comes with."""
    needed = {"LunarLander-v3": "box2d", "LunarLanderContinuous-v3": "box2d", "HalfCheetah-v5": "mujoco"}
    found = {needed.get(str(config.env.id)), "tables" if config.table.source == "digits" else None}
    found |= {"atari" if "Pong" in str(config.env.id) else None}
    found |= {"solvers" if config.method in {"krylov", "trpo", "hopping"} else None}
    return {extra for extra in found if extra}


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_says_in_its_first_line_which_extras_it_needs(name: str) -> None:
    first = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    extras = sorted(needs(preset(name)))
    said = f"Needs the extra{'s' if len(extras) > 1 else ''} {' and '.join(reversed(extras))}"
    assert (said in first) if extras else ("Needs the extra" not in first)


@pytest.mark.parametrize("name", OF_METHOD["averaging"])
def test_averages_are_tested_at_every_merge(name: str) -> None:
    assert preset(name).table.test_every == 1


def test_the_repaired_average_differs_in_the_start_alone() -> None:
    faithful, repaired = preset("004-ott"), preset("004-shared")
    assert (faithful.averaging.init, repaired.averaging.init) == ("own", "shared")
    assert faithful.model_copy(update={"averaging": repaired.averaging}) == repaired
    assert faithful.averaging.model_copy(update={"init": "shared"}) == repaired.averaging


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["async", "sync", "serial"])
def test_a_preset_runs_in_every_mode(name: str, mode: str) -> None:
    late = name == "003-sgd" and mode == "sync"  # a preset of lag, which there is none of
    lockstep = [("staleness.max_lag", "0")] if late else []
    assert load(name, [("mode", mode), *lockstep]).config.mode == mode


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
