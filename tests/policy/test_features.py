"""Raw observations as rows of numbers, and drawn actions as the environment's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven

from touchline.policy.actions import environment_actions
from touchline.policy.features import encode, feature_size
from touchline.policy.spaces import Box, Discrete, MultiBinary, MultiDiscrete, raw_dtype, raw_shape

BOX = Box((2, 2), "float32", (-1.0,) * 4, (1.0,) * 4)
PIXELS = Box((2, 3), "uint8", (0.0,) * 6, (255.0,) * 6)
SPACES = [BOX, PIXELS, Discrete(4), Discrete(3, start=-2), MultiDiscrete((2, 3, 4)), MultiBinary((2, 2))]
every_space = pytest.mark.parametrize("space", SPACES, ids=repr)


def raw_rows(space, rng, n):
    shape, dtype = (n, *raw_shape(space)), raw_dtype(space)
    match space:
        case Box(dtype="uint8"):
            return rng.integers(0, 256, shape).astype(dtype)
        case Box():
            return rng.standard_normal(shape).astype(dtype)
        case Discrete(n=count, start=start):
            return rng.integers(start, start + count, shape)
        case MultiDiscrete(nvec=nvec):
            return rng.integers(0, nvec, shape)
        case _:
            return rng.integers(0, 2, shape).astype(dtype)


@pytest.mark.parametrize(
    ("space", "raw", "expected"),
    [
        (BOX, [[[1, 2], [3, 4]]], [[1, 2, 3, 4]]),
        (PIXELS, [[[0, 1, 2], [253, 254, 255]]], [[0, 1, 2, 253, 254, 255]]),
        (Discrete(3), [0, 2], [[1, 0, 0], [0, 0, 1]]),
        (Discrete(3, start=5), [5, 6], [[1, 0, 0], [0, 1, 0]]),
        (Discrete(3, start=-2), [-2, 0], [[1, 0, 0], [0, 0, 1]]),
        (MultiDiscrete((2, 3)), [[0, 2], [1, 0]], [[1, 0, 0, 0, 1], [0, 1, 1, 0, 0]]),
        (MultiBinary((2, 2)), [[[0, 1], [1, 1]]], [[0, 1, 1, 1]]),
    ],
)
def test_by_hand(space, raw, expected):
    rows = encode(space, np.array(raw, raw_dtype(space)))
    np.testing.assert_array_equal(rows, expected)
    assert rows.dtype == np.float32


@every_space
@pytest.mark.parametrize("n", [0, 1, 5])
def test_rows_are_as_wide_as_the_size_and_a_buffer_is_filled_whole(space, n):
    raw = raw_rows(space, np.random.default_rng(0), n)
    out = np.full((n, feature_size(space)), np.nan, np.float32)
    rows = encode(space, raw)
    assert rows.shape == out.shape
    assert encode(space, raw, out) is out
    np.testing.assert_array_equal(out, rows)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 10**6))
@proven()
def test_a_one_hot_row_reads_back_to_its_choices(nvec, seed):
    space = MultiDiscrete(tuple(nvec))
    raw = raw_rows(space, np.random.default_rng(seed), 4)
    rows = encode(space, raw)
    parts = np.split(rows, np.cumsum(nvec)[:-1], axis=1)
    np.testing.assert_array_equal(np.stack([part.argmax(axis=1) for part in parts], axis=1), raw)
    np.testing.assert_array_equal(rows.sum(axis=1), len(nvec))


def test_a_float32_box_is_not_copied():
    raw = raw_rows(BOX, np.random.default_rng(0), 3)
    assert np.shares_memory(encode(BOX, raw), raw)


def test_a_strided_box_is_read_right():
    raw = raw_rows(BOX, np.random.default_rng(0), 6)[::2]
    np.testing.assert_array_equal(encode(BOX, raw), [row.reshape(-1) for row in raw])


def test_drawn_actions_of_a_box_are_shaped_and_clipped_but_kept_as_drawn():
    space = Box((1, 2), "float32", (-1.0, 0.0), (1.0, np.inf))
    drawn = np.array([[-3.0, -0.5], [0.25, 1e6]], np.float32)
    kept = drawn.copy()
    np.testing.assert_array_equal(environment_actions(space)(drawn), [[[-1, 0]], [[0.25, 1e6]]])
    np.testing.assert_array_equal(drawn, kept)


@pytest.mark.parametrize(
    ("space", "drawn", "expected"),
    [
        (Discrete(3), [0, 2], [0, 2]),
        (Discrete(3, start=-1), [0, 2], [-1, 1]),
        (MultiDiscrete((2, 2)), [[0, 1]], [[0, 1]]),
    ],
)
def test_drawn_choices_start_where_the_space_does(space, drawn, expected):
    np.testing.assert_array_equal(environment_actions(space)(np.array(drawn)), expected)
