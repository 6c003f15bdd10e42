"""Messages to frames and back: a msgpack header, then one raw frame an array.

Arrays travel as they lie in memory, little-endian and C-contiguous; their names, dtypes and shapes stand in
the header. Nothing that a header claims is believed before it has been held against the frame, and nothing
here executes what it reads: any bytes give a message or a ``DecodeError``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta, Struct

from touchline.protocol.errors import DecodeError, LocalError
from touchline.protocol.limits import MAX_HEADER_BYTES, Limits
from touchline.protocol.messages import CARRIES_ARRAYS, Message, Name, tag

Array = np.ndarray[Any, np.dtype[Any]]
Frame = bytes | memoryview
"""One frame of a multipart message, flat bytes."""

DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(name).newbyteorder("<")
    for name in (
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "float16", "float32", "float64",
    )
}  # fmt: skip
"""What may cross the wire, by its name there."""

_NAMES = {dtype: name for name, dtype in DTYPES.items()}


class ArraySpec(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What the header says of one array frame."""

    name: Name
    dtype: str
    shape: tuple[Annotated[int, Meta(ge=0, le=2**48)], ...]

    @property
    def nbytes(self) -> int:
        return DTYPES[self.dtype].itemsize * prod(self.shape)

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)} = {self.nbytes} bytes"


class Part(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Which part of a message too long for one: part ``index`` of ``count``."""

    index: Annotated[int, Meta(ge=0)]
    count: Annotated[int, Meta(ge=2)]


class Header(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The first frame. Only part 0 of a message in parts describes the arrays."""

    message: Message
    arrays: tuple[ArraySpec, ...] = ()
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """A whole message. Its arrays are read-only views of the frames they came in."""

    message: Message
    arrays: dict[str, Array]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Header)
_salvager = msgspec.msgpack.Decoder()


def encode(message: Message, arrays: Mapping[str, Array] | None = None) -> list[Frame]:
    """Frames of a message: the header, then one for each array, shared with it (not copied) where its layout
    allows. An array so sent must not be written again. Raises ``TypeError`` for a dtype not in ``DTYPES`` and
    ``LocalError`` for a header too long."""
    if not arrays:
        return [encode_header(Header(message))]
    specs, frames = describe(arrays)
    return [encode_header(Header(message, specs)), *frames]


def describe(arrays: Mapping[str, Array]) -> tuple[tuple[ArraySpec, ...], list[Frame]]:
    """What a header says of these arrays, and their frames. Made once, both serve for any number of peers."""
    specs: list[ArraySpec] = []
    frames: list[Frame] = []
    for name, array in arrays.items():
        dtype = _NAMES.get(array.dtype)
        flat = array
        if dtype is None:
            dtype, flat = _little_endian(name, array)
        if not flat.flags.c_contiguous:
            flat = np.ascontiguousarray(flat)
        specs.append(ArraySpec(name, dtype, array.shape))
        # memoryview.cast refuses zeros in the shape
        frames.append(flat.data.cast("B") if flat.size else b"")
    return tuple(specs), frames


def encode_header(header: Header) -> bytes:
    """The header's frame alone. Raises ``LocalError`` for one that no peer would read."""
    frame = _encoder.encode(header)
    if len(frame) > MAX_HEADER_BYTES:
        name = tag(header.message)
        raise LocalError(f"{name}: the header has {len(frame)} bytes, {MAX_HEADER_BYTES} at most")
    return frame


def decode(frames: Sequence[Frame], *, limits: Limits) -> Decoded:
    """A whole message from its frames. Raises ``DecodeError``, and nothing else, for any bytes."""
    header = decode_header(frames, limits=limits)
    if header.part is not None:
        raise fault(header, "message", "expected a whole one", f"part {header.part.index}")
    return bind(header, frames[1:])


