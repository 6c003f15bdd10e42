"""Messages too long for one: cut into numbered parts, and put together again.

The array frames are taken as one run of bytes and cut into ranges. Every part repeats the message, part 0
alone describes the arrays. Parts come in order, one message at a time: a long result delays what its Player
sends next, never what others send.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from touchline.protocol.codec import (
    Array,
    ArraySpec,
    Decoded,
    Frame,
    Header,
    Part,
    bind,
    describe,
    encode_header,
    fault,
)
from touchline.protocol.errors import RemoteError, SequenceError
from touchline.protocol.limits import Limits
from touchline.protocol.messages import Message, tag


def split(message: Message, arrays: Mapping[str, Array], *, limits: Limits) -> list[list[Frame]]:
    """The message as one list of frames, or as several where it is longer than ``max_message_bytes``."""
    specs, frames = describe(arrays)
    return split_frames(message, specs, frames, limits=limits)


def split_frames(
    message: Message, specs: tuple[ArraySpec, ...], frames: Sequence[Frame], *, limits: Limits
) -> list[list[Frame]]:
    """``split`` for arrays already described, so that one snapshot's frames serve every Player."""
    room = limits.max_message_bytes - limits.max_header_bytes
    if sum(len(frame) for frame in frames) <= room:
        return [[encode_header(Header(message, specs)), *frames]]
    chunks = list(_cut(frames, room))
    return [
        [encode_header(Header(message, specs if index == 0 else (), Part(index, len(chunks)))), *chunk]
        for index, chunk in enumerate(chunks)
    ]


def _cut(frames: Sequence[Frame], room: int) -> Iterator[list[Frame]]:
    chunk: list[Frame] = []
    left = room
    for frame in frames:
        view = memoryview(frame)
        while len(view) > left:
            chunk.append(view[:left])
            yield chunk
            view, chunk, left = view[left:], [], room
        if len(view):
            chunk.append(view)
            left -= len(view)
    if chunk:
        yield chunk


class Reassembly:
    """Puts the parts of one peer's messages together; holds at most one unfinished message."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: Header | None = None
        self._next = 0
        self._buffers: list[memoryview] = []
        self._filling = 0
        self._offset = 0

    @property
    def open(self) -> Message | None:
        """The message of which parts are still missing."""
        return None if self._open is None else self._open.message

    def add(self, header: Header, frames: Sequence[Frame]) -> Decoded | None:
        """Takes a message or a part (``frames`` without the header); a whole message once there is one.

        Raises ``DecodeError`` for frames that contradict their header and ``SequenceError`` for a part out of
        turn. After either, what was open is forgotten.
        """
        if header.part is None:
            return bind(header, frames)  # may pass between two parts: that is what parts are for
        try:
            if header.part.index == 0:
                self._begin(header)
            return self._continue(header, header.part, frames)
        except RemoteError:
            self.reset()
            raise

    def reset(self) -> None:
        """Forgets an unfinished message."""
        self._open = None
        self._buffers = []

    def _begin(self, header: Header) -> None:
        self._open = header
        self._next = self._filling = self._offset = 0
        self._buffers = [memoryview(bytearray(spec.nbytes)) for spec in header.arrays]

    def _continue(self, header: Header, part: Part, frames: Sequence[Frame]) -> Decoded | None:
        opened = self._open
        if opened is None or opened.part is None:
            raise SequenceError(f"{tag(header.message)}: part {part.index} without the parts before it")
        if header.message != opened.message or part.count != opened.part.count or part.index != self._next:
            expected = f"part {self._next} of {opened.part.count}"
            raise SequenceError(f"{tag(header.message)}: expected {expected} of the message that is open")
        for frame in frames:
            self._fill(header, memoryview(frame))
        self._next += 1
        if self._next < part.count:
            return None
        return self._finish(opened)

    def _fill(self, header: Header, view: memoryview) -> None:
        while len(view):
            if self._filling == len(self._buffers):
                raise fault(header, "parts", "no more than the arrays hold", f"{len(view)} bytes too many")
            buffer = self._buffers[self._filling]
            count = min(len(view), len(buffer) - self._offset)
            buffer[self._offset : self._offset + count] = view[:count]
            view = view[count:]
            self._offset += count
            if self._offset == len(buffer):
                self._filling, self._offset = self._filling + 1, 0

    def _finish(self, opened: Header) -> Decoded:
        missing = sum(len(buffer) for buffer in self._buffers[self._filling :]) - self._offset
        if missing:
            raise fault(opened, "parts", "all bytes of the arrays", f"{missing} are missing")
        decoded = bind(opened, self._buffers)
        self.reset()
        return decoded
