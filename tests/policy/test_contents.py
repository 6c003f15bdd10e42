"""What a peer's observations and actions hold: the first fault is named by field, leaf and number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven
from policy_spaces import leaf_spaces, nested_spaces, random_raw

from touchline.policy.actions import drawn_dtype, drawn_shape
from touchline.policy.contents import action_fault, observation_fault, range_fault
from touchline.policy.distributions import distribution_of
from touchline.policy.records import Record
from touchline.policy.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

SPEED = Box((2,), "float32", (-1.0,) * 2, (1.0,) * 2)
FLAGS = Box((2,), "bool", (0.0,) * 2, (1.0,) * 2)
CAR = Dict(
    ("speed", "gear", "flags"), (SPEED, Tuple((Discrete(4, start=1), MultiDiscrete((2, 3), (1, 0)))), FLAGS)
)


@given(leaf_spaces() | nested_spaces(), st.integers(0, 10**6))
@proven(80)
def test_what_lies_in_its_space_has_no_fault(space, seed):
    raw = random_raw(space, np.random.default_rng(seed), (3, 2))
    assert observation_fault("observations", space, raw) is None


@pytest.mark.parametrize(
    ("path", "at", "value", "says"),
    [
        (("speed",), (1, 0), np.nan, "observations['speed']: expected finite numbers, found nan"),
        (("speed",), (0, 1), -np.inf, "observations['speed']: expected finite numbers, found -inf"),
        (("gear", 0), (1,), 5, "observations['gear'][0]: expected 1 to below 5, found 5"),
        (("gear", 0), (0,), 0, "observations['gear'][0]: expected 1 to below 5, found 0"),
        (("gear", 1), (1, 1), 3, "observations['gear'][1]: expected (1, 0) to below (3, 3), found 3"),
        (("gear", 1), (1, 0), 0, "observations['gear'][1]: expected (1, 0) to below (3, 3), found 0"),
    ],
)
def test_a_fault_in_a_record_names_the_leaf(path, at, value, says):
    raw = random_raw(CAR, np.random.default_rng(0), (2,))
    (leaf,) = [leaf for leaf in Record.of(CAR).leaves if leaf.path == path]
    Record.of(CAR).view(raw, leaf)[at] = value
    assert observation_fault("observations", CAR, raw) == says


def test_bytes_that_are_no_bool_are_a_fault():
    raw = random_raw(CAR, np.random.default_rng(0), (2,))
    raw[1, Record.of(CAR).leaves[-1].offset] = 2
    assert observation_fault("x", CAR, raw) == "x['flags']: expected 0 to below 2, found 2"


def test_a_block_of_choices_is_held_against_its_own_counts():
    space = MultiDiscrete((2, 3, 4, 5), (), (2, 2))
    raw = np.array([[[1, 2], [3, 4]]])
    assert observation_fault("x", space, raw) is None
    raw[0, 0, 0] = 2
    assert observation_fault("x", space, raw) == "x: expected 0 to below (2, 3, 4, 5), found 2"


@given(leaf_spaces() | nested_spaces(), st.integers(0, 10**6))
@proven(80)
def test_what_a_policy_draws_has_no_fault(space, seed):
    try:
        distribution = distribution_of(space)
    except ValueError:  # a Box of integers
        return
    rng = np.random.default_rng(seed)
    head = rng.standard_normal((5, distribution.parameters)).astype(np.float32)
    drawn = distribution.sample(head, distribution.draw_noise(rng, (5,)))
    assert (drawn.shape, str(drawn.dtype)) == ((5, *drawn_shape(space)), drawn_dtype(space))
    assert action_fault("actions", space, drawn) is None


ARM = Dict(("grip", "move", "lights"), (Discrete(3, start=1), SPEED, MultiBinary((2,))))


@pytest.mark.parametrize(
    ("space", "row", "says"),
    [
        (Discrete(3, start=1), 3, "actions: expected 0 to below 3, found 3"),
        (MultiDiscrete((2, 3), (5, 5)), [2, 0], "actions: expected 0 to below (2, 3), found 2"),
        (MultiBinary((2,)), [0, -1], "actions: expected 0 to below 2, found -1"),
        (ARM, [3.0, 9.0, 9.0, 0.0, 1.0], "actions['grip']: expected 0 to below 3, found 3.0"),
        (ARM, [0.5, 9.0, 9.0, 0.0, 1.0], "actions['grip']: expected an integer, found 0.5"),
        (ARM, [0.0, 9.0, 9.0, 0.0, 2.0], "actions['lights']: expected 0 to below 2, found 2.0"),
        (ARM, [2.0, 9.0, -9.0, 1.0, 0.0], None),
    ],
)
def test_a_fault_in_actions_names_the_leaf(space, row, says):
    drawn = np.array([[row]], drawn_dtype(space))
    assert action_fault("actions", space, drawn) == says


def test_a_range_of_many_numbers():
    assert range_fault("x", np.array([[0, 2], [1, 0]]), low=0, stop=(2, 3)) is None
    assert (
        range_fault("x", np.array([[0, 2], [2, 0]]), low=0, stop=(2, 3))
        == "x: expected 0 to below (2, 3), found 2"
    )
    assert range_fault("x", np.zeros((0, 2), np.int32), low=0, stop=(2, 3)) is None
