"""The sockets: one ROUTER on the Trainer's side, one DEALER a Player. The only importer of zmq.

Each socket belongs to one thread. What other threads may call is ``wake``, which ends that thread's ``poll``.
Nothing here interprets a message, and nothing blocks for longer than it was told to.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import zmq

from touchline.protocol.address import check_bind, check_connect
from touchline.protocol.codec import Frame
from touchline.protocol.errors import AddressError, SendTimeoutError, TransportError
from touchline.protocol.limits import Limits

ZERO_COPY_BYTES = 100_000
"""From this size a frame is handed to ZeroMQ, and taken from it, without copying (measured; below, a copy is
cheaper). A buffer sent so must never be written again."""

_SEND_HIGH_WATER_MESSAGES = 4096
_RECEIVE_HIGH_WATER_MESSAGES = 256
_LINGER_MILLISECONDS = 500
_RECONNECT_MILLISECONDS = 50
_RECONNECT_MAX_MILLISECONDS = 1000


class Waker:
    """Ends a ``poll`` from another thread: a byte through a socket pair."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def wake(self) -> None:
        """From any thread. A full pipe means that it is awake already; a closed one, that nobody waits."""
        with contextlib.suppress(OSError):
            self._writer.send(b"\0")

    def fileno(self) -> int:
        return self._reader.fileno()

    def drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


class _Endpoint:
    """What both sockets share: a context, a socket that can be replaced, a poller and a waker."""

    def __init__(self, limits: Limits | None) -> None:
        self._limits = limits or Limits()
        self._context = zmq.Context()
        self._waker = Waker()
        self._poller = zmq.Poller()
        self._poller.register(self._waker.fileno(), zmq.POLLIN)
        self._socket: zmq.Socket[bytes] | None = None

    def wake(self) -> None:
        """Ends the ``poll`` of the thread that owns this socket. From any thread."""
        self._waker.wake()

    def poll(self, timeout_seconds: float) -> bool:
        """Waits for a message or a ``wake``; whether there is a message."""
        ready = dict(self._poller.poll(max(0, round(timeout_seconds * 1000))))
        if self._waker.fileno() in ready:
            self._waker.drain()
        return self._opened() in ready

    def close(self) -> None:
        """Ends the socket; what is queued is still sent for a moment. Twice is once."""
        if self._context.closed:
            return
        self._drop()
        self._waker.close()
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self) -> zmq.Socket[bytes]:
        if self._socket is None:
            raise TransportError("the socket is closed")
        return self._socket

    def _make(self, kind: int) -> zmq.Socket[bytes]:
        made = self._context.socket(kind)
        made.linger = _LINGER_MILLISECONDS
        made.sndhwm = _SEND_HIGH_WATER_MESSAGES
        made.rcvhwm = _RECEIVE_HIGH_WATER_MESSAGES
        made.setsockopt(zmq.MAXMSGSIZE, self._limits.max_message_bytes)
        self._socket = made
        self._poller.register(made, zmq.POLLIN)
        return made

    def _drop(self) -> None:
        if self._socket is not None:
            self._poller.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _receive(self) -> list[Frame] | None:
        try:
            frames = self._opened().recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return None
        return [_taken(frame) for frame in frames]

    def _send(self, frames: Sequence[Frame]) -> None:
        """Sends one message. Only its first frame can find the queue full: ZeroMQ then takes all or none."""
        target, last = self._opened(), len(frames) - 1
        for index, frame in enumerate(frames):
            more = zmq.SNDMORE if index < last else 0
            target.send(frame, more | zmq.NOBLOCK, copy=len(frame) < ZERO_COPY_BYTES)


