"""Packed arrays: back exactly, and refused where a peer's are no packed rows; trajectories that cross so."""

from __future__ import annotations

import re
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from policy_numerics import proven
from policy_trajectories import PIXELS, policy_of, snapshot_of, trajectory_of

from touchline.policy import packing
from touchline.policy.packing import PackingError, pack, position_dtype, unpack
from touchline.policy.trajectory import Trajectory, TrajectoryError

DTYPES = ["int8", "uint8", "int16", "int32", "int64", "uint64"]


def back(arrays, rows, name="x"):
    return unpack(name, arrays, rows=len(rows), width=rows.shape[1], dtype=rows.dtype.name)


@proven(150)
@given(st.data())
def test_rows_come_back_exactly(data):
    dtype = data.draw(st.sampled_from(DTYPES))
    shape = data.draw(st.tuples(st.integers(0, 6), st.integers(1, 9)))
    info = np.iinfo(dtype)
    numbers = st.just(0) | st.integers(int(info.min), int(info.max))
    rows = data.draw(hnp.arrays(dtype, shape, elements=numbers))
    found = back(pack("x", rows), rows)
    assert found.dtype == rows.dtype
    np.testing.assert_array_equal(found, rows)


@pytest.mark.parametrize("layout", ["C", "F", "strided"])
def test_any_layout_of_memory(layout):
    rng = np.random.default_rng(0)
    rows = (rng.integers(-1, 2, (6, 8)) * (rng.random((6, 8)) < 0.4)).astype(np.int8)
    given = {"C": rows, "F": np.asfortranarray(rows), "strided": rows[::2, ::2]}[layout]
    np.testing.assert_array_equal(back(pack("x", given), given), given)


def test_what_is_sent():
    rows = np.array([[0, 7, 0, -1], [0, 0, 0, 0], [5, 0, 0, 0]], np.int8)
    arrays = pack("x", rows)
    np.testing.assert_array_equal(arrays["x.positions"], [1, 3, 0])
    np.testing.assert_array_equal(arrays["x.values"], [7, -1, 5])
    np.testing.assert_array_equal(arrays["x.offsets"], [0, 2, 2, 3])
    assert [array.dtype.name for array in arrays.values()] == ["uint16", "int8", "uint32"]


def test_a_difference_of_frames_takes_a_fiftieth():
    rng = np.random.default_rng(1)
    rows = (rng.integers(1, 2, (100, 6400)) * (rng.random((100, 6400)) < 26 / 6400)).astype(np.int8)
    assert sum(array.nbytes for array in pack("x", rows).values()) * 50 < rows.nbytes


def test_wide_rows_have_wide_positions():
    assert position_dtype(2**16) == "uint16"
    assert position_dtype(2**16 + 1) == "uint32"
    rows = np.zeros((2, 2**16 + 1), np.int8)
    rows[1, -1] = 3
    arrays = pack("x", rows)
    assert arrays["x.positions"].dtype == np.uint32
    np.testing.assert_array_equal(back(arrays, rows), rows)


def valid():
    rows = np.array([[0, 7, 0, -1], [0, 0, 0, 0], [5, 0, 6, 0]], np.int8)
    return rows, pack("x", rows)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"positions": None}, "x.positions: expected uint16 [0], found nothing"),
        ({"positions": np.zeros((2, 2), np.uint16)}, "x.positions: expected uint16 [0], found uint16 [2, 2]"),
        ({"positions": np.zeros(4, np.int64)}, "x.positions: expected uint16 [4], found int64 [4]"),
        ({"values": np.zeros(3, np.int8)}, "x.values: expected int8 [4], found int8 [3]"),
        ({"values": np.zeros(4, np.float32)}, "x.values: expected int8 [4], found float32 [4]"),
        ({"values": None}, "x.values: expected int8 [4], found nothing"),
        ({"offsets": np.zeros(3, np.uint32)}, "x.offsets: expected uint32 [4], found uint32 [3]"),
        ({"offsets": None}, "x.offsets: expected uint32 [4], found nothing"),
        ({"offsets": [1, 2, 2, 4]}, "x.offsets: expected a rise from 0 to 4, found 1 to 4"),
        ({"offsets": [0, 2, 2, 3]}, "x.offsets: expected a rise from 0 to 4, found 0 to 3"),
        (
            {"offsets": [0, 3, 2, 4]},
            "x.offsets: expected a rise from 0 to 4, found 0 to 4 with a fall between",
        ),
        ({"offsets": [0, 2**32 - 1, 2, 4]}, "with a fall between"),
        ({"positions": [1, 4, 0, 2]}, "x.positions: expected 0 to below 4, found 4"),
        (
            {"positions": [3, 1, 0, 2]},
            "x.positions: expected them to rise within each row, found 1 after 3 in row 0",
        ),
        (
            {"positions": [1, 3, 2, 2]},
            "x.positions: expected them to rise within each row, found 2 after 2 in row 2",
        ),
    ],
)
def test_what_is_no_packed_rows_is_refused(change, said):
    rows, arrays = valid()
    dtypes = {"positions": np.uint16, "offsets": np.uint32}
    for part, value in change.items():
        del arrays[f"x.{part}"]
        if value is not None:
            arrays[f"x.{part}"] = value if isinstance(value, np.ndarray) else np.array(value, dtypes[part])
    with pytest.raises(PackingError, match=re.escape(said)):
        back(arrays, rows)


