"""What a config says of its policy, in one place for Players, Trainers and what reads runs back."""

from __future__ import annotations

import inspect

import pytest

from touchline.configs import load, policy_arguments
from touchline.policy.policy import Policy


def test_every_argument_but_the_spaces_is_the_configs():
    expected = inspect.signature(Policy.build).parameters.keys() - {"observation_space", "action_space"}
    assert policy_arguments(load("cartpole").config).keys() == expected


@pytest.mark.parametrize(
    ("key", "text", "argument", "value"),
    [
        ("policy.hidden", "[3, 2]", "hidden", (3, 2)),
        ("policy.activation", "elu", "activation", "elu"),
        ("policy.shared", "true", "shared", True),
        ("policy.log_std", "-1.5", "log_std", -1.5),
        ("env.normalize", "true", "normalize", True),
    ],
)
def test_each_is_read_from_its_key(key, text, argument, value):
    before = policy_arguments(load("cartpole").config)
    after = policy_arguments(load("cartpole", [(key, text)]).config)
    assert after == {**before, argument: value}
    assert before[argument] != value


def test_centred_is_the_correction_of_that_name():
    assert not policy_arguments(load("cartpole").config)["centred"]
    overrides = [("trainer.gradient", "recompute"), ("staleness.correction", "centred")]
    assert policy_arguments(load("cartpole", overrides).config)["centred"]
