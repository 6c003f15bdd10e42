"""The cross-entropy of rows: its value by hand, its gradient by finite differences, and what can be imitated at all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from policy_numerics import assert_gradient

from touchline.policy.policy import Policy
from touchline.policy.spaces import Box, Dict, Discrete, MultiDiscrete, SpaceError
from touchline.targets.imitation import (
    actions_of,
    check_imitable,
    cross_entropy,
    row_dtype,
    snapshot_name,
)

ROW = Box((3,), "float32", (-1.0,) * 3, (1.0,) * 3)


def policy_of(actions=3, space: Any = ROW, **form: Any) -> Policy:
    return Policy.build(observation_space=space, action_space=Discrete(actions), **{"hidden": (4,), **form})


def example(policy, rows=6, seed=0):
    rng = np.random.default_rng(seed)
    flat = 0.5 * rng.standard_normal(policy.network.layout.size)
    x = rng.standard_normal((rows, policy.features))
    return flat, x, rng.integers(0, policy.action_space.n, rows), rng.uniform(0.1, 1, rows)


def test_a_policy_that_knows_nothing_has_the_logarithm_of_the_number_of_actions():
    policy = policy_of(actions=5)
    flat, x, actions, _ = example(policy)
    weights = policy.network.bind(np.zeros_like(flat))
    found = cross_entropy(policy, weights, x, actions, row_weights=np.full(6, 0.5))
    assert found == pytest.approx(3 * math.log(5))


FORMS = [
    {"value": False},
    {"value": True, "hidden": (4, 3)},
    {"value": True, "shared": True, "layer_norm": True},
    {"actions": 2, "binary": "sigmoid"},
    {"hidden": ()},
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_the_gradient_is_that_of_finite_differences(form):
    policy = policy_of(**form)
    flat, x, actions, row_weights = example(policy)
    bind = policy.network.bind

    def loss(at):
        return cross_entropy(policy, bind(at), x, actions, row_weights=row_weights)

    gradient = bind(np.zeros_like(flat))
    cross_entropy(policy, bind(flat), x, actions, row_weights=row_weights, gradient=gradient)
    assert_gradient(gradient.flat, loss, flat)


def test_the_value_function_is_left_alone():
    policy = policy_of(value=True)
    flat, x, actions, row_weights = example(policy)
    gradient = policy.network.bind(np.zeros_like(flat))
    cross_entropy(policy, policy.network.bind(flat), x, actions, row_weights=row_weights, gradient=gradient)
    views = policy.network.layout.views(gradient.flat)
    assert {name for name, view in views.items() if view.any()} == {
        name for name in views if name.startswith("policy")
    }


@pytest.mark.parametrize("space", [ROW, MultiDiscrete((2, 2)), Dict(("one",), (Discrete(2),))])
def test_what_is_no_choice_of_one_action_is_refused_with_what_would_work(space):
    with pytest.raises(
        SpaceError, match=r"expected Discrete with method imitation.*policy_gradient and evolution"
    ):
        actions_of(space)


def test_a_policy_with_a_memory_or_with_statistics_is_refused():
    with pytest.raises(SpaceError, match=r"policy\.recurrent: expected none"):
        check_imitable(policy_of(recurrent="gru", shared=True))
    with pytest.raises(SpaceError, match=r"env\.normalize: expected false"):
        check_imitable(policy_of(normalize=True))
    check_imitable(policy_of())


def test_an_action_is_sent_in_one_byte_where_it_has_room():
    assert [row_dtype(2), row_dtype(256), row_dtype(257)] == ["uint8", "uint8", "int64"]


def test_the_first_model_is_called_as_the_only_one_of_other_methods():
    assert [snapshot_name(0), snapshot_name(1)] == ["parameters", "parameters/1"]
