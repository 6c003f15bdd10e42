"""The I/O thread without a wire: what it hands over, what it holds back, and how its failure reaches the learner."""

from __future__ import annotations

import threading
from collections import deque
from types import SimpleNamespace

import pytest

from touchline.protocol.effects import Delivered, Lost, SendTo
from touchline.protocol.errors import SendTimeoutError
from touchline.trainer.service import NEVER, TrainerService


class FakeSocket:
    """Messages put in come out of ``recv``; ``poll`` waits for one or for ``wake``."""

    address = "inproc://test"

    def __init__(self) -> None:
        self.sent: list[tuple[list[bytes], bytes]] = []
        self.full: set[bytes] = set()
        self.closed = False
        self._incoming: deque[tuple[bytes, list[bytes]]] = deque()
        self._woken = threading.Event()

    def put(self, peer: bytes, *frames: bytes) -> None:
        self._incoming.append((peer, list(frames)))
        self._woken.set()

    def poll(self, timeout_seconds: float) -> bool:
        self._woken.wait(timeout_seconds)
        self._woken.clear()
        return bool(self._incoming)

    def recv(self):
        return self._incoming.popleft() if self._incoming else None

    def send(self, frames, peer) -> bool:
        if peer in self.full:
            raise SendTimeoutError("full")
        self.sent.append((frames, peer))
        return True

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        self.closed = True


def delivered(seq: int, nbytes: int) -> Delivered:
    return Delivered(0, seq, 1, 1, 0, {}, {}, nbytes, 0)


class FakeSessions:
    """Says for each message what the test wrote on it."""

    def __init__(self) -> None:
        self.held: list[int] = []
        self.law = SimpleNamespace(predicted=lambda: 1.5)

    def receive(self, peer, frames, now):
        match frames[0]:
            case b"break":
                raise RuntimeError("the thread broke")
            case b"echo":
                return [SendTo(peer, [b"echoed"])]
            case b"lost":
                return [Lost(0, "player-0", "gone")]
        return [delivered(int(frames[0]), nbytes=int(frames[1]))]

    def tick(self, now):
        return []

    def settle(self, outcomes, *, now, start_version=None, published=None):
        self.held.append(start_version)
        return []

    def rows(self):
        return []


@pytest.fixture
def parts():
    socket, sessions = FakeSocket(), FakeSessions()
    service = TrainerService(socket, sessions, queue_bytes=1000)
    service.start()
    yield socket, sessions, service
    service.close()
    assert socket.closed


def test_events_come_in_the_order_in_which_they_happened(parts):
    socket, _, service = parts
    for seq in range(3):
        socket.put(b"p", str(seq).encode(), b"1")
    socket.put(b"p", b"lost")
    events = [service.next_event(5) for _ in range(4)]
    assert [getattr(event, "seq", None) for event in events] == [0, 1, 2, None]
    assert service.next_event(0) is None


def test_what_the_sessions_say_is_sent(parts):
    socket, _, service = parts
    socket.put(b"p", b"echo")
    assert service.ask(lambda sessions: 42) == 42
    socket.put(b"p", b"0", b"1")
    service.next_event(5)
    assert socket.sent == [([b"echoed"], b"p")]


def test_commands_are_carried_out_in_order(parts):
    _, _, service = parts
    order: list[int] = []
    for number in range(20):
        service.post(lambda sessions, now, number=number: order.append(number) or ())
    service.ask(lambda sessions: None)
    assert order == list(range(20))


def test_too_many_bytes_waiting_hold_every_start_until_half_are_taken(parts):
    socket, sessions, service = parts
    for seq in range(3):
        socket.put(b"p", str(seq).encode(), b"400")
    service.ask(lambda sessions: None)
    while not sessions.held:
        service.ask(lambda sessions: None)
    assert sessions.held == [NEVER]
    for _ in range(2):
        service.next_event(5)
    while len(sessions.held) < 2:
        service.ask(lambda sessions: None)
    assert sessions.held == [NEVER, 0]


def test_a_peer_that_does_not_read_holds_up_nobody(parts):
    socket, _, service = parts
    socket.full.add(b"deaf")
    socket.put(b"deaf", b"echo")
    socket.put(b"p", b"0", b"1")
    assert service.next_event(5).seq == 0


def test_a_failure_of_the_thread_is_raised_in_the_next_call(parts):
    socket, _, service = parts
    socket.put(b"p", b"break")
    with pytest.raises(RuntimeError, match="the thread broke"):
        service.next_event(5)
    with pytest.raises(RuntimeError, match="the thread broke"):
        service.post(lambda sessions, now: ())


def test_the_view_can_be_read_at_any_time(parts):
    _, _, service = parts
    service.ask(lambda sessions: None)
    assert service.view.law == 1.5