def decode_header(frames: Sequence[Frame], *, limits: Limits) -> Header:
    """The header of a message, checked in itself: sizes, counts, names and dtypes, not yet the frames."""
    if not frames:
        raise DecodeError("message", "expected a header frame", "found none")
    if len(frames[0]) > limits.max_header_bytes:
        raise DecodeError("header", f"at most {limits.max_header_bytes} bytes", f"found {len(frames[0])}")
    try:
        header = _decoder.decode(frames[0])
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise _malformed(frames[0], error) from None
    _check(header, limits)
    return header


def bind(header: Header, frames: Sequence[Frame]) -> Decoded:
    """The arrays that a header speaks of, as read-only views of the frames that follow it."""
    if len(frames) != len(header.arrays):
        expected = f"header says {len(header.arrays)} arrays"
        raise fault(header, tag(header.message), expected, f"{len(frames)} frames follow")
    arrays: dict[str, Array] = {}
    for spec, frame in zip(header.arrays, frames, strict=True):
        if len(frame) != spec.nbytes:
            raise fault(header, spec.name, f"header says {spec}", f"the frame has {len(frame)}")
        try:
            arrays[spec.name] = as_array(spec, frame)
        except ValueError as error:  # a dimension of 0 hides any product from the check of sizes
            raise fault(header, spec.name, f"header says {spec}", str(error)) from None
    return Decoded(header.message, arrays)


def as_array(spec: ArraySpec, frame: Frame) -> Array:
    """One array as a read-only view of its frame. Raises ``ValueError`` where the frame does not fit."""
    array = np.frombuffer(frame, DTYPES[spec.dtype]).reshape(spec.shape)
    array.flags.writeable = False
    return array


def fault(header: Header, field: str, expected: str, found: str) -> DecodeError:
    """A ``DecodeError`` that carries the session and number of the RESULT it befell, if it is one."""
    session = getattr(header.message, "session", None)
    return DecodeError(field, expected, found, session=session, seq=_result_seq(header.message))


def _result_seq(message: Message) -> int | None:
    return getattr(message, "seq", None) if tag(message) == "RESULT" else None


def _little_endian(name: str, array: Array) -> tuple[str, Array]:
    swapped = array.dtype.newbyteorder("<")
    try:
        return _NAMES[swapped], array.astype(swapped)
    except KeyError:
        raise TypeError(f"{name}: {array.dtype} cannot be sent; these can: {', '.join(DTYPES)}") from None


def _check(header: Header, limits: Limits) -> None:
    specs = header.arrays
    if not specs:
        return
    if not isinstance(header.message, CARRIES_ARRAYS):
        raise fault(header, tag(header.message), "carries no arrays", f"header says {len(specs)}")
    if len(specs) > limits.max_arrays:
        raise fault(header, "arrays", f"at most {limits.max_arrays}", f"header says {len(specs)}")
    if len({spec.name for spec in specs}) != len(specs):
        raise fault(header, "arrays", "each name once", "a name is there twice")
    for spec in specs:
        if spec.dtype not in DTYPES:
            raise fault(header, spec.name, f"dtype one of {', '.join(DTYPES)}", f"header says {spec.dtype!r}")
        if len(spec.shape) > limits.max_dimensions:
            found = f"header says {len(spec.shape)}"
            raise fault(header, spec.name, f"at most {limits.max_dimensions} dimensions", found)
    total = sum(spec.nbytes for spec in specs)
    if total > limits.max_result_bytes:
        raise fault(header, "arrays", f"at most {limits.max_result_bytes} bytes", f"header says {total}")


def _malformed(frame: Frame, error: Exception) -> DecodeError:
    """The error for a header that does not decode, with a RESULT's numbers where they can still be read."""
    session = seq = None
    try:
        fields = _salvager.decode(frame)[0]
        if fields["type"] == "RESULT":
            session, seq = fields["session"], fields["seq"]
    except Exception:  # whatever these bytes are, they are already refused
        session = seq = None
    if not (type(session) is int and type(seq) is int and session >= 0 and seq >= 0):
        session = seq = None
    return DecodeError("header", "expected a message", str(error), session=session, seq=seq)
