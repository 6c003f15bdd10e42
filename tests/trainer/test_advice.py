"""The commands that a failed run names: they are ones that can be typed."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from touchline.configs import load
from touchline.trainer.advice import (
    check_environment,
    check_network,
    of_player,
    unusable_results,
    unusable_updates,
)

OWN = [("policy.network", "my nets.py:Net"), ("policy.network_kwargs", "{width: 8}")]
NETWORKS = "head: expected finite numbers, found nan; what the network read is finite; kept in 1-invalid.txt"


def config(*flags, env="CartPole-v1"):
    return load(None, [("env.id", env), *flags]).config


@pytest.mark.parametrize("env", ["CartPole-v1", "my envs.py:Pole", "package.module:factory"])
def test_an_environment_is_named_as_it_was_given(env):
    assert shlex.split(check_environment(config(env=env))) == ["touchline", "check", env]


def test_its_arguments_go_with_it():
    words = shlex.split(check_environment(config(("env.kwargs", "{gravity: 5.0}"))))
    assert words[3:] == ["--env.kwargs", '{"gravity": 5.0}']
    wrappers = "[SignReward, {ScaleReward: {scale: 2}}]"
    words = shlex.split(check_environment(config(("env.wrappers", wrappers))))
    assert words[3:] == ["--env.wrappers", '["SignReward", {"ScaleReward": {"scale": 2}}]']


def test_an_object_has_no_name_that_could_be_typed():
    assert check_environment(config(env="Guess")) == "touchline check path/file.py:Guess"


def test_a_network_is_tried_with_its_environment_and_arguments():
    assert shlex.split(check_network(config(*OWN))) == [
        *("touchline", "check", "CartPole-v1", "--policy", "my nets.py:Net"),
        *("--policy.network_kwargs", '{"width": 8}'),
    ]
    assert check_network(config()) == ""


def test_a_player_is_blamed_for_its_network_only_where_that_is_named():
    assert "--policy" in of_player(config(*OWN), "my nets.py:Net: forward raised ValueError")
    assert "--policy" not in of_player(config(*OWN), "step(): expected no exception")
    assert "environment" in of_player(config(), "step(): expected no exception")


def test_results_without_numbers_are_the_environments_or_the_networks():
    kept = Path("crashes/10-invalid.txt")
    environments = unusable_results(config(*OWN), "rewards: found nan", kept)
    assert "crashes/10-invalid.txt" in environments.splitlines()[0]
    assert "touchline check CartPole-v1" in environments
    assert "--policy" not in environments
    networks = unusable_results(config(*OWN), NETWORKS, kept)
    assert "the likely source is policy.network" in networks
    assert "--policy" in networks
    assert "the weights" in unusable_results(config(), NETWORKS, None)


def test_updates_without_numbers_name_what_usually_gives_them():
    assert "trainer.normalize_rewards" in unusable_updates(config(), None)
    assert "policy.network" not in unusable_updates(config(), None)
    assert "--policy" in unusable_updates(config(*OWN), None)
