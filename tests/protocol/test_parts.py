"""What is cut into parts is put together again, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from protocol_settings import deterministic

from touchline.protocol import DecodeError, Limits, Reassembly, Result, SequenceError, decode, split
from touchline.protocol.codec import Decoded, Frame, decode_header

LIMITS = Limits(max_header_bytes=1_000, max_message_bytes=1_400, max_result_bytes=100_000)
ROOM = LIMITS.max_message_bytes - LIMITS.max_header_bytes


def result(seq: int = 3) -> Result:
    return Result(session=7, seq=seq, order=1, epoch=1, version=2, meta={"steps": 8})


def feed(reassembly: Reassembly, frames: list[Frame]) -> Decoded | None:
    return reassembly.add(decode_header(frames, limits=LIMITS), frames[1:])


def sizes(frames: list[Frame]) -> int:
    return sum(len(frame) for frame in frames)


def test_what_fits_goes_whole() -> None:
    [frames] = split(result(), {"x": np.zeros(ROOM, np.uint8)}, limits=LIMITS)
    assert decode(frames, limits=LIMITS).message == result()


def test_what_does_not_fit_goes_in_parts_of_at_most_a_message() -> None:
    messages = split(result(), {"x": np.zeros(ROOM + 1, np.uint8)}, limits=LIMITS)
    assert len(messages) == 2
    assert all(sizes(frames) <= LIMITS.max_message_bytes for frames in messages)


@deterministic
@given(
    st.lists(st.integers(0, 3 * ROOM), min_size=1, max_size=6),
    st.sampled_from([np.uint8, np.float32, np.int64]),
)
def test_any_arrays_come_back(lengths: list[int], dtype: type) -> None:
    arrays = {str(index): np.arange(length).astype(dtype) for index, length in enumerate(lengths)}
    reassembly = Reassembly(LIMITS)
    got = [feed(reassembly, frames) for frames in split(result(), arrays, limits=LIMITS)]
    assert got[:-1] == [None] * (len(got) - 1)
    assert got[-1] is not None
    assert got[-1].message == result()
    assert got[-1].arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(got[-1].arrays[name], array)
        assert not got[-1].arrays[name].flags.writeable
    assert reassembly.open is None


def test_shapes_survive_the_cut() -> None:
    arrays = {"a": np.arange(600.0).reshape(20, 30), "b": np.array(5.0), "c": np.zeros((0, 4))}
    reassembly = Reassembly(LIMITS)
    *_, whole = [feed(reassembly, frames) for frames in split(result(), arrays, limits=LIMITS)]
    assert whole is not None
    assert {name: array.shape for name, array in whole.arrays.items()} == {
        "a": (20, 30),
        "b": (),
        "c": (0, 4),
    }


def test_a_short_message_may_pass_between_parts() -> None:
    first, second = split(result(), {"x": np.arange(ROOM + 1, dtype=np.uint8)}, limits=LIMITS)
    [whole] = split(result(9), {}, limits=LIMITS)
    reassembly = Reassembly(LIMITS)
    assert feed(reassembly, first) is None
    passed = feed(reassembly, whole)
    assert passed is not None
    assert passed.message == result(9)
    assert reassembly.open == result()
    assert feed(reassembly, second) is not None


def three() -> list[list[Frame]]:
    messages = split(result(), {"x": np.zeros(3 * ROOM, np.uint8)}, limits=LIMITS)
    assert len(messages) == 3
    return messages


@pytest.mark.parametrize("order", [[1], [0, 2], [0, 1, 1], [0, 1, 2, 2]])
def test_a_part_out_of_turn_is_an_error(order: list[int]) -> None:
    reassembly = Reassembly(LIMITS)
    for index in order[:-1]:
        feed(reassembly, three()[index])
    with pytest.raises(SequenceError, match=r"RESULT: .*part"):
        feed(reassembly, three()[order[-1]])
    assert reassembly.open is None


def test_part_zero_begins_anew() -> None:
    reassembly = Reassembly(LIMITS)
    feed(reassembly, three()[0])
    got = [feed(reassembly, frames) for frames in three()]
    assert got[-1] is not None


def test_another_message_in_between_is_an_error() -> None:
    other = split(result(4), {"x": np.zeros(3 * ROOM, np.uint8)}, limits=LIMITS)
    reassembly = Reassembly(LIMITS)
    feed(reassembly, three()[0])
    with pytest.raises(SequenceError, match="expected part 1 of 3"):
        feed(reassembly, other[1])


def test_bytes_too_many_are_refused() -> None:
    first, second = split(result(), {"x": np.zeros(ROOM + 9, np.uint8)}, limits=LIMITS)
    reassembly = Reassembly(LIMITS)
    feed(reassembly, first)
    with pytest.raises(DecodeError, match="parts: no more than the arrays hold, 1 bytes too many") as caught:
        feed(reassembly, [*second, b"!"])
    assert (caught.value.session, caught.value.seq) == (7, 3)
    assert reassembly.open is None


def test_bytes_too_few_are_refused() -> None:
    first, second = split(result(), {"x": np.zeros(ROOM + 9, np.uint8)}, limits=LIMITS)
    reassembly = Reassembly(LIMITS)
    feed(reassembly, first)
    with pytest.raises(DecodeError, match="parts: all bytes of the arrays, 4 are missing") as caught:
        feed(reassembly, [second[0], second[1][:5]])
    assert caught.value.seq == 3


def test_a_claim_beyond_the_bound_is_refused_before_anything_is_held() -> None:
    first, *_ = split(result(), {"x": np.zeros(100_001, np.uint8)}, limits=LIMITS)
    with pytest.raises(DecodeError, match="at most 100000 bytes, header says 100001"):
        feed(Reassembly(LIMITS), first)


def test_a_part_is_not_a_whole_message() -> None:
    with pytest.raises(DecodeError, match="expected a whole one, part 1"):
        decode(three()[1], limits=LIMITS)


def test_an_array_in_parts_is_cut_without_copying() -> None:
    array = np.zeros(3 * ROOM, np.uint8)
    for frames in split(result(), {"x": array}, limits=LIMITS):
        assert np.shares_memory(np.frombuffer(frames[1], np.uint8), array)