class TrainerSocket(_Endpoint):
    """The ROUTER that all Players connect to. ``address`` is where, with the port the system chose."""

    def __init__(self, address: str, *, limits: Limits | None = None) -> None:
        """Binds ``address``: loopback TCP (port ``*`` for any) or ``ipc``. Raises ``AddressError``."""
        check_bind(address)
        super().__init__(limits)
        self._folder: Path | None = None
        made = self._make(zmq.ROUTER)
        made.router_mandatory = True  # a peer that is gone is told, not guessed
        try:
            made.bind(address)
        except zmq.ZMQError as error:
            self.close()
            raise _cannot_bind(address, error) from None
        self.address = made.getsockopt_string(zmq.LAST_ENDPOINT)

    @classmethod
    def local(cls, *, limits: Limits | None = None) -> TrainerSocket:
        """An ``ipc`` socket in a folder that only this user can enter; loopback TCP where there is no ipc."""
        if not zmq.has("ipc"):
            return cls("tcp://127.0.0.1:*", limits=limits)
        folder = Path(tempfile.mkdtemp(prefix="touchline-"))  # mode 0700
        try:
            made = cls(f"ipc://{folder}/trainer", limits=limits)
        except AddressError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        made._folder = folder
        return made

    def send(self, frames: Sequence[Frame], peer: bytes) -> bool:
        """Sends one message to a peer; False where the peer is no longer there.

        Never waits. Raises ``SendTimeoutError`` where the peer's queue is full: one that does not read must
        not hold up the others.
        """
        try:
            self._send([peer, *frames])
        except zmq.Again:
            raise SendTimeoutError(f"the queue of peer {peer.hex()} is full") from None
        except zmq.ZMQError as error:
            if error.errno == zmq.EHOSTUNREACH:
                return False
            raise TransportError(str(error)) from error
        return True

    def recv(self) -> tuple[bytes, list[Frame]] | None:
        """The next message and the peer it is from; None where none waits."""
        frames = self._receive()
        return None if frames is None else (bytes(frames[0]), frames[1:])

    def close(self) -> None:
        """Ends the socket and removes its folder."""
        super().close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


class PlayerSocket(_Endpoint):
    """The DEALER of one Player. Connecting waits for no one: what is sent early goes out when it can."""

    def __init__(
        self, address: str, *, limits: Limits | None = None, send_timeout_seconds: float = 5.0
    ) -> None:
        self._address = check_connect(address)
        self._send_timeout_seconds = send_timeout_seconds
        super().__init__(limits)
        self._connect()

    def reopen(self) -> None:
        """Replaces the socket; what it had queued is forgotten, the session sends it again."""
        if self._socket is not None:
            self._socket.linger = 0
        self._drop()
        self._connect()

    def send(self, frames: Sequence[Frame]) -> None:
        """Sends one message. Raises ``SendTimeoutError`` after ``send_timeout_seconds`` of a full queue."""
        try:
            self._send(frames)
        except zmq.Again:
            if not self._opened().poll(round(self._send_timeout_seconds * 1000), zmq.POLLOUT):
                waited = self._send_timeout_seconds
                raise SendTimeoutError(f"{self._address}: the queue stayed full for {waited:g} s") from None
            self._send(frames)

    def recv(self) -> list[Frame] | None:
        """The next message; None where none waits."""
        return self._receive()

    def _connect(self) -> None:
        made = self._make(zmq.DEALER)
        made.reconnect_ivl = _RECONNECT_MILLISECONDS
        made.reconnect_ivl_max = _RECONNECT_MAX_MILLISECONDS
        try:
            made.connect(self._address)
        except zmq.ZMQError as error:
            self.close()
            raise AddressError(f"{self._address}: cannot be connected to: {error}") from None


def _taken(frame: zmq.Frame) -> Frame:
    return frame.buffer if len(frame) >= ZERO_COPY_BYTES else frame.bytes


def _cannot_bind(address: str, error: zmq.ZMQError) -> AddressError:
    if error.errno == zmq.EADDRINUSE:
        return AddressError(
            f"{address}: in use by another process. Choose another port (net.port), or auto for any free one"
        )
    return AddressError(f"{address}: cannot be bound: {os.strerror(error.errno or 0)}")
