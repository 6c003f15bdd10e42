"""Every dtype, shape and layout comes back bit for bit; any bytes give a message or a DecodeError."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from protocol_settings import deterministic

from touchline.protocol import (
    DecodeError,
    Gate,
    Limits,
    LocalError,
    Result,
    SnapshotId,
    Weights,
    decode,
    encode,
)
from touchline.protocol import messages as m
from touchline.protocol.codec import DTYPES, Header

LIMITS = Limits()
RESULT = Result(
    session=7, seq=3, order=1, epoch=2, version=9, meta={"steps": 12, "seconds": 0.5, "last": None}
)
LAYOUTS = {
    "scalar": lambda x: x[0, 0, 0].reshape(()),
    "empty": lambda x: x[:0],
    "empty inside": lambda x: x[:, :0],
    "plain": lambda x: x,
    "fortran": np.asfortranarray,
    "strided": lambda x: x[::2, :, ::-1],
    "transposed": lambda x: x.T,
    "broadcast": lambda x: np.broadcast_to(x[0], x.shape),
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
    "one element": lambda x: x[:1, :1, :1],
}
EXAMPLES = [
    m.Hello(
        protocol=1, touchline="0.1.0", python="3.11", name="p0", host="h", pid=1, incarnation=0, attempt=1,
        run="r", sent=4, acked=2, held=SnapshotId(1, 5),
    ),
    m.Welcome(
        attempt=1, run="r", epoch=1, session=7, slot=0, incarnation=0, seed=3, resumed=False, next=0, width=1,
        gate=Gate(1, 0), heartbeat_seconds=0.5, dead_seconds=10.0, config={"env": {"id": "x"}, "seed": 0},
    ),
    m.Ready(session=7, spaces={"observation": {"kind": "box", "low": [-1.5]}}, facts={"threshold": None}),
    m.Order(session=7, order=1, verb="play", arguments={"steps": 128, "hidden": True}, standing=True),
    m.Want(session=7, seq=3, count=16, held=None),
    Weights(session=7, seq=3, count=1, order=1, epoch=1, version=4, modified=True, gate=Gate(4, 0)),
    RESULT,
    m.Ack(session=7, next=4, gate=Gate(5, 2), newest=3, durable=1, beat=2, waiting=4),
    m.Nack(session=7, next=4),
    m.Beat(session=7, beat=1, sent=4, stage="step", stage_seconds=0.1, errors=0),
    m.Bye(session=7, sent=4, reason="stopped"),
    m.ByeOk(session=7, row={"sent": 4, "trained": 4}),
    m.Err(code=m.ErrorCode.BUSY, detail="later", fatal=False, retry_after_seconds=2.0),
    m.Stop(reason="solved"),
]  # fmt: skip


def values(dtype: str) -> np.ndarray:
    raw = np.random.default_rng(1).integers(0, 255, (4, 6, 5))
    return raw.astype(bool) if dtype == "bool" else (raw - 100).astype(dtype)


def frames_of(message: m.Message, arrays: dict[str, np.ndarray] | None = None) -> list[bytes]:
    return [bytes(frame) for frame in encode(message, arrays)]


def with_header(change: dict[str, object], frames: list[bytes]) -> list[bytes]:
    """The frames with fields of the first array's description replaced."""
    message, specs, part = msgspec.msgpack.decode(frames[0])
    spec = dict(zip(("name", "dtype", "shape"), specs[0], strict=True)) | change
    return [msgspec.msgpack.encode([message, [list(spec.values()), *specs[1:]], part]), *frames[1:]]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_array_comes_back_bit_for_bit(dtype: str, layout: str) -> None:
    array = LAYOUTS[layout](values(dtype))
    decoded = decode(frames_of(RESULT, {"x": array}), limits=LIMITS)
    got = decoded.arrays["x"]
    assert decoded.message == RESULT
    assert got.shape == array.shape
    assert got.dtype == np.dtype(dtype)
    assert got.tobytes() == np.ascontiguousarray(array.astype(dtype)).tobytes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.0])
def test_special_floats_keep_their_bits(value: float) -> None:
    array = np.array([value], np.float64)
    assert decode(frames_of(RESULT, {"x": array}), limits=LIMITS).arrays["x"].tobytes() == array.tobytes()


