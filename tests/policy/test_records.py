"""Records: nested observations in one row of bytes, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven
from policy_spaces import nested_spaces, random_value

from touchline.policy.kinds import ALIGNMENT
from touchline.policy.records import Record, RecordError, flat_values, nested
from touchline.policy.spaces import (
    Box,
    Dict,
    Discrete,
    MultiBinary,
    MultiDiscrete,
    Tuple,
    leaves,
    path_text,
    raw_dtype,
    raw_shape,
)

CAMERA = Box((2, 3), "uint8", (0.0,) * 6, (255.0,) * 6)
SPEED = Box((3,), "float32", (-1.0,) * 3, (1.0,) * 3)
CAR = Dict(("camera", "body"), (CAMERA, Tuple((SPEED, Discrete(4), MultiBinary((3,))))))
VALUE = {
    "camera": np.arange(6, dtype=np.uint8).reshape(2, 3),
    "body": (np.array([0.5, -0.5, 0.25], np.float32), 3, np.array([1, 0, 1], np.int8)),
}


def equal(one, other):
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return np.array_equal(one, other)


def test_where_the_leaves_lie_by_hand():
    record = Record.of(CAR)
    assert [(leaf.path, leaf.offset, leaf.stop) for leaf in record.leaves] == [
        (("camera",), 0, 6),
        (("body", 0), 8, 20),
        (("body", 1), 24, 32),
        (("body", 2), 32, 35),
    ]
    assert record.nbytes == 40
    assert (raw_shape(CAR), raw_dtype(CAR)) == ((40,), "uint8")


def test_bytes_by_hand():
    row = np.full(40, 77, np.uint8)
    Record.of(CAR).pack(VALUE, row)
    np.testing.assert_array_equal(row[:6], range(6))
    np.testing.assert_array_equal(row[8:20].view(np.float32), [0.5, -0.5, 0.25])
    np.testing.assert_array_equal(row[24:32].view(np.int64), [3])
    np.testing.assert_array_equal(row[32:35], [1, 0, 1])


def test_what_no_leaf_covers_is_zero():
    """Equal observations are equal bytes, whatever was in the buffer before."""
    rows = np.empty((2, 40), np.uint8)
    for row, before in zip(rows, (77, 200), strict=True):
        row.fill(before)
        Record.of(CAR).pack(VALUE, row)
    np.testing.assert_array_equal(rows[0], rows[1])
    assert not rows[0, [6, 7, 20, 21, 22, 23, *range(35, 40)]].any()


@given(nested_spaces(), st.integers(0, 10**6))
@proven(80)
def test_what_is_packed_is_unpacked(space, seed):
    record = Record.of(space)
    value = random_value(space, np.random.default_rng(seed))
    row = np.full(record.nbytes, 255, np.uint8)
    record.pack(value, row)
    assert equal(record.unpack(row), value)
    assert all(leaf.offset % ALIGNMENT == 0 for leaf in record.leaves)
    assert record.nbytes % ALIGNMENT == 0
    assert [(leaf.path, leaf.space) for leaf in record.leaves] == list(leaves(space))


@pytest.mark.parametrize("lead", [(), (1,), (0,), (4,), (3, 2)])
def test_a_view_is_typed_shaped_and_the_same_memory(lead):
    raw = np.zeros((*lead, 40), np.uint8)
    for leaf, view in Record.of(CAR).views(raw):
        assert (view.shape, view.dtype) == ((*lead, *raw_shape(leaf.space)), raw_dtype(leaf.space))
        assert view.size == 0 or np.shares_memory(view, raw)
        view[...] = 1
    if raw.size:
        assert (Record.of(CAR).unpack(raw)["body"][0] == 1).all()


def test_rows_of_a_longer_array_can_be_viewed():
    raw = np.zeros((4, 3, 40), np.uint8)
    leaf = Record.of(CAR).leaves[1]
    Record.of(CAR).view(raw[::2, 1], leaf)[...] = 7.0
    found = Record.of(CAR).view(raw, leaf)
    assert (found[::2, 1] == 7).all()
    assert found.sum() == 7 * 2 * 3


def test_a_batch_is_packed_leaf_by_leaf():
    record = Record.of(CAR)
    rng = np.random.default_rng(0)
    values = [random_value(CAR, rng) for _ in range(3)]
    batch = nested(
        CAR, [np.stack(column) for column in zip(*(flat_values(CAR, v) for v in values), strict=True)]
    )
    rows = np.empty((3, record.nbytes), np.uint8)
    record.pack(batch, rows)
    for row, value in zip(rows, values, strict=True):
        assert equal(record.unpack(row), value)


@pytest.mark.parametrize(
    ("change", "where", "expected"),
    [
        (lambda v: {"camera": v["camera"]}, "observation", "a dict of 'camera', 'body'"),
        (lambda v: v | {"x": 1}, "observation", "a dict of 'camera', 'body'"),
        (lambda v: tuple(v.values()), "observation", "a dict of"),
        (lambda v: v | {"body": v["body"][:2]}, "observation['body']", "a tuple of 3 values"),
        (lambda v: v | {"body": "abc"}, "observation['body']", "a tuple of 3 values"),
        (lambda v: v | {"body": np.zeros(3)}, "observation['body']", "a tuple of 3 values"),
        (lambda v: v | {"camera": np.zeros((3, 2), np.uint8)}, "observation['camera']", "uint8 [2, 3]"),
        (lambda v: v | {"camera": np.zeros((2, 3))}, "observation['camera']", "uint8 [2, 3]"),
        (lambda v: v | {"camera": [[0] * 3] * 2}, "observation['camera']", "uint8 [2, 3]"),
        (lambda v: v | {"body": (v["body"][0], 1.5, v["body"][2])}, "observation['body'][1]", "int64 []"),
        (lambda v: v | {"body": (v["body"][0], None, v["body"][2])}, "observation['body'][1]", "int64 []"),
    ],
)
def test_a_value_that_is_not_one_is_refused_with_its_path(change, where, expected):
    with pytest.raises(RecordError) as caught:
        Record.of(CAR).pack(change(VALUE), np.zeros(40, np.uint8))
    assert caught.value.where == where
    assert expected in caught.value.expected


def test_numbers_are_cast_within_their_kind():
    row = np.zeros(40, np.uint8)
    wide = VALUE | {"body": (np.array([0.5, 0, 0]), np.int32(2), np.array([True, False, True]))}
    Record.of(CAR).pack(wide, row)
    body = Record.of(CAR).unpack(row)["body"]
    np.testing.assert_array_equal(body[0], [0.5, 0, 0])
    assert body[1] == 2
    np.testing.assert_array_equal(body[2], [1, 0, 1])


def test_a_space_without_parts_is_one_leaf():
    record = Record.of(SPEED)
    assert [(leaf.path, leaf.space, leaf.offset) for leaf in record.leaves] == [((), SPEED, 0)]


def test_equal_spaces_share_their_record_and_others_do_not():
    again = Dict(("camera", "body"), CAR.spaces)
    assert Record.of(CAR) is Record.of(again)
    low = Box((3,), "float32", (-2.0,) * 3, (1.0,) * 3)
    assert hash(low) == hash(SPEED)
    assert Record.of(Tuple((low,))).leaves != Record.of(Tuple((SPEED,))).leaves


def test_paths_read_as_python_writes_them():
    assert path_text("observation", ()) == "observation"
    assert path_text("observation", ("a b", 0, "c")) == "observation['a b'][0]['c']"
    assert [path for path, _ in leaves(Tuple((MultiDiscrete((2,)), CAR)))][:2] == [(0,), (1, "camera")]
