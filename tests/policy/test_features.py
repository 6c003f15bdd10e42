"""Raw observations as rows of numbers, and drawn actions as the environment's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven
from policy_spaces import nested_spaces, random_raw

from touchline.policy.features import encode, feature_size
from touchline.policy.records import Record
from touchline.policy.spaces import (
    Box,
    Dict,
    Discrete,
    MultiBinary,
    MultiDiscrete,
    Tuple,
    leaves,
    raw_dtype,
)

BOX = Box((2, 2), "float32", (-1.0,) * 4, (1.0,) * 4)
PIXELS = Box((2, 3), "uint8", (0.0,) * 6, (255.0,) * 6)
BLOCK = MultiDiscrete((2, 3, 4, 2), (1, 0, -1, 0), (2, 2))
SPACES = [
    *(BOX, PIXELS, Discrete(4), Discrete(3, start=-2), MultiDiscrete((2, 3, 4)), BLOCK, MultiBinary((2, 2))),
    Dict(("a", "b"), (BOX, Tuple((Discrete(3), BLOCK)))),
]
every_space = pytest.mark.parametrize("space", SPACES, ids=repr)


@pytest.mark.parametrize(
    ("space", "raw", "expected"),
    [
        (BOX, [[[1, 2], [3, 4]]], [[1, 2, 3, 4]]),
        (PIXELS, [[[0, 1, 2], [253, 254, 255]]], [[0, 1, 2, 253, 254, 255]]),
        (Discrete(3), [0, 2], [[1, 0, 0], [0, 0, 1]]),
        (Discrete(3, start=5), [5, 6], [[1, 0, 0], [0, 1, 0]]),
        (Discrete(3, start=-2), [-2, 0], [[1, 0, 0], [0, 0, 1]]),
        (MultiDiscrete((2, 3)), [[0, 2], [1, 0]], [[1, 0, 0, 0, 1], [0, 1, 1, 0, 0]]),
        (MultiDiscrete((2, 3), (5, -1)), [[5, 1], [6, -1]], [[1, 0, 0, 0, 1], [0, 1, 1, 0, 0]]),
        (MultiDiscrete((2, 3), (), (2, 1)), [[[0], [2]]], [[1, 0, 0, 0, 1]]),
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
    raw = random_raw(space, np.random.default_rng(0), (n,))
    out = np.full((n, feature_size(space)), np.nan, np.float32)
    rows = encode(space, raw)
    assert rows.shape == out.shape
    assert encode(space, raw, out) is out
    np.testing.assert_array_equal(out, rows)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 10**6))
@proven()
def test_a_one_hot_row_reads_back_to_its_choices(nvec, seed):
    space = MultiDiscrete(tuple(nvec))
    raw = random_raw(space, np.random.default_rng(seed), (4,))
    rows = encode(space, raw)
    parts = np.split(rows, np.cumsum(nvec)[:-1], axis=1)
    np.testing.assert_array_equal(np.stack([part.argmax(axis=1) for part in parts], axis=1), raw)
    np.testing.assert_array_equal(rows.sum(axis=1), len(nvec))


def test_a_float32_box_is_not_copied():
    raw = random_raw(BOX, np.random.default_rng(0), (3,))
    assert np.shares_memory(encode(BOX, raw), raw)


def test_a_strided_box_is_read_right():
    raw = random_raw(BOX, np.random.default_rng(0), (6,))[::2]
    np.testing.assert_array_equal(encode(BOX, raw), [row.reshape(-1) for row in raw])


@given(nested_spaces(), st.integers(0, 10**6))
@proven(40)
def test_leaves_stand_side_by_side(space, seed):
    raw = random_raw(space, np.random.default_rng(seed), (3,))
    rows = encode(space, raw)
    parts = [encode(leaf.space, view) for leaf, view in Record.of(space).views(raw)]
    np.testing.assert_array_equal(rows, np.concatenate(parts, axis=1))
    assert rows.shape[1] == feature_size(space) == sum(feature_size(leaf) for _, leaf in leaves(space))
