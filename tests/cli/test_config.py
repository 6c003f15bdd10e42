from __future__ import annotations

import json
from pathlib import Path

import pytest

from touchline.configs import describe, json_schema, load, preset_names


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
def test_help_explains_every_key(touchline, verb):
    out = " ".join(touchline(verb, "--help").out.split())
    for key in describe():
        assert f"--{key.key} " in out
        assert key.doc in out


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
