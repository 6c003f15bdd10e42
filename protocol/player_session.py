"""A Player's side of the wire, without the wire: events and the time go in, effects come out.

::

    session = PlayerSession(identity)
    perform(session.open(clock()))
    loop: perform(session.receive(frames, clock())) for what arrives; perform(session.tick(clock()))
          and the play thread's requests: ready, want, submit, bye

A result is kept until it is acknowledged, and sent again after a reconnect, from where the Trainer says.
Every result is played with exactly the snapshot that its WANT was answered with: the grant announces it.

Longer than most files here, because what a message does depends on the state that the others led to: the
machine is read whole. Its results live in ``outbox``, its states in ``machine``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from touchline.protocol.codec import Array, Decoded, Frame, decode_header, encode
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
from touchline.protocol.errors import RemoteError, SequenceError
from touchline.protocol.gate import Gate
from touchline.protocol.identity import Identity
from touchline.protocol.limits import Limits, Timing
from touchline.protocol.machine import PLAYER, PlayerEvent, PlayerState, step
from touchline.protocol.messages import (
    Ack,
    Beat,
    Bye,
    ByeOk,
    Err,
    ErrorCode,
    FromTrainer,
    Message,
    Nack,
    Order,
    Plain,
    Ready,
    Scalar,
    SnapshotId,
    Stop,
    Want,
    Weights,
    Welcome,
    tag,
)
from touchline.protocol.outbox import Outbox
from touchline.protocol.parts import Reassembly

__all__ = ["Identity", "PlayerSession"]

_IN_SESSION = (PlayerState.PREPARING, PlayerState.READY, PlayerState.PLAYING, PlayerState.STOPPED)
_ANNOUNCED = (PlayerState.READY, PlayerState.PLAYING, PlayerState.STOPPED)


class PlayerSession:
    """One Player's session with its Trainer. Not for two threads: the network thread owns it."""

    def __init__(
        self, identity: Identity, *, limits: Limits | None = None, timing: Timing | None = None
    ) -> None:
        self._identity = identity
        self._limits = limits or Limits()
        timing = timing or Timing()
        self._heartbeat_seconds = timing.heartbeat_seconds
        self._dead_seconds = timing.dead_seconds
        self._state = PlayerState.IDLE
        self._reassembly = Reassembly(self._limits)
        # the session
        self._attempt = 0
        self._session = 0
        self._run: str | None = None
        self._epoch = 0
        self._width = 1
        self._heard = self._beaten = self._retry_at = 0.0
        self._announced: tuple[Plain, Plain] | None = None
        self._farewell: str | None = None
        # what is played
        self._outbox = Outbox(self._limits)
        self._orders: set[int] = set()
        self._once: set[int] = set()  # those of them that are given once
        self._held: SnapshotId | None = None
        self._gate = Gate(0, 0)
        # asking again
        self._wanted = False
        self._missing: int | None = None
        self._beat = self._want_beat = 0
        # what BEAT tells
        self._stage, self._stage_since, self._errors = "starting", 0.0, 0

    # -- what may be read

    @property
    def state(self) -> PlayerState:
        return self._state

    @property
    def sent(self) -> int:
        """Results ever submitted under this run and name."""
        return self._outbox.sent

    @property
    def unacknowledged(self) -> int:
        """Results kept for sending again."""
        return len(self._outbox)

    @property
    def held(self) -> SnapshotId | None:
        """The newest snapshot that has arrived."""
        return self._held

    @property
    def gate(self) -> Gate:
        """The gate as the Trainer last said it."""
        return self._gate

    # -- the service's calls

    def open(self, now: float) -> list[PlayerEffect]:
        """Says HELLO for the first time."""
        self._move(PlayerEvent.OPEN)
        return self._hello(now)

    def receive(self, frames: Sequence[Frame], now: float) -> list[PlayerEffect]:
        """Takes one message. Raises ``RemoteError`` where the Trainer breaks the protocol."""
        header = decode_header(frames, limits=self._limits)
        if not isinstance(header.message, FromTrainer):
            raise RemoteError(f"{tag(header.message)} comes from Players, not to them")
        try:
            decoded = self._reassembly.add(header, frames[1:])
        except SequenceError:
            return []  # a part was lost; the WANT it answered is asked again
        if not self._believed(header.message):
            return []
        self._heard = now
        return [] if decoded is None else self._dispatch(decoded, now)

    def tick(self, now: float) -> list[PlayerEffect]:
        """What is due at this time: heartbeats, another HELLO, a new socket after too long a silence."""
        match self._state:
            case PlayerState.IDLE | PlayerState.CLOSED:
                return []
            case PlayerState.STANDBY:
                return self._retry(now) if now >= self._retry_at else []
            case _ if now - self._heard > self._dead_seconds:
                return self._silence(now)
            case PlayerState.HELLO:
                return []
        if now - self._beaten < self._heartbeat_seconds:
            return []
        self._beaten = now
        return self._heartbeat(now)

    # -- the play thread's requests

    def ready(self, spaces: Plain, facts: Plain, now: float) -> list[PlayerEffect]:
        """The environment stands. Remembered, and said again by itself after a reconnect."""
        self._announced = (spaces, facts)
        return self._say_ready(now) if self._state is PlayerState.PREPARING else []

    def refuse_environment(self, detail: str, fatal: bool, now: float) -> list[PlayerEffect]:
        """The environment cannot be built, or has failed."""
        return self._refuse(ErrorCode.ENVIRONMENT, detail, fatal)

    def refuse_order(self, order: int, detail: str, now: float) -> list[PlayerEffect]:
        """An order that this Player cannot carry out."""
        return self._refuse(ErrorCode.BAD_ORDER, f"order {order}: {detail}", fatal=True)

    def want(self, now: float) -> list[PlayerEffect]:
        """Asks for the snapshot of the next results to start; ``Granted`` answers. Twice is once.

        With ``ahead`` 1 or more it may be asked while a result is still being played."""
        if self._wanted:
            return []
        self._wanted = True
        return self._say_want() if self._state is PlayerState.PLAYING else []

    def submit(
        self,
        granted: Granted,
        arrays: Mapping[str, Array],
        meta: Mapping[str, Scalar],
        now: float,
        *,
        then_want: bool = False,
    ) -> list[PlayerEffect]:
        """Sends one result of a grant. The arrays belong to the session from here on; never write them again.

        A grant of before the counts began anew is void: its result is silently dropped. Raises ``LocalError``
        for a grant that has had all its results, or arrays that cannot be sent.
        """
        if granted.generation != self._outbox.generation or self._is_over():
            return []
        messages = self._outbox.put(granted, arrays, meta, session=self._session)
        if granted.order in self._once:  # carried out: it has one result
            self._once.discard(granted.order)
            self._orders.discard(granted.order)
        effects: list[PlayerEffect] = []
        if self._state in _ANNOUNCED:
            effects += [Send(frames) for frames in messages]
        if then_want:
            effects += self.want(now)
        return effects

    def progress(self, stage: str, since: float, errors: int = 0) -> None:
        """What the play loop is at, since when (on the clock of ``now``), and its environment errors."""
        self._stage, self._stage_since, self._errors = stage, since, errors

    def bye(self, reason: str, now: float) -> list[PlayerEffect]:
        """Leaves. ``SaidGoodbye`` follows, at the latest after the dead time."""
        if self._is_over():
            return []
        self._farewell = reason
        in_session = self._state in _IN_SESSION
        self._move(PlayerEvent.BYE)
        return [self._say_bye()] if in_session else [SaidGoodbye(None)]

    # -- messages

    def _believed(self, message: FromTrainer) -> bool:
        match message:
            case Welcome():
                return self._state is PlayerState.HELLO and message.attempt == self._attempt
            case Err():
                return message.session is None or message.session == self._session
            case Stop():
                return True
        return message.session == self._session and self._state in (*_IN_SESSION, PlayerState.LEAVING)

    def _dispatch(self, decoded: Decoded, now: float) -> list[PlayerEffect]:
        message = decoded.message
        assert isinstance(message, FromTrainer)
        match message:
            case Welcome():
                return self._welcomed(message, decoded.arrays, now)
            case Order():
                return self._ordered(message)
            case Weights():
                return self._weights(message, decoded.arrays)
            case Ack():
                return self._ack(message)
            case Nack():
                return self._nack(message, now)
            case ByeOk():
                return self._bye_ok(message)
            case Err():
                return self._err(message, now)
            case Stop():
                return self._stop(message)
        assert_never(message)

    def _welcomed(self, welcome: Welcome, arrays: Mapping[str, Array], now: float) -> list[PlayerEffect]:
        self._move(PlayerEvent.WELCOME)
        self._session, self._run, self._epoch = welcome.session, welcome.run, welcome.epoch
        self._width, self._gate = welcome.width, welcome.gate
        self._heartbeat_seconds, self._dead_seconds = welcome.heartbeat_seconds, welcome.dead_seconds
        self._beaten, self._beat = now, 0
        self._orders.clear()
        self._once.clear()
        if welcome.resumed:
            self._outbox.acknowledge(welcome.next)
        else:
            self._begin_anew(welcome.next)
        factory = arrays.get("factory")
        effects: list[PlayerEffect] = [Welcomed(welcome, None if factory is None else factory.tobytes())]
        return effects + (self._say_ready(now) if self._announced else [])

    def _begin_anew(self, first: int) -> None:
        self._outbox.begin_anew(first)
        self._wanted, self._missing, self._held, self._announced = False, None, None, None

    def _ordered(self, order: Order) -> list[PlayerEffect]:
        if self._state not in (PlayerState.READY, PlayerState.PLAYING):
            return []
        first = self._state is PlayerState.READY
        self._move(PlayerEvent.ORDER)
        effects: list[PlayerEffect] = [] if order.order in self._orders else [Ordered(order)]
        self._orders.add(order.order)
        if not order.standing:
            self._once.add(order.order)
        return effects + (self._say_want() if first and self._wanted else [])

    def _weights(self, grant: Weights, arrays: Mapping[str, Array]) -> list[PlayerEffect]:
        if not self._wanted or grant.seq != self._outbox.started or self._state is not PlayerState.PLAYING:
            return []
        self._check_grant(grant)
        if grant.order not in self._orders:
            self._missing = grant.order
            return self._say_want()
        effects: list[PlayerEffect] = []
        if grant.modified:
            self._held = SnapshotId(grant.epoch, grant.version)
            effects.append(Arrived(grant.epoch, grant.version, arrays))
        generation = self._outbox.generation
        granted = Granted(grant.seq, grant.count, grant.epoch, grant.version, grant.order, generation)
        self._outbox.grant(granted)
        self._wanted, self._missing, self._gate = False, None, grant.gate
        return [*effects, granted]

    def _check_grant(self, grant: Weights) -> None:
        if not grant.gate.allows(seq=grant.seq, count=grant.count, version=grant.version):
            raise RemoteError(
                f"WEIGHTS: {grant.count} results from {grant.seq} with version {grant.version} "
                f"are beyond {grant.gate}"
            )
        if grant.epoch != self._epoch:
            raise RemoteError(f"WEIGHTS: expected epoch {self._epoch}, found {grant.epoch}")
        if not grant.modified and self._held != SnapshotId(grant.epoch, grant.version):
            raise RemoteError(f"WEIGHTS: version {grant.version} is not modified, but {self._held} is held")

    def _ack(self, ack: Ack) -> list[PlayerEffect]:
        self._outbox.acknowledge(ack.next)
        self._gate = ack.gate
        answered_later = ack.beat is not None and ack.beat >= self._want_beat
        if self._wanted and answered_later and ack.waiting is None and self._state is PlayerState.PLAYING:
            return self._say_want()  # the WANT, or its answer, was lost
        return []

    def _nack(self, nack: Nack, now: float) -> list[PlayerEffect]:
        self._outbox.acknowledge(nack.next)
        outbox, within = self._outbox, self._heartbeat_seconds
        if self._state not in _ANNOUNCED or outbox.just_resent(nack.next, now=now, within_seconds=within):
            return []
        return self._resend(now)

    def _bye_ok(self, message: ByeOk) -> list[PlayerEffect]:
        if self._state is not PlayerState.LEAVING:
            return []
        self._move(PlayerEvent.BYE_OK)
        return [SaidGoodbye(message.row)]

    def _err(self, err: Err, now: float) -> list[PlayerEffect]:
        if err.code is ErrorCode.NO_SESSION:
            return self._no_session(now)
        refused = Refused(err.code, err.detail, err.retry_after_seconds, err.fatal)
        later = err.retry_after_seconds is not None
        event = PlayerEvent.FATAL if err.fatal else PlayerEvent.LATER if later else None
        if event is None:
            return [refused]
        if event not in PLAYER[self._state]:
            return []
        self._move(event)
        self._retry_at = now + (err.retry_after_seconds or 0.0)
        return [refused]

    def _no_session(self, now: float) -> list[PlayerEffect]:
        if PlayerEvent.NO_SESSION not in PLAYER[self._state]:
            return []
        self._move(PlayerEvent.NO_SESSION)
        return [SaidGoodbye(None)] if self._state is PlayerState.CLOSED else self._hello(now)

    def _stop(self, stop: Stop) -> list[PlayerEffect]:
        if PlayerEvent.STOP not in PLAYER[self._state]:
            return []
        before = self._state
        self._move(PlayerEvent.STOP)
        if before in (PlayerState.STOPPED, PlayerState.LEAVING):
            return []
        closed = self._state is PlayerState.CLOSED
        return [Stopped(stop.reason), SaidGoodbye(None)] if closed else [Stopped(stop.reason)]

    # -- time

    def _retry(self, now: float) -> list[PlayerEffect]:
        self._move(PlayerEvent.RETRY)
        return self._hello(now)

    def _silence(self, now: float) -> list[PlayerEffect]:
        self._move(PlayerEvent.SILENCE)
        if self._state is PlayerState.CLOSED:
            return [SaidGoodbye(None)]
        self._reassembly.reset()
        return [Reopen(), *self._hello(now)]

    def _heartbeat(self, now: float) -> list[PlayerEffect]:
        if self._state is PlayerState.LEAVING:
            return [self._say_bye()]
        self._beat += 1
        beat = Beat(
            session=self._session,
            beat=self._beat,
            sent=self._outbox.sent,
            stage=self._stage,
            stage_seconds=max(0.0, now - self._stage_since),
            errors=self._errors,
        )
        effects: list[PlayerEffect] = [_send(beat)]
        if self._state is PlayerState.READY and self._announced:
            effects.append(self._ready_message(*self._announced))  # until an order comes
        return effects

    # -- what is said

    def _hello(self, now: float) -> list[PlayerEffect]:
        self._attempt += 1
        self._heard = now
        hello = self._identity.hello(
            attempt=self._attempt,
            run=self._run,
            sent=self._outbox.sent,
            acked=self._outbox.acked,
            held=self._held,
        )
        return [_send(hello)]

    def _say_ready(self, now: float) -> list[PlayerEffect]:
        assert self._announced is not None
        self._move(PlayerEvent.READY)
        return [self._ready_message(*self._announced), *self._resend(now)]

    def _ready_message(self, spaces: Plain, facts: Plain) -> Send:
        return _send(Ready(session=self._session, spaces=spaces, facts=facts))

    def _refuse(self, code: ErrorCode, detail: str, fatal: bool) -> list[PlayerEffect]:
        if self._state not in _IN_SESSION:
            return []
        return [_send(Err(code=code, detail=detail[:16_000], fatal=fatal, session=self._session))]

    def _say_want(self) -> list[PlayerEffect]:
        self._want_beat = self._beat + 1
        want = Want(
            session=self._session,
            seq=self._outbox.started,
            count=self._width,
            held=self._held,
            missing=self._missing,
        )
        return [_send(want)]

    def _say_bye(self) -> Send:
        return _send(Bye(session=self._session, sent=self._outbox.sent, reason=self._farewell or ""))

    def _resend(self, now: float) -> list[PlayerEffect]:
        return [Send(frames) for frames in self._outbox.resend(session=self._session, now=now)]

    # -- bookkeeping

    def _is_over(self) -> bool:
        return self._state in (PlayerState.LEAVING, PlayerState.CLOSED)

    def _move(self, event: PlayerEvent) -> None:
        self._state = step(PLAYER, self._state, event)


def _send(message: Message) -> Send:
    return Send(encode(message))
