"""What a config says of its policy, in one place for Players, Trainers and what reads runs back."""

from __future__ import annotations

from dataclasses import asdict, fields

import pytest

from touchline.configs import from_plain, load, policy_arguments
from touchline.policy.form import Form


def test_every_part_of_a_policys_form_is_the_configs():
    assert list(policy_arguments(load("cartpole").config)) == [field.name for field in fields(Form)]


def test_a_config_that_says_nothing_of_its_policy_has_the_default_form():
    assert policy_arguments(from_plain({"env": {"id": "X-v0"}})) == asdict(Form())


@pytest.mark.parametrize(
    ("key", "text", "argument", "value"),
    [
        ("policy.hidden", "[3, 2]", "hidden", (3, 2)),
        ("policy.activation", "elu", "activation", "elu"),
        ("policy.shared", "true", "shared", True),
        ("policy.layer_norm", "true", "layer_norm", True),
        ("policy.convolutions", "[{filters: 8, size: 3}]", "convolutions", ((8, 3, 1, 0),)),
        ("policy.convolutions", "small", "convolutions", ((16, 8, 4, 0), (32, 4, 2, 0))),
        ("policy.recurrent_size", "32", "recurrent_size", 32),
        ("policy.sparse", "true", "sparse", True),
        ("policy.network", "mine:Torso", "network", "mine:Torso"),
        ("policy.network_kwargs", "{width: 3}", "network_kwargs", {"width": 3}),
        ("policy.bias", "false", "bias", False),
        ("policy.initialization", "scaled_normal", "initialization", "scaled_normal"),
        ("policy.binary", "sigmoid", "binary", "sigmoid"),
        ("policy.std", "state", "std", "state"),
        ("policy.log_std", "-1.5", "log_std", -1.5),
        ("policy.squash", "true", "squash", True),
        ("policy.noise_correlation", "0.9", "noise_correlation", 0.9),
        ("env.normalize", "true", "normalize", True),
    ],
)
def test_each_is_read_from_its_key(key, text, argument, value):
    before = policy_arguments(load("cartpole").config)
    after = policy_arguments(load("cartpole", [(key, text)]).config)
    assert after == {**before, argument: value}
    assert before[argument] != value


@pytest.mark.parametrize("method", ["trpo", "evolution", "search"])
def test_a_method_without_use_for_a_value_function_has_none(method):
    made = load(values={"method": method, "env.id": "X-v0", "policy.hidden": [3]}).config
    assert policy_arguments(made) == {
        **policy_arguments(load(values={"env.id": "X-v0"}).config),
        "hidden": (3,),
        "value": False,
    }


def test_what_other_keys_must_agree_with_is_read_too():
    recurrent = [("policy.recurrent", "lstm"), ("policy.shared", "true"), ("trainer.minibatch_steps", "null")]
    valueless = [
        ("policy.value", "false"),
        ("trainer.advantage", "monte_carlo"),
        ("players.unroll_length", "episode"),
    ]
    assert policy_arguments(load("cartpole", recurrent).config)["recurrent"] == "lstm"
    assert policy_arguments(load("cartpole", valueless).config)["value"] is False