@proven(300)
@given(
    st.lists(st.integers(0, 5), max_size=6),
    st.lists(st.integers(0, 7), min_size=3, max_size=3),
    st.integers(0, 7),
)
def test_any_numbers_give_rows_or_a_packing_error(positions, offsets, count):
    arrays = {
        "x.positions": np.array(positions, np.uint16),
        "x.values": np.ones(count if count < 7 else len(positions), np.int8),
        "x.offsets": np.array(offsets, np.uint32),
    }
    try:
        found = unpack("x", arrays, rows=2, width=4, dtype="int8")
    except PackingError:
        return
    assert found.sum() == len(positions)


def test_a_few_numbers_cannot_ask_for_all_memory(monkeypatch):
    monkeypatch.setattr(packing, "MAX_DENSE_BYTES", 1000)
    rows = np.zeros((10, 100), np.int8)
    back(pack("x", rows), rows)
    wider = np.zeros((10, 101), np.int8)
    said = "x: expected rows of 1,000 bytes at most in all, found 10 of 101 int8"
    with pytest.raises(PackingError, match=re.escape(said)):
        back(pack("x", wider), wider)


# -- trajectories


@pytest.fixture(scope="module")
def played():
    """(policy, trajectory) whose observations are mostly 0."""
    policy = policy_of(observed=PIXELS, sparse=True)
    rng = np.random.default_rng(2)
    trajectory = trajectory_of(policy, snapshot_of(policy, rng, dtype="float32"), rng, rate=0.6)
    assert len(trajectory.final_observations) > 0
    return policy, trajectory


def test_a_trajectory_crosses_packed_and_is_dense_again(played):
    policy, trajectory = played
    arrays = trajectory.to_arrays(sparse=True)
    assert not {"observations", "final_observations"} & arrays.keys()
    found = Trajectory.from_arrays(policy, arrays, hidden=True)
    assert found.observations.dtype == np.int8
    for field in fields(Trajectory):
        np.testing.assert_equal(getattr(found, field.name), getattr(trajectory, field.name))


def test_a_trajectory_without_an_end_has_no_final_observation(played):
    policy, _ = played
    rng = np.random.default_rng(3)
    trajectory = trajectory_of(policy, snapshot_of(policy, rng, dtype="float32"), rng, rate=0)
    found = Trajectory.from_arrays(policy, trajectory.to_arrays(sparse=True), hidden=True)
    assert found.final_observations.shape == (0, 4, 5)


@pytest.mark.parametrize("name", ["observations", "final_observations"])
def test_a_packed_fault_is_a_trajectory_error(played, name):
    policy, trajectory = played
    arrays = trajectory.to_arrays(sparse=True)
    arrays[f"{name}.offsets"] = arrays[f"{name}.offsets"] + np.uint32(1)
    with pytest.raises(TrajectoryError, match=rf"{name}\.offsets: expected a rise from 0"):
        Trajectory.from_arrays(policy, arrays, hidden=True)


def test_dense_observations_are_refused_where_packed_ones_are_expected(played):
    policy, trajectory = played
    with pytest.raises(
        TrajectoryError, match=r"observations\.positions: expected uint16 \[0\], found nothing"
    ):
        Trajectory.from_arrays(policy, trajectory.to_arrays(), hidden=True)
    both = trajectory.to_arrays() | trajectory.to_arrays(sparse=True)
    with pytest.raises(TrajectoryError, match="unexpected array 'observations'"):
        Trajectory.from_arrays(policy, both, hidden=True)


def test_packed_observations_are_refused_where_dense_ones_are_expected(played):
    _, trajectory = played
    with pytest.raises(TrajectoryError, match=r"unexpected array 'observations\.positions'"):
        Trajectory.from_arrays(policy_of(observed=PIXELS), trajectory.to_arrays(sparse=True), hidden=True)
