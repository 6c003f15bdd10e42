"""Drawn actions, to actions as the environment's space has them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven
from policy_spaces import leaf_spaces, nested_spaces

from touchline.policy.actions import columns, drawn_dtype, drawn_shape, environment_actions
from touchline.policy.distributions import distribution_of
from touchline.policy.records import flat_values
from touchline.policy.spaces import (
    Box,
    Dict,
    Discrete,
    MultiBinary,
    MultiDiscrete,
    Tuple,
    leaves,
    raw_dtype,
    raw_shape,
)

BOX = Box((1, 2), "float32", (-1.0, 0.0), (1.0, np.inf))
ARM = Box((2,), "float64", (-2.0, 0.0), (2.0, 10.0))


def test_drawn_actions_of_a_box_are_shaped_and_clipped_but_kept_as_drawn():
    drawn = np.array([[-3.0, -0.5], [0.25, 1e6]], np.float32)
    kept = drawn.copy()
    np.testing.assert_array_equal(environment_actions(BOX)(drawn), [[[-1, 0]], [[0.25, 1e6]]])
    np.testing.assert_array_equal(drawn, kept)


@pytest.mark.parametrize(
    ("space", "drawn", "expected"),
    [
        (Discrete(3), [0, 2], [0, 2]),
        (Discrete(3, start=-1), [0, 2], [-1, 1]),
        (MultiDiscrete((2, 2)), [[0, 1]], [[0, 1]]),
        (MultiDiscrete((2, 2), (5, -1)), [[0, 1]], [[5, 0]]),
        (MultiDiscrete((2, 3, 4, 5), (), (2, 2)), [[0, 1, 2, 3]], [[[0, 1], [2, 3]]]),
        (MultiDiscrete((2, 3), (1, 2), (2, 1)), [[0, 1]], [[[1], [3]]]),
        (MultiBinary((3,)), [[0, 1, 1]], [[0, 1, 1]]),
        (MultiBinary((2, 2)), [[0, 1, 1, 0]], [[[0, 1], [1, 0]]]),
    ],
)
def test_drawn_choices_start_where_the_space_does(space, drawn, expected):
    np.testing.assert_array_equal(environment_actions(space)(np.array(drawn)), expected)


def test_what_needs_no_change_is_not_touched():
    """The hot loop of a discrete policy: the very array that was drawn."""
    drawn = np.array([0, 1])
    assert environment_actions(Discrete(2))(drawn) is drawn
    pairs = np.array([[0, 1]])
    assert environment_actions(MultiDiscrete((2, 2)))(pairs) is pairs


def test_squashing_by_hand():
    squashed = environment_actions(ARM, squash=True)(np.array([[0.0, 0.0], [0.5, -0.5]], np.float32))
    np.testing.assert_allclose(squashed, [[0, 5], [2 * np.tanh(0.5), 5 - 5 * np.tanh(0.5)]], rtol=1e-7)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=2))
@proven()
def test_squashed_actions_lie_within_their_bounds_and_rise_with_what_was_drawn(row):
    to_raw = environment_actions(ARM, squash=True)
    drawn = np.array([row, sorted(row)], np.float32)
    raw = to_raw(drawn)
    assert (raw >= ARM.low).all()
    assert (raw <= ARM.high).all()
    assert (to_raw(drawn + 1) >= raw).all()


def test_parts_are_nested_as_the_space_is():
    space = Dict(("go", "arm"), (Discrete(3, start=1), Tuple((ARM, MultiBinary((2,))))))
    drawn = np.array([[2, -9, 4, 1, 0], [0, 1, 1, 0, 0]], np.float32)
    raw = environment_actions(space)(drawn)
    assert raw.keys() == {"go", "arm"}
    np.testing.assert_array_equal(raw["go"], [3, 1])
    np.testing.assert_array_equal(raw["arm"][0], [[-2, 4], [1, 1]])
    np.testing.assert_array_equal(raw["arm"][1], [[1, 0], [0, 0]])
    assert raw["go"].dtype == raw["arm"][1].dtype == np.int64
    squashed = environment_actions(space, squash=True)(drawn)
    np.testing.assert_allclose(squashed["arm"][0][1], [2 * np.tanh(1), 5 + 5 * np.tanh(1)], rtol=1e-6)
    np.testing.assert_array_equal(squashed["go"], raw["go"])


@given(leaf_spaces() | nested_spaces(), st.integers(0, 10**6))
@proven(60)
def test_whatever_is_drawn_lies_in_its_space(space, seed):
    try:
        distribution = distribution_of(space)
    except ValueError:  # a Box of integers
        return
    rng = np.random.default_rng(seed)
    head = rng.standard_normal((4, distribution.parameters)).astype(np.float32)
    drawn = distribution.sample(head, distribution.draw_noise(rng, (4,)))
    raw = environment_actions(space)(drawn)
    for (_, leaf), own in zip(leaves(space), flat_values(space, raw), strict=True):
        assert own.shape == (4, *raw_shape(leaf))
        assert np.can_cast(own.dtype, raw_dtype(leaf), "same_kind") or isinstance(leaf, MultiBinary)
        if isinstance(leaf, Box):
            assert ((own >= 0) & (own <= 1)).all()


def test_the_form_of_drawn_actions():
    spaces = (Discrete(2), MultiDiscrete((2, 3, 4, 5), (), (2, 2)), MultiBinary((2, 3)), ARM)
    assert [drawn_shape(space) for space in spaces] == [(), (4,), (6,), (2,)]
    assert [drawn_dtype(space) for space in spaces] == ["int64", "int64", "int64", "float32"]
    assert [columns(space) for space in spaces] == [1, 4, 6, 2]
    assert (drawn_shape(Tuple(spaces)), drawn_dtype(Tuple(spaces))) == ((13,), "float32")
    assert (drawn_shape(Tuple(spaces[:1])), drawn_dtype(Tuple(spaces[:3]))) == ((1,), "int64")
