from __future__ import annotations

import json
from pathlib import Path

import pytest

from touchline.configs import describe, describe_sections, json_schema, load, preset_names
from touchline.configs.keys import keys
from touchline.configs.methods import OTHERS, reads


def test_a_preset_is_shown_with_where_its_values_came_from(touchline):
    said = touchline("config", "cartpole", "--players.count", "4")
    assert said.code == 0
    lines = said.out.splitlines()
    assert any(
        line.split("#") == ["  id: CartPole-v1                       ", " cartpole.yaml:3:7"]
        for line in lines
    )
    assert any(line.startswith("  count: 4") and line.endswith("# --players.count") for line in lines)
    assert "  restarts: 5" in lines  # a default says nothing


def test_what_is_shown_can_be_trained_with(touchline):
    Path("mine.yaml").write_text(touchline("config", "cartpole-ppo").out)
    assert load("mine.yaml").config == load("cartpole-ppo").config


def test_the_schema_is_json(touchline):
    assert json.loads(touchline("config", "--json-schema").out) == json_schema()


def test_without_a_config_it_says_what_one_is(touchline):
    said = touchline("config")
    assert said.code == 2
    assert all(name in said.err for name in preset_names())
    assert "--env.id" in said.err
    assert "--table.source" in said.err
    assert said.err.count("\n") < 10


def test_a_table_alone_is_a_config_with_a_method(touchline):
    assert "source: xor" in touchline("config", "--method", "descent", "--table.source", "xor").out


def test_an_environment_alone_is_a_config(touchline):
    assert "id: MyEnv-v3" in touchline("config", "--env.id", "MyEnv-v3").out


def test_every_fault_of_a_file_has_its_place(touchline):
    Path("bad.yaml").write_text("env: {id: CartPole-v1}\nplayers:\n  cuont: 2\ntrainer: {epochs: none}\n")
    said = touchline("config", "bad.yaml", "--seed", "x")
    assert said.code == 2
    assert said.err.splitlines()[0] == "error: 3 faults in the config"
    for place in ("bad.yaml:3:3: ", "bad.yaml:4:19: ", "--seed: "):
        assert f"\n  {place}" in said.err


@pytest.mark.parametrize("verb", ["train", "trainer", "config"])
def test_help_explains_every_key_of_the_main_method_and_names_the_others(touchline, verb):
    out = " ".join(touchline(verb, "--help").out.split())
    for key in describe():
        assert (f"--{key.key} " in out) is reads("policy_gradient", key.key)
        assert not reads("policy_gradient", key.key) or key.doc in out
    for method in OTHERS:
        assert f"{method}: {describe_sections()[method].splitlines()[0]}" in out


@pytest.mark.parametrize("method", OTHERS)
def test_help_of_a_method_explains_the_keys_that_it_reads(touchline, method):
    said = touchline("train", "--method", method, "--help")
    listed = said.out.partition("Keys of the config")[2].splitlines()
    named = [line.split()[0].removeprefix("--") for line in listed if line.startswith("  --")]
    assert set(named) == {key for key in keys() if reads(method, key)}
    assert named[0] == "method"
    assert named[1].startswith(f"{method}.")
    assert max(map(len, said.out.splitlines())) <= 80


def test_help_of_a_method_shows_what_its_defaults_are(touchline):
    out = touchline("train", "--method=descent", "--help").out
    assert line_of(out, "--staleness.max_lag").split()[-1] == "0"
    assert line_of(out, "--stop.rounds").split()[-1] == "10000"


def test_help_of_a_preset_is_that_of_its_method(touchline):
    out = touchline("train", "001-grid", "--help").out
    assert "Keys of the config that method search reads, with the values of 001-grid:" in out
    assert line_of(out, "--search.low").endswith("-3.0  001-grid.yaml:5:22")
    assert "--policy.value " not in out


def test_help_with_a_method_that_is_none_is_that_of_the_main_one(touchline):
    assert touchline("train", "--method", "x", "--help") == touchline("train", "--help")


def test_help_shows_defaults(touchline):
    assert line_of(touchline("train", "--help").out, "--players.lanes").split()[-1] == "16"


def test_help_of_a_file_shows_its_values_and_where_they_stand(touchline):
    Path("mine.yaml").write_text("env: {id: CartPole-v1}\nplayers:\n  unroll_length: 48\n")
    out = touchline("train", "mine.yaml", "--players.count", "3", "--help").out
    assert line_of(out, "--players.unroll_length").endswith("48  mine.yaml:3:3")
    assert line_of(out, "--players.count").endswith("3  --players.count")
    assert line_of(out, "--players.restarts").endswith(" 5")
    assert "with the values of mine.yaml" in out
    assert max(map(len, out.splitlines())) <= 80


def test_the_order_of_help_and_config_does_not_matter(touchline):
    assert touchline("train", "--help", "cartpole").out == touchline("train", "cartpole", "--help").out


def test_help_of_a_bad_config_says_what_is_wrong(touchline):
    said = touchline("train", "cartpol", "--help")
    assert said.code == 2
    assert "Did you mean the preset 'cartpole'?" in said.err


def line_of(text: str, flag: str) -> str:
    found = [line for line in text.splitlines() if line.startswith(f"  {flag}  ")]
    assert len(found) == 1
    return found[0]
