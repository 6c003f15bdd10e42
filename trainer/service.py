"""The Trainer's I/O thread: it alone owns the ROUTER, the sessions and the ledger.

It validates and acknowledges while the learner computes, and hands results over through a queue whose bytes are
bounded: past the bound no Player is let start anything, by the one gate. The learner posts what became of
results; a failure of the thread is raised in the learner's next call.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from touchline.protocol.effects import (
    BecameReady,
    Delivered,
    Failed,
    Invalid,
    Joined,
    Left,
    Lost,
    SendTo,
    TrainerEffect,
)
from touchline.protocol.errors import SendTimeoutError
from touchline.protocol.slots import PlayerRow
from touchline.protocol.trainer_session import TrainerSessions
from touchline.protocol.transport import TrainerSocket

Event = Joined | BecameReady | Delivered | Invalid | Lost | Failed | Left
T = TypeVar("T")
Command = Callable[[TrainerSessions, float], Sequence[TrainerEffect]]
POLL_SECONDS = 0.1
VIEW_SECONDS = 0.25
QUEUE_BYTES = 1 << 30
NEVER = 1 << 60  # a version that will not come: holds every start


@dataclass(frozen=True, slots=True)
class View:
    """What the live view may read at any time: the Players' rows and the law of lag's prediction."""

    rows: tuple[PlayerRow, ...] = ()
    law: float | None = None


class TrainerService:
    """Runs sessions over a socket in a thread of its own."""

    def __init__(
        self,
        socket: TrainerSocket,
        sessions: TrainerSessions,
        *,
        queue_bytes: int = QUEUE_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.view = View()
        self._socket, self._sessions = socket, sessions
        self._queue_bytes, self._clock = queue_bytes, clock
        self._commands: deque[Command] = deque()
        self._events: deque[Event] = deque()
        self._waiting_bytes = 0
        self._held = False
        self._condition = threading.Condition()
        self._failure: BaseException | None = None
        self._closed = False
        self._viewed_at = 0.0
        self._thread = threading.Thread(target=self._run, name="touchline-io", daemon=True)

    # -- the learner's side

    def start(self) -> None:
        self._thread.start()

    def next_event(self, timeout_seconds: float) -> Event | None:
        """The next thing that happened, None after the timeout. Raises the thread's failure."""
        with self._condition:
            if not self._events:
                self._raise_failure()
                self._condition.wait(timeout_seconds)
            self._raise_failure()
            if not self._events:
                return None
            event = self._events.popleft()
            if isinstance(event, Delivered):
                self._waiting_bytes -= event.nbytes
        return event

    def post(self, command: Command) -> None:
        """Have the sessions do something; what it says is sent. Commands are carried out in order."""
        self._raise_failure()
        self._commands.append(command)
        self._socket.wake()

    def ask(self, question: Callable[[TrainerSessions], T]) -> T:
        """The answer to a question about the sessions, after every command posted before."""
        answer: Future[T] = Future()

        def put(sessions: TrainerSessions, now: float) -> Sequence[TrainerEffect]:
            answer.set_result(question(sessions))
            return ()

        self.post(put)
        while not answer.done():
            self._raise_failure()
            with self._condition:
                if not answer.done():
                    self._condition.wait(POLL_SECONDS)
        return answer.result()

    def close(self) -> None:
        """End the thread and close the socket."""
        self._closed = True
        self._socket.wake()
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    # -- the I/O thread's side

    def _run(self) -> None:
        try:
            while not self._closed:
                self._turn()
        except BaseException as error:
            with self._condition:
                self._failure = error
                self._condition.notify_all()

    def _turn(self) -> None:
        self._socket.poll(POLL_SECONDS)
        now = self._clock()
        answered = False
        while self._commands:
            self._perform(self._commands.popleft()(self._sessions, now))
            answered = True
        while (received := self._socket.recv()) is not None:
            self._perform(self._sessions.receive(*received, now))
            if self._commands:  # the learner's answers free Players; what still waits is only read later
                break
        if self._commands:
            self._socket.wake()
        self._perform(self._sessions.tick(now))
        self._pace(now)
        if answered:
            with self._condition:
                self._condition.notify_all()
        if now - self._viewed_at >= VIEW_SECONDS:
            self.view = View(tuple(self._sessions.rows()), self._sessions.law.predicted())
            self._viewed_at = now

    def _perform(self, effects: Sequence[TrainerEffect]) -> None:
        for effect in effects:
            match effect:
                case SendTo(peer, frames):
                    try:
                        self._socket.send(frames, peer)
                    except SendTimeoutError:
                        continue  # a peer that does not read: its silence will end its session
                case _:
                    self._tell(effect)

    def _tell(self, event: Any) -> None:
        with self._condition:
            self._events.append(event)
            if isinstance(event, Delivered):
                self._waiting_bytes += event.nbytes
            self._condition.notify_all()

    def _pace(self, now: float) -> None:
        """Hold every start while too many bytes wait for the learner; let go at half of that."""
        if not self._held and self._waiting_bytes > self._queue_bytes:
            self._held = True
            self._perform(self._sessions.settle((), now=now, start_version=NEVER))
        elif self._held and self._waiting_bytes <= self._queue_bytes // 2:
            self._held = False
            self._perform(self._sessions.settle((), now=now, start_version=0))
