"""The Trainer's side of the wire, without the wire: every Player's session, the ledger and the law of lag.

One thread owns it. What arrives goes into ``receive``, time into ``tick``, the learner's words into
``settle``; each returns effects, to be performed in order. A result passes these checks, in this order: its
session is known; its parts are complete; its number is the next (a smaller one is a duplicate, a larger one
a gap); its arrays are what its header says; it was played with the version granted for it.

Longer than most files here: it is every message's way through, read whole. Who may come in is in
``admission``, who may start what in ``pacer``, who is who in ``roster``.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from touchline.protocol.admission import is_late_copy, refusal, resumes
from touchline.protocol.codec import Decoded, Frame, Header, decode_header, encode
from touchline.protocol.effects import (
    BecameReady,
    Delivered,
    Failed,
    Invalid,
    Joined,
    Left,
    Lost,
    SendTo,
    Settled,
    TrainerEffect,
)
from touchline.protocol.errors import DecodeError, SequenceError
from touchline.protocol.lag import LagLaw
from touchline.protocol.ledger import Ledger, Outcome
from touchline.protocol.limits import Limits, Timing
from touchline.protocol.machine import TrainerEvent, TrainerState
from touchline.protocol.messages import (
    Beat,
    Bye,
    ByeOk,
    Err,
    ErrorCode,
    Hello,
    Message,
    Nack,
    Plain,
    Ready,
    Result,
    Stop,
    Want,
    Welcome,
    tag,
)
from touchline.protocol.pacer import Pacer
from touchline.protocol.parts import split
from touchline.protocol.roster import Roster
from touchline.protocol.slots import Command, Pacing, PlayerRow, Slot, Snapshot

_SESSION_BITS = 20


class TrainerSessions:
    """All Players of one run. ``epoch`` differs each time a Trainer of the run starts.

    ``seed_of(slot, incarnation)`` gives each process its seed. ``state`` is what an earlier Trainer's
    ``state()`` gave, to go on from its checkpoint.
    """

    def __init__(
        self,
        *,
        run: str,
        epoch: int,
        pacing: Pacing,
        seed_of: Callable[[int, int], int],
        config: Plain,
        factory: bytes | None = None,
        limits: Limits | None = None,
        timing: Timing | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.run = run
        self.epoch = epoch
        self._seed_of = seed_of
        self._config = config
        self._factory = {} if factory is None else {"factory": np.frombuffer(factory, np.uint8)}
        self._limits = limits or Limits()
        self._timing = timing or Timing()
        self._roster = Roster(self._limits, state)
        # Numbers that no other Trainer's session has: a late message must not pass for one of this run.
        self._last_session = zlib.crc32(f"{run}/{epoch}".encode()) << _SESSION_BITS
        self._pacer = Pacer(epoch=epoch, pacing=pacing, limits=self._limits)
        self._stopping: str | None = None

    # -- what arrives

    def receive(self, peer: bytes, frames: Sequence[Frame], now: float) -> list[TrainerEffect]:
        """Takes one message of a peer. Whatever its bytes are, it answers and never raises."""
        try:
            header = decode_header(frames, limits=self._limits)
            if isinstance(header.message, Hello):
                return self._hello(peer, header.message, now)
            slot = self._roster.at(peer)
            session = getattr(header.message, "session", None)
            if slot is None or slot.session != session or slot.state is TrainerState.LOST:
                return [self._no_session(peer, session)]
            slot.heard = now
            return self._message(slot, header, frames[1:])
        except DecodeError as error:
            return self._undecodable(peer, error)

    def tick(self, now: float) -> list[TrainerEffect]:
        """Presumes Players gone that have been silent for the dead time."""
        dead = self._timing.dead_seconds
        silent = [slot for slot in self._roster.live() if now - slot.heard > dead]
        return [effect for slot in silent for effect in self._lose(slot, f"silent for {dead:g} s")]

    # -- the learner's and the supervisor's words

    def publish(self, snapshot: Snapshot, now: float) -> list[TrainerEffect]:
        """The first version, or a version with nothing settled: ``settle`` without outcomes."""
        return self.settle((), now=now, published=snapshot)

    def settle(
        self,
        outcomes: Sequence[Settled],
        *,
        now: float,
        published: Snapshot | None = None,
        start_version: int | None = None,
    ) -> list[TrainerEffect]:
        """Takes what became of results, then the version they made (if any), then answers their Players.

        All outcomes are consumed at the version before ``published``; the answers go out after it, so that
        the Player whose result completed a batch gets the new one. ``start_version`` holds every Player until
        there is such a version. Raises ``LedgerError`` for a result settled twice.
        """
        touched: dict[int, Slot] = {}
        for settled in outcomes:
            slot = self._roster[settled.slot]
            self._settle_one(slot, settled.seq, settled.outcome)
            touched[slot.index] = slot
        if start_version is not None:
            self._pacer.start_version = start_version
        if published is not None:
            self._pacer.publish(published)
        effects: list[TrainerEffect] = [self._pacer.ack(slot) for slot in touched.values() if slot.live]
        everyone = published is not None or start_version is not None
        effects += self._pacer.answer_all(self._roster if everyone else touched.values())
        return effects

    def set_order(self, order: int, verb: str, arguments: Plain) -> list[TrainerEffect]:
        """A new standing order, told to all. Numbers of orders grow. Results under the old one stay valid."""
        command = self._pacer.standing = Command(order, verb, arguments, standing=True)
        playing = self._roster.playing()
        told: list[TrainerEffect] = [_to(slot, command.addressed(slot.session)) for slot in playing]
        return told + list(self._pacer.answer_all(playing))

    def order_once(
        self, slot: int, order: int, verb: str, arguments: Plain, *, trains: bool = False
    ) -> list[TrainerEffect]:
        """An order for one result of one Player, in place of the next it would start.

        A result that ``trains`` is counted by the law of lag; any other belongs to no update, and is not. The order
        goes with its Player: of one that is lost before the result has come, nothing more is to be expected but what
        it may still bring back.
        """
        taker = self._roster[slot]
        if not taker.live:
            return []
        taker.once.append(Command(order, verb, arguments, standing=False, trains=trains))
        if taker.state is not TrainerState.PLAYING:
            return []  # goes with the answer to its READY, which it says until an order comes
        return [*self._first_order(taker), *self._pacer.answer(taker)]

    def gone(self, name: str, reason: str, now: float) -> list[TrainerEffect]:
        """The supervisor knows that this Player's process has ended."""
        slot = self._roster.named(name)
        return self._lose(slot, reason) if slot is not None and slot.live else []

    def stop(self, reason: str) -> list[TrainerEffect]:
        """Ends the run: nothing more is granted, and every Player is told."""
        self._stopping, self._pacer.over = reason, True
        return [_to(slot, Stop(reason=reason)) for slot in self._roster.live()]

    def finish(self, now: float) -> list[TrainerEffect]:
        """The end of the accounts: what is in flight is lost, what arrived and was never settled is unused.

        Raises ``LedgerError`` or ``LagLawError`` where a sum does not hold.
        """
        lost = [effect for slot in self._roster.live() for effect in self._lose(slot, "the run ended")]
        for slot in self._roster:
            for seq in slot.account.queued:
                self._settle_one(slot, seq, Outcome.UNUSED)
            self._pacer.forget(slot)
        self.check()
        return lost

    # -- what may be read

    @property
    def version(self) -> int | None:
        """The newest version published, None before the first."""
        return self._pacer.version

    @property
    def ledger(self) -> Ledger:
        """What became of every result."""
        return self._roster.ledger

    @property
    def law(self) -> LagLaw:
        """The law of lag, since the first version that this Trainer published."""
        return self._pacer.law

    @property
    def spaces(self) -> Plain | None:
        """What the first Player announced, and all others must equal."""
        return self._roster.spaces

    def live_players(self) -> int:
        return len(self._roster.live())

    def rows(self) -> list[PlayerRow]:
        """Every Player ever seen, by slot."""
        return self._roster.rows()

    def oldest_outstanding(self, *, but: tuple[int, int] | None = None) -> int | None:
        """The smallest version that any outstanding result is played with, ``but`` one (slot, seq)."""
        return self.law.oldest(but=but)

    def check(self) -> None:
        """Raises where the ledger's or the law's sum does not hold."""
        self.ledger.check()
        self.law.check()

    def state(self) -> dict[str, Any]:
        """As plain data, for a checkpoint."""
        return self._roster.state()

    def saved(self, state: Mapping[str, Any]) -> None:
        """This ``state`` is on disk: what it had settled is durable, as the next ACKs say."""
        self._roster.saved(state)

    # -- HELLO

    def _hello(self, peer: bytes, hello: Hello, now: float) -> list[TrainerEffect]:
        slot = self._roster.named(hello.name)
        if slot is not None and is_late_copy(hello, slot):
            again = slot.live and slot.peer == peer and hello.attempt == slot.attempt
            return self._welcome(slot) if again else []
        if self._stopping is not None:
            return [SendTo(peer, encode(Stop(reason=self._stopping)))]
        refused = refusal(
            hello,
            holder=slot,
            playing=self.live_players(),
            admitted=self._pacer.pacing.admitted,
            timing=self._timing,
            now=now,
        )
        if refused is not None:
            return [SendTo(peer, encode(refused))]
        resumed = resumes(hello, slot, run=self.run)
        slot = slot or self._roster.open(hello.name)
        if resumed and hello.sent < slot.account.next:
            return []  # older than what is known of its Player
        self._take_seat(slot, peer, hello, resumed=resumed, now=now)
        joined = Joined(slot.index, slot.name, hello.host, hello.pid, slot.incarnation, resumed=resumed)
        return [*self._welcome(slot), joined]

    def _take_seat(self, slot: Slot, peer: bytes, hello: Hello, *, resumed: bool, now: float) -> None:
        if resumed:
            if not slot.live:
                self._pacer.regain(slot)
            slot.account.back()
            slot.account.reported(hello.sent)
            slot.account.resync(hello.acked)
        else:
            self._pacer.forget(slot)
            slot.account.replaced()
        self._last_session += 1
        self._roster.seat(slot, peer)
        slot.seat(peer, hello, session=self._last_session, resumed=resumed, now=now)

    def _welcome(self, slot: Slot) -> list[TrainerEffect]:
        welcome = Welcome(
            attempt=slot.attempt,
            run=self.run,
            epoch=self.epoch,
            session=slot.session,
            slot=slot.index,
            incarnation=slot.incarnation,
            seed=self._seed_of(slot.index, slot.incarnation),
            resumed=slot.resumed,
            next=slot.account.next,
            width=self._pacer.pacing.width,
            gate=self._pacer.gate(slot),
            heartbeat_seconds=self._timing.heartbeat_seconds,
            dead_seconds=self._timing.dead_seconds,
            config=self._config,
        )
        messages = split(welcome, self._factory, limits=self._limits)
        return [SendTo(slot.peer, frames) for frames in messages]

    # -- the other messages

    def _message(self, slot: Slot, header: Header, frames: Sequence[Frame]) -> list[TrainerEffect]:
        if slot.state is TrainerState.LEFT:
            return [self._bye_ok(slot)] if isinstance(header.message, Bye) else []
        try:
            decoded = slot.reassembly.add(header, frames)
        except SequenceError:
            return self._part_missing(slot, header.message)
        return [] if decoded is None else self._dispatch(slot, decoded)

    def _dispatch(self, slot: Slot, decoded: Decoded) -> list[TrainerEffect]:
        match decoded.message:
            case Result() as result:
                return self._result(slot, result, decoded)
            case Want() as want:
                return list(self._pacer.want(slot, want))
            case Beat() as beat:
                return self._beat(slot, beat)
            case Ready() as ready:
                return self._ready(slot, ready)
            case Bye() as bye:
                return self._bye(slot, bye)
            case Err() as err:
                return [Failed(slot.index, slot.name, err.code, err.detail, err.fatal)]
        return [_bad(slot.peer, f"{tag(decoded.message)} comes from the Trainer, not to it", slot.session)]

    def _ready(self, slot: Slot, ready: Ready) -> list[TrainerEffect]:
        spaces = self._roster.spaces = self._roster.spaces or ready.spaces
        if ready.spaces != spaces:
            detail = f"expected the spaces of the first Player, {spaces}, found {ready.spaces}"
            return self._turn_away(slot, ErrorCode.SPACES, detail)
        effects: list[TrainerEffect] = []
        if self._pacer.standing is not None:
            effects.append(_to(slot, self._pacer.standing.addressed(slot.session)))
        effects += self._first_order(slot)
        if slot.state is TrainerState.WELCOMED:
            slot.move(TrainerEvent.READY)
            effects.append(BecameReady(slot.index, ready.spaces, ready.facts))
        if self._pacer.begin(len(self._roster.playing())):
            effects += self._pacer.answer_all(self._roster)
        return effects

    def _first_order(self, slot: Slot) -> list[TrainerEffect]:
        """An order once that is due, or whose grant may have been lost, to a Player that has not asked yet.

        One without a standing order waits for it.
        """
        if slot.want is not None:
            return []
        granted = [grant.command for grant in slot.grants.values() if not grant.command.standing]
        return [_to(slot, due.addressed(slot.session)) for due in [*slot.once, *granted][:1]]

    def _turn_away(self, slot: Slot, code: ErrorCode, detail: str) -> list[TrainerEffect]:
        refusal = Err(code=code, detail=detail[:16_000], fatal=True, session=slot.session)
        said = _to(slot, refusal)
        self._vacate(slot, TrainerEvent.REFUSED)
        return [said, Failed(slot.index, slot.name, code, detail, fatal=True)]

    def _beat(self, slot: Slot, beat: Beat) -> list[TrainerEffect]:
        slot.told(beat)
        slot.account.reported(beat.sent)
        effects: list[TrainerEffect] = [self._pacer.ack(slot, beat.beat)]
        if slot.account.next < beat.sent:  # said after the results it speaks of: they were lost on the way
            effects.append(self._nack(slot))
        if self._stopping is not None:
            effects.append(_to(slot, Stop(reason=self._stopping)))
        return effects

    def _bye(self, slot: Slot, bye: Bye) -> list[TrainerEffect]:
        slot.account.reported(bye.sent)
        self._vacate(slot, TrainerEvent.BYE)
        self._roster.seat(slot, slot.peer)  # a BYE that comes again is answered again
        return [self._bye_ok(slot), Left(slot.index, slot.name, bye.reason, slot.account.row())]

    def _bye_ok(self, slot: Slot) -> SendTo:
        return _to(slot, ByeOk(session=slot.session, row=slot.account.row()))

    # -- results

    def _result(self, slot: Slot, result: Result, decoded: Decoded) -> list[TrainerEffect]:
        if result.seq != slot.account.next:
            return self._out_of_turn(slot, result.seq)
        grant = slot.grants.get(result.seq)
        if result.epoch == self.epoch:
            expected = None if grant is None else (grant.snapshot.version, grant.command.order)
            if expected != (result.version, result.order):
                found = f"found {(result.version, result.order)}"
                return self._invalid(slot, result.seq, f"expected (version, order) {expected}, {found}")
        elif result.epoch > self.epoch:
            return self._invalid(slot, result.seq, f"expected epoch {self.epoch}, found {result.epoch}")
        slot.account.received(result.seq)
        slot.grants.pop(result.seq, None)
        delivered = Delivered(
            slot=slot.index,
            seq=result.seq,
            order=result.order,
            epoch=result.epoch,
            version=result.version,
            arrays=decoded.arrays,
            meta=result.meta,
            nbytes=sum(array.nbytes for array in decoded.arrays.values()),
            lag_play=self.law.live - result.version if result.epoch == self.epoch else None,
            outstanding=len(slot.grants),
            snapshot=None if grant is None or grant.command.standing else grant.snapshot,
        )
        return [self._pacer.ack(slot), delivered] if self._pacer.pacing.ahead else [delivered]

    def _out_of_turn(self, slot: Slot, seq: int) -> list[TrainerEffect]:
        if seq < slot.account.next:
            slot.account.duplicate()
            return [self._pacer.ack(slot)]
        return [self._nack(slot)]

    def _part_missing(self, slot: Slot, message: Message) -> list[TrainerEffect]:
        if isinstance(message, Result) and message.seq >= slot.account.next:
            return [self._nack(slot)]
        return []

    def _undecodable(self, peer: bytes, error: DecodeError) -> list[TrainerEffect]:
        slot = self._roster.at(peer)
        if slot is None or not slot.live:
            return [_bad(peer, str(error), None)]
        if error.seq is None or error.session != slot.session:
            return [_bad(peer, str(error), slot.session)]
        if error.seq != slot.account.next:
            return self._out_of_turn(slot, error.seq)
        return self._invalid(slot, error.seq, str(error))

    def _invalid(self, slot: Slot, seq: int, detail: str) -> list[TrainerEffect]:
        slot.account.received(seq)
        grant = slot.grants.pop(seq, None)
        self._settle_one(slot, seq, Outcome.DROPPED_INVALID)
        order = None if grant is None else grant.command.order
        invalid = Invalid(slot.index, seq, detail, outstanding=len(slot.grants), order=order)
        return [self._pacer.ack(slot), invalid, *self._pacer.answer(slot)]

    def _settle_one(self, slot: Slot, seq: int, outcome: Outcome | None) -> None:
        if outcome is None:
            slot.account.take(seq)
        else:
            slot.account.settle(seq, outcome)
        self._pacer.settled(slot, seq)

    # -- short answers

    def _nack(self, slot: Slot) -> SendTo:
        return _to(slot, Nack(session=slot.session, next=slot.account.next))

    def _no_session(self, peer: bytes, session: int | None) -> SendTo:
        detail = f"session {session} is not known here; say HELLO"
        return SendTo(
            peer, encode(Err(code=ErrorCode.NO_SESSION, detail=detail, fatal=False, session=session))
        )

    # -- slots

    def _lose(self, slot: Slot, reason: str) -> list[TrainerEffect]:
        self._vacate(slot, TrainerEvent.SILENCE)
        return [Lost(slot.index, slot.name, reason)]

    def _vacate(self, slot: Slot, event: TrainerEvent) -> None:
        """The session ends. Its grants are kept, in case the same process comes back with their results."""
        self._pacer.lose(slot)
        slot.move(event)
        slot.account.gone()
        slot.reassembly.reset()
        self._roster.unseat(slot)


def _to(slot: Slot, message: Message) -> SendTo:
    return SendTo(slot.peer, encode(message))


def _bad(peer: bytes, detail: str, session: int | None) -> SendTo:
    return SendTo(
        peer,
        encode(Err(code=ErrorCode.BAD_MESSAGE, detail=detail[:4000], fatal=False, session=session)),
    )