@pytest.mark.parametrize("message", EXAMPLES, ids=m.tag)
def test_every_message_comes_back(message: m.Message) -> None:
    assert decode(frames_of(message), limits=LIMITS).message == message


def test_there_is_an_example_of_every_message() -> None:
    assert [type(message) for message in EXAMPLES] == list(m.MESSAGES)


def test_contiguous_arrays_are_shared_both_ways() -> None:
    array = np.zeros(100_000, np.float32)
    frames = encode(RESULT, {"x": array})
    assert np.shares_memory(np.frombuffer(frames[1], np.uint8), array)
    assert np.shares_memory(decode(frames, limits=LIMITS).arrays["x"], array)


def test_decoded_arrays_cannot_be_written() -> None:
    frames = [
        frame if index == 0 else bytearray(frame)
        for index, frame in enumerate(encode(RESULT, {"x": np.ones(3)}))
    ]
    with pytest.raises(ValueError, match="read-only"):
        decode(frames, limits=LIMITS).arrays["x"][0] = 2  # type: ignore[arg-type]


def test_order_of_arrays_is_kept() -> None:
    arrays = {name: np.full(2, index) for index, name in enumerate("zyxab")}
    got = decode(frames_of(RESULT, arrays), limits=LIMITS).arrays
    assert list(got) == list(arrays)
    assert [int(array[0]) for array in got.values()] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.array([None]), np.zeros(2, complex), np.zeros(1, "f4,i4")]
)
def test_what_cannot_be_sent_is_refused_with_what_can(array: np.ndarray) -> None:
    with pytest.raises(TypeError, match=r"x: .* cannot be sent; these can: bool, int8, .*float64"):
        encode(RESULT, {"x": array})


# -- claims held against the frames


@pytest.mark.parametrize("size", [0, 3, 17, 20])
def test_a_frame_of_another_size_is_named(size: int) -> None:
    frames = frames_of(RESULT, {"rewards": np.zeros(4, np.float32)})
    with pytest.raises(DecodeError) as caught:
        decode([frames[0], bytes(size)], limits=LIMITS)
    assert str(caught.value) == f"rewards: header says float32 [4] = 16 bytes, the frame has {size}"
    assert (caught.value.session, caught.value.seq) == (7, 3)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"dtype": "object"}, r"x: dtype one of bool, .*, header says 'object'"),
        ({"dtype": ">f4"}, r"header says '>f4'"),
        ({"shape": [2**40, 2**40]}, r"arrays: at most \d+ bytes"),
        ({"shape": [0, 2**48, 2**48]}, r"x: header says float32 \[0, "),
        ({"shape": [5]}, r"x: header says float32 \[5\] = 20 bytes, the frame has 16"),
        ({"shape": [-4]}, r"header: expected a message"),
        ({"shape": [4.0]}, r"header: expected a message"),
        ({"shape": [1] * 17}, r"x: at most 16 dimensions, header says 17"),
        ({"name": ""}, r"header: expected a message"),
        ({"name": "y"}, r"arrays: each name once"),
        ({"more": 1}, r"header: expected a message"),
    ],
)
def test_a_false_claim_is_refused(change: dict[str, object], text: str) -> None:
    frames = frames_of(RESULT, {"x": np.zeros(4, np.float32), "y": np.zeros(0)})
    with pytest.raises(DecodeError, match=text) as caught:
        decode(with_header(change, frames), limits=LIMITS)
    assert (caught.value.session, caught.value.seq) == (7, 3)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_frames_and_descriptions_are_counted(count: int) -> None:
    frames = frames_of(RESULT, {"x": np.zeros(4), "y": np.zeros(4)})
    with pytest.raises(DecodeError, match=rf"RESULT: header says 2 arrays, {count} frames follow"):
        decode([frames[0], *[bytes(32)] * count], limits=LIMITS)


def test_only_some_messages_carry_arrays() -> None:
    with pytest.raises(DecodeError, match="BYE: carries no arrays, header says 1"):
        decode(frames_of(EXAMPLES[10], {"x": np.zeros(1)}), limits=LIMITS)


