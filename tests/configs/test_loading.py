"""Layers: file, Python, flags; which wins, and where each value is said to come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from touchline.configs import ConfigError, from_plain, load, to_plain

TEXT = """\
env: {id: CartPole-v1, kwargs: {a: 1, b: 2}}
players:
  count: 3
  lanes: 4
seed: 9
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small config in the current folder, so that places read `my.yaml:…`."""
    monkeypatch.chdir(tmp_path)
    path = Path("my.yaml")
    path.write_text(
        "env: {id: CartPole-v1, kwargs: {a: 1, b: 2}}\nplayers:\n  count: 3\n  lanes: 4\nseed: 9\n"
    )
    return path


def faults(*args: Any, **kwargs: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(*args, **kwargs)
    return str(caught.value).splitlines()


def test_a_file_holds_only_what_differs(file: Path) -> None:
    resolved = load(file)
    assert resolved.name == "my"
    assert resolved.config.env.id == "CartPole-v1"
    assert (resolved.config.players.count, resolved.config.players.lanes) == (3, 4)
    assert resolved.config.policy.hidden == (64, 64)


def test_the_later_layer_wins(file: Path) -> None:
    values = {"players": {"count": 5}, "seed": 1}
    config = load(file, [("seed", "2")], values=values).config
    assert (config.players.count, config.players.lanes, config.seed) == (5, 4, 2)


def test_the_last_of_two_like_flags_wins() -> None:
    assert load("cartpole", [("seed", "1"), ("seed", "2")]).config.seed == 2


def test_origins_say_where_each_value_came_from(file: Path) -> None:
    origin = load(file, [("players.lanes", "8"), ("policy.hidden", "[32]")], values={"mode": "sync"}).origin
    assert origin["env.id"] == "my.yaml:1:7"
    assert origin["players.count"] == "my.yaml:3:3"
    assert origin["players.lanes"] == "--players.lanes"
    assert origin["policy.hidden"] == "--policy.hidden"
    assert origin["mode"] == "python"
    assert origin["policy.activation"] == "default"


def test_every_key_has_an_origin(file: Path) -> None:
    from touchline.configs.keys import keys

    assert list(load(file).origin) == list(keys())


def test_without_a_file_flags_are_enough() -> None:
    resolved = load(None, [("env.id", "Acrobot-v1")])
    assert resolved.config.env.id == "Acrobot-v1"
    assert resolved.name == "Acrobot-v1"
    assert resolved.origin["env.id"] == "--env.id"


@pytest.mark.parametrize(
    "values",
    [
        {"env": {"id": "X-v0"}, "players": {"lanes": 2}},
        {"env.id": "X-v0", "players.lanes": 2},
        {"env": {"id": "X-v0"}, "players.lanes": 2},
    ],
)
def test_values_are_nested_or_dotted(values: dict[str, Any]) -> None:
    config = load(values=values).config
    assert (config.env.id, config.players.lanes) == ("X-v0", 2)


def test_values_of_the_caller_are_not_changed() -> None:
    values: dict[str, Any] = {"env": {"id": "X-v0", "kwargs": {"a": 1}}}
    config = load(None, [("env.kwargs.b", "2")], values=values).config
    assert config.env.kwargs == {"a": 1, "b": 2}
    assert values == {"env": {"id": "X-v0", "kwargs": {"a": 1}}}


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("players.count", "8", 8),
        ("players.count", "auto", "auto"),
        ("players.unroll_length", "episode", "episode"),
        ("stop.steps", "1.5M", 1_500_000),
        ("stop.steps", "1e6", 1_000_000),
        ("stop.steps", "null", None),
        ("stop.mean_return", "-200", -200.0),
        ("save.every", "5m", 300.0),
        ("policy.hidden", "[32, 16]", (32, 16)),
        ("policy.hidden", "[]", ()),
        ("log.live", "false", False),
        ("net.bind", "127.0.0.1", "127.0.0.1"),
        ("env.id", "path/file.py:Class", "path/file.py:Class"),
        ("env.id", "'5'", "5"),
        ("env.wrappers", "[ClipReward, {TimeLimit: {max_episode_steps: 9}}]", None),
    ],
)
def test_a_flag_is_read_as_it_would_be_in_the_file(key: str, text: str, value: Any, tmp_path: Path) -> None:
    section, field = key.split(".")
    path = tmp_path / "same.yaml"
    env_id = "" if key == "env.id" else "  id: X-v0\n"
    path.write_text(
        f"env:\n{env_id}" + ("" if section == "env" else f"{section}:\n") + f"  {field}: {text}\n"
    )
    flags = [(key, text)] if key == "env.id" else [("env.id", "X-v0"), (key, text)]
    by_flag = load(None, flags).config
    assert by_flag == load(path).config
    if value is not None:
        assert getattr(getattr(by_flag, section), field) == value


def test_one_argument_of_the_environment_is_a_flag_of_its_own(file: Path) -> None:
    resolved = load(file, [("env.kwargs.b", "true"), ("env.kwargs.c", "x")])
    assert resolved.config.env.kwargs == {"a": 1, "b": True, "c": "x"}
    assert resolved.origin["env.kwargs"] == "my.yaml:1:24, --env.kwargs.b, --env.kwargs.c"


def test_arguments_of_the_environment_given_whole_replace_the_files(file: Path) -> None:
    resolved = load(file, [("env.kwargs", "{c: 3}")])
    assert resolved.config.env.kwargs == {"c": 3}
    assert resolved.origin["env.kwargs"] == "--env.kwargs"


def test_a_sections_flag_takes_a_map_of_its_keys(file: Path) -> None:
    resolved = load(file, [("players", "{count: 7}")])
    assert (resolved.config.players.count, resolved.config.players.lanes) == (7, 4)
    assert resolved.origin["players.count"] == "--players"
    assert resolved.origin["players.lanes"] == "my.yaml:4:3"


def test_an_empty_section_is_all_defaults(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("env: {id: X-v0}\nplayers:\n  # count: 3\n")
    assert load(path).config.players.lanes == 16


def test_an_empty_file_lacks_the_environment_alone(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text("# nothing yet\n")
    assert load(path, [("env.id", "X-v0")]).config.env.id == "X-v0"
    assert [line.split(",")[0] for line in faults(path)] == ["env.id: missing"]


def test_a_flag_mends_what_is_wrong_in_the_file(file: Path) -> None:
    file.write_text("env: {id: X-v0}\nplayers: {lanes: many}\n")
    assert load(file, [("players.lanes", "2")]).config.players.lanes == 2


@pytest.mark.parametrize("given", ["data/iris.csv", "~/data/iris.csv", "{home}/data/iris.csv"])
def test_the_path_of_a_table_is_absolute_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("elsewhere").mkdir()
    file = Path("elsewhere/fit.yaml")
    file.write_text(f"method: descent\ntable: {{source: '{given.format(home=tmp_path)}'}}\n")
    resolved = load(file)
    assert resolved.config.table.source == str(
        tmp_path / "data/iris.csv"
    )  # read or not: it is not looked for
    assert resolved.config.target == "iris"
    assert from_plain(to_plain(resolved.config)) == resolved.config


def test_the_name_of_a_table_stays_a_name_unless_a_folder_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mnist").mkdir()
    Path("xor").mkdir()  # a built-in table comes first
    sources = {
        source: load(values={"method": "descent", "table.source": source}).config.table.source
        for source in ("mnist", "xor", "digits", "mnits", "~nobody_at_all/x.csv")
    }
    kept = {name: name for name in ("xor", "digits", "mnits", "~nobody_at_all/x.csv")}
    assert sources == {"mnist": str(tmp_path / "mnist"), **kept}


def test_a_path_may_lack_the_suffix_and_may_be_a_string(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("env: {id: X-v0}\n")
    assert load(str(path)).config == load(path).config
