"""The Player's network thread: it owns the socket and the session, so that heartbeats go on while a game is played.

The play thread reads what happened as events, in order, and asks through methods. A failure of the thread is
raised in the play thread's next call.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from numpy.typing import NDArray

from touchline.protocol.effects import (
    Arrived,
    Granted,
    Ordered,
    PlayerEffect,
    Refused,
    Reopen,
    SaidGoodbye,
    Send,
    Stopped,
    Welcomed,
)
from touchline.protocol.errors import ProtocolError
from touchline.protocol.player_session import Identity, PlayerSession
from touchline.protocol.transport import PlayerSocket

Event = Welcomed | Ordered | Arrived | Granted | Stopped | Refused | SaidGoodbye
Request = Callable[[float], list[PlayerEffect]]
POLL_SECONDS = 0.1


class NoTrainer(Exception):
    """No Trainer answered for as long as the Player was to wait."""


class Link:
    """The Player's side of the wire for its play thread.

    ``interrupted`` is read at every step: true once what is being played is void, because the run ended or began
    anew. ``heard`` reads the play loop's progress and is called at every poll.
    """

    def __init__(
        self,
        address: str,
        identity: Identity,
        *,
        reconnect_seconds: float,
        watch: Callable[[str, float], None] = lambda stage, since: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``watch(stage, since)`` is called by the network thread about every tenth of a second."""
        self.interrupted = False
        self.stage, self.since = "starting", clock()
        self.errors = 0
        self._address = address
        self._reconnect_seconds = reconnect_seconds
        self._watch, self._clock = watch, clock
        self._session = PlayerSession(identity)
        self._socket = PlayerSocket(address)
        self._requests: deque[Request] = deque()
        self._events: deque[Event] = deque()
        self._condition = threading.Condition()
        self._failure: BaseException | None = None
        self._closed = False
        self._reached_at = clock()
        self._thread = threading.Thread(target=self._run, name="touchline-link", daemon=True)

    # -- the play thread's side

    def start(self) -> None:
        """Open the session; events follow."""
        self._ask(self._session.open)
        self._thread.start()

    def events(self) -> Iterator[Event]:
        """What happens, in order, for as long as the session lives. Raises NoTrainer, and the thread's failure."""
        while True:
            with self._condition:
                while not self._events and not self._closed:
                    self._raise_failure()
                    self._condition.wait()
                if self._closed:
                    return
                event = self._events.popleft()
            yield event

    def at(self, stage: str) -> None:
        """The play loop has got to ``stage``; told to the Trainer with each heartbeat."""
        self.stage, self.since = stage, self._clock()
        self._watch(
            stage, self.since
        )  # here too: a hang that holds the lock may come before the other thread's turn

    def ready(self, spaces: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        self._ask(lambda now: self._session.ready(dict(spaces), dict(facts), now))

    def want(self) -> None:
        """Ask for the next snapshot; a Granted event answers."""
        self._ask(self._session.want)

    def submit(self, granted: Granted, arrays: Mapping[str, NDArray[Any]], *, then_want: bool) -> None:
        """Send one result of a grant. The arrays are the link's from here on."""
        self._ask(lambda now: self._session.submit(granted, arrays, {}, now, then_want=then_want))

    def refuse_environment(self, detail: str) -> None:
        """Tell the Trainer that the environment cannot go on."""
        self._ask(lambda now: self._session.refuse_environment(detail, True, now))

    def refuse_order(self, order: int, detail: str) -> None:
        """Tell the Trainer that this order cannot be carried out."""
        self._ask(lambda now: self._session.refuse_order(order, detail, now))

    def bye(self, reason: str) -> None:
        """Leave; the events end with SaidGoodbye."""
        self._ask(lambda now: self._session.bye(reason, now))

    def reconnect_for(self, seconds: float) -> None:
        """How long to go without a Trainer from now on."""
        self._reconnect_seconds = seconds

    def abandon(self) -> None:
        """End the thread soon, and with it the events and what is being played; from any thread."""
        self.interrupted = True
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        self._socket.wake()

    def close(self) -> None:
        """End the thread and close the socket."""
        self.abandon()
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()

    def _ask(self, request: Request) -> None:
        self._raise_failure()
        self._requests.append(request)
        self._socket.wake()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    # -- the network thread's side

    def _run(self) -> None:
        try:
            while not self._closed:
                self._turn()
        except BaseException as error:
            with self._condition:
                self._failure = error
                self.interrupted = True
                self._condition.notify_all()

    def _turn(self) -> None:
        self._socket.poll(POLL_SECONDS)
        now = self._clock()
        while (frames := self._socket.recv()) is not None:
            try:
                self._perform(self._session.receive(frames, now))
            except ProtocolError as error:
                raise ProtocolError(f"{self._address}: {error}") from error
            self._reached_at = now
        while self._requests:
            self._perform(self._requests.popleft()(now))
        self._session.progress(self.stage, self.since, self.errors)
        self._watch(self.stage, self.since)
        self._perform(self._session.tick(now))
        if now - self._reached_at > self._reconnect_seconds:
            raise NoTrainer(f"no Trainer answered at {self._address} for {self._reconnect_seconds:g} s")

    def _perform(self, effects: list[PlayerEffect]) -> None:
        for effect in effects:
            match effect:
                case Send(frames):
                    self._socket.send(frames)
                case Reopen():
                    self._socket.reopen()
                case _:
                    self._tell(effect)

    def _tell(self, event: Event) -> None:
        if isinstance(event, Stopped) or (isinstance(event, Welcomed) and not event.welcome.resumed):
            self.interrupted = True
        if isinstance(event, Refused) and event.fatal:
            self.interrupted = True
        with self._condition:
            self._events.append(event)
            self._condition.notify_all()