def test_a_header_that_no_peer_would_read_is_not_sent() -> None:
    with pytest.raises(LocalError, match=r"READY: the header has \d+ bytes, 65536 at most"):
        encode(m.Ready(session=1, spaces={"low": [0.0] * 10_000}, facts={}))


def test_no_frames_are_no_message() -> None:
    with pytest.raises(DecodeError, match="message: expected a header frame, found none"):
        decode([], limits=LIMITS)


def test_a_long_header_is_not_read() -> None:
    with pytest.raises(DecodeError, match="header: at most 65536 bytes, found 65537"):
        decode([bytes(65537)], limits=LIMITS)


def test_too_many_arrays_are_refused() -> None:
    arrays = {str(index): np.zeros(1) for index in range(4)}
    with pytest.raises(DecodeError, match="arrays: at most 3, header says 4"):
        decode(frames_of(RESULT, arrays), limits=Limits(max_arrays=3))


@pytest.mark.parametrize("field", ["seq", "session"])
def test_an_unreadable_number_leaves_nothing_to_account_for(field: str) -> None:
    message, *rest = msgspec.msgpack.decode(encode(RESULT)[0])
    with pytest.raises(DecodeError) as caught:
        decode([msgspec.msgpack.encode([{**message, field: "x"}, *rest])], limits=LIMITS)
    assert (caught.value.session, caught.value.seq) == (None, None)


def test_an_unknown_field_is_refused_and_its_result_still_known() -> None:
    message, *rest = msgspec.msgpack.decode(encode(RESULT)[0])
    with pytest.raises(DecodeError, match="unknown field `more`") as caught:
        decode([msgspec.msgpack.encode([{**message, "more": 1}, *rest])], limits=LIMITS)
    assert (caught.value.session, caught.value.seq) == (7, 3)


# -- any bytes: a message or a DecodeError, nothing else


NESTED = encode(m.Ready(session=1, spaces={"a": 0}, facts={}))[0].replace(
    b"\xa1a\x00", b"\xa1a" + b"\x91" * 60_000
)


@deterministic
@given(st.lists(st.binary(max_size=60), max_size=4))
@example([b"\x91" * 60_000])
@example([NESTED])
@example([b"\xdc\xff\xff"])
@example([b"\xdd\xff\xff\xff\xff"])
@example([b"\x93\x81\xc0\xc0\x90\xc0"])
@example([b"\x93\x81\xa4type\xa3\xff\xfe\xfd\x90\xc0"])
@example([b"\xd7\xff" + b"\xff" * 8])
@example([msgspec.msgpack.encode([{"type": "READY", "session": 1, "spaces": {"a": None}, "facts": {}}])[:-3]])
def test_any_bytes(frames: list[bytes]) -> None:
    try:
        decoded = decode(frames, limits=LIMITS)
    except DecodeError:
        return
    assert isinstance(decoded.message, m.MESSAGES)


WHOLE = [frames_of(message) for message in EXAMPLES] + [
    frames_of(RESULT, {"rewards": np.arange(4, dtype=np.float32), "valid": np.ones((2, 2), bool)})
]


@deterministic
@given(st.sampled_from(WHOLE), st.data())
def test_any_change_of_a_message(frames: list[bytes], data: st.DataObject) -> None:
    changed = [bytearray(frame) for frame in frames]
    for _ in range(data.draw(st.integers(1, 4))):
        frame = data.draw(st.sampled_from(changed))
        at = data.draw(st.integers(0, len(frame)))
        match data.draw(st.sampled_from(["flip", "cut", "put"])):
            case "flip" if at < len(frame):
                frame[at] = data.draw(st.integers(0, 255))
            case "cut":
                del frame[at:]
            case _:
                frame[at:at] = data.draw(st.binary(min_size=1, max_size=9))
    test_any_bytes.hypothesis.inner_test([bytes(frame) for frame in changed])


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.integers(-9, 9), inner)
    ),
    max_leaves=12,
)


@deterministic
@given(plain)
def test_any_other_msgpack(value: object) -> None:
    header = msgspec.msgpack.encode([{"type": "RESULT", "session": value}, value, value])
    test_any_bytes.hypothesis.inner_test([header])


def test_header_is_the_whole_of_the_first_frame() -> None:
    assert Header.__struct_fields__ == ("message", "arrays", "part")
