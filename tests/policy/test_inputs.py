"""Inputs of several arrays behave as one array of rows does."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.policy.inputs import Parts, joined_inputs, only_array

PARTS = Parts((np.arange(8).reshape(4, 2), np.arange(4.0)))


def test_parts_are_as_long_as_their_rows():
    assert len(PARTS) == 4


@pytest.mark.parametrize("index", [slice(1, 3), np.array([3, 0])], ids=["slice", "array"])
def test_rows_are_taken_from_every_part(index):
    some = PARTS[index]
    for part, whole in zip(some.arrays, PARTS.arrays, strict=True):
        np.testing.assert_array_equal(part, whole[index])


def test_a_slice_is_a_view():
    assert np.shares_memory(PARTS[1:].arrays[0], PARTS.arrays[0])


def test_inputs_join_row_by_row():
    joined = joined_inputs([PARTS[2:], PARTS[:1]])
    assert isinstance(joined, Parts)
    np.testing.assert_array_equal(joined.arrays[0], [[4, 5], [6, 7], [0, 1]])
    np.testing.assert_array_equal(joined.arrays[1], [2, 3, 0])
    np.testing.assert_array_equal(joined_inputs([np.arange(2), np.arange(3)]), [0, 1, 0, 1, 2])


def test_what_reads_one_array_says_that_it_met_several():
    assert only_array(PARTS.arrays[0]) is PARTS.arrays[0]
    with pytest.raises(TypeError, match="expected one array, found 2 parts"):
        only_array(PARTS)
