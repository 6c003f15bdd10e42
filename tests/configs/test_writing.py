"""A config written down is read back equal: as plain data for the wire, as YAML for the run directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchline.configs import Config, dump_yaml, from_plain, load, preset_names, to_plain
from touchline.configs.document import read_document
from touchline.configs.keys import keys
from touchline.configs.methods import is_idle
from touchline.configs.showing import show, write

names = st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=8)
positive = st.floats(min_value=1e-300, max_value=1e300)
leaf = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | names
plain_data = st.recursive(
    leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
configs = st.fixed_dictionaries(
    {
        "env": st.fixed_dictionaries(
            {
                "id": names,
                "kwargs": st.dictionaries(names, plain_data, max_size=3),
                "wrappers": st.lists(
                    names | st.dictionaries(names, st.just({"a": 1}), min_size=1, max_size=1), max_size=3
                ),
                "step_timeout": positive,
            }
        ),
        "players": st.fixed_dictionaries(
            {"count": st.just("auto") | st.integers(1, 2**53), "lanes": st.integers(1, 2**20)}
        ),
        "policy": st.fixed_dictionaries(
            {"hidden": st.lists(st.integers(1, 999), max_size=4), "log_std": st.floats(-1e9, 1e9)}
        ),
        "optimizer": st.fixed_dictionaries({"epsilon": positive, "max_gradient_norm": st.none() | positive}),
        "stop": st.fixed_dictionaries(
            {"mean_return": st.none() | st.just("threshold") | st.floats(-1e9, 1e9), "minutes": positive}
        ),
        "log": st.fixed_dictionaries({"live": st.just("auto") | st.booleans()}),
        "seed": st.integers(0, 2**31 - 1),
    }
)


def read_back(text: str) -> Config:
    document = read_document(text, "written.yaml")
    assert document.faults == []
    return from_plain(document.data)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configs)
def test_any_config_is_written_and_read_back_equal(plain: dict[str, Any]) -> None:
    config = from_plain(plain)
    assert from_plain(to_plain(config)) == config
    assert read_back(dump_yaml(config)) == config


@pytest.mark.parametrize(
    "word",
    # Each of these is a number, a null, an indicator or half a map to YAML when it stands bare.
    [":0", "a: b", "a #b", "-", "? x", "null", "true", "5", "1e3", "30s", "{", "&a", "*a", "!t", " x ",
     "%", "@", "'", '"', "a\nb", "\x07", "\x85", "\u2028", "\ufeff", "😀", "=", "<<", "~", "a:",
     "package.module:Wrapper", "path/f.py:C"],
)  # fmt: skip
def test_a_text_that_yaml_could_mistake_is_read_back_as_text(word: str) -> None:
    env = {"id": word, "kwargs": {word: [word, {word: word}]}, "wrappers": [word, {word: {word: word}}]}
    config = from_plain({"env": env})
    assert read_back(dump_yaml(config)) == config


@pytest.mark.parametrize("name", preset_names())
def test_a_resolved_preset_is_a_config_of_its_own(name: str, tmp_path: Path) -> None:
    resolved = load(name)
    path = tmp_path / "config.yaml"
    path.write_text(dump_yaml(resolved.config, origin=resolved.origin), encoding="utf-8")
    again = load(path)
    assert again.config == resolved.config
    by_default = {key for key, origin in again.origin.items() if origin == "default"}
    assert all(is_idle(resolved.config, key) for key in by_default)


def test_plain_data_is_made_of_what_json_has() -> None:
    flags = [("env.wrappers", "[A, {B: {c: [1]}}]"), ("env.kwargs", "{a: {b: [true, null]}}")]
    plain = to_plain(load("cartpole", flags).config)
    assert json.loads(json.dumps(plain)) == plain
    assert plain["policy"]["hidden"] == [64, 64]


def test_plain_data_is_the_callers_own() -> None:
    config = load("cartpole", [("env.kwargs", "{a: [1]}")]).config
    to_plain(config)["env"]["kwargs"]["a"].append(2)
    assert config.env.kwargs == {"a": [1]}


@pytest.mark.parametrize("name", ["pendulum", "001-rows", "001-evolution-cartpole"])
def test_what_is_written_is_what_the_run_reads_in_the_schemas_order(name: str) -> None:
    config = load(name).config
    data = read_document(dump_yaml(config), "f").data
    assert isinstance(data, dict)
    assert list(data) == [section for section in Config.model_fields if section in data]
    dotted = {f"{name}.{field}" for name, part in data.items() if isinstance(part, dict) for field in part}
    assert {*dotted, "method", "mode", "seed"} == {key for key in keys() if not is_idle(config, key)}


def test_the_sections_of_other_methods_and_targets_are_not_written() -> None:
    data = read_document(dump_yaml(load("001-rows").config), "f").data
    assert isinstance(data, dict)
    assert {"descent", "table", "model", "tasks", "optimizer"} <= set(data)
    assert not {"env", "policy", "trainer", "eval", "search", "averaging"} & set(data)
    assert "steps" not in data["stop"]


def test_an_unread_key_that_was_set_is_written_all_the_same() -> None:
    """Whether it may be is for the rules: what is written reads back as the same config."""
    config = from_plain({"env": {"id": "X-v0"}, "search": {"radius": 0.5}})
    assert "radius: 0.5\n" in dump_yaml(config)


def test_numbers_keep_their_type_and_durations_their_unit() -> None:
    text = dump_yaml(
        load(None, [("env.id", "X-v0"), ("stop.mean_return", "475"), ("stop.steps", "1M")]).config
    )
    assert "mean_return: 475.0\n" in text
    assert "momentum: 0.0\n" in text
    assert "steps: 1000000\n" in text
    assert "every: 30s\n" in text
    assert "heartbeat: 0.5s\n" in text
    assert "minutes: null\n" in text
    assert "hidden: [64, 64]\n" in text


def test_a_value_stays_on_one_line_and_a_wrapper_in_its_braces() -> None:
    sizes = ", ".join(["100"] * 60)
    flags = [("policy.hidden", f"[{sizes}]"), ("env.wrappers", "[A, {B: {c: 1}}]")]
    text = dump_yaml(load("cartpole", flags).config)
    assert f"  hidden: [{sizes}]\n" in text
    assert "  wrappers: [A, {B: {c: 1}}]\n" in text


def test_origins_are_comments_of_what_was_set() -> None:
    resolved = load("cartpole", [("players.lanes", "4")])
    lines = dump_yaml(resolved.config, origin=resolved.origin).splitlines()
    commented = {line.split(":")[0].strip(): line.split("# ")[1] for line in lines if "# " in line}
    assert commented["lanes"] == "--players.lanes"
    assert commented["gradient"] == resolved.origin["trainer.gradient"]
    assert "activation" not in commented
    assert len(commented) == len([where for where in resolved.origin.values() if where != "default"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (0.1, "0.1"),
        ("a b", "'a b'"),
        (("x", 1), "[x, 1]"),
        ({"a": [None]}, "{a: [null]}"),
        (object(), "builtins.object"),
        ("\x1b[0m", r"'\x1b[0m'"),
    ],
)
def test_values_are_shown_as_a_file_would_have_them(value: object, text: str) -> None:
    assert show(value) == text


def test_a_durations_kind_writes_its_unit() -> None:
    assert write(90.0, keys()["save.every"].kind) == "90s"
    assert write(None, keys()["eval.every"].kind) == "null"
    assert write(90.0) == "90.0"
