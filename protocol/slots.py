"""What the Trainer keeps of each Player: its slot, its session, and what it may play."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from touchline.protocol.codec import Array, ArraySpec, Frame, as_array, describe
from touchline.protocol.ledger import Account
from touchline.protocol.machine import TRAINER, TrainerEvent, TrainerState, step
from touchline.protocol.messages import Beat, Hello, Order, Plain, Want
from touchline.protocol.parts import Reassembly


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """What the gate is made of.

    ``ahead``: results a Player may start beyond those settled; 0 answers it only when its result is settled.
    ``width``: results started together (1, or the lanes in episode mode). ``admitted``: Players that may play
    at once, None for any number. ``barrier``: Players that must be ready before the first may start.
    """

    ahead: int = 0
    width: int = 1
    admitted: int | None = None
    barrier: int = 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version as it crosses the wire: described once, its frames shared by every Player.

    The arrays are not copied; whoever makes it must never write them again.
    """

    version: int
    specs: tuple[ArraySpec, ...]
    frames: list[Frame]

    @classmethod
    def of(cls, version: int, arrays: Mapping[str, Array]) -> Snapshot:
        """A snapshot of these arrays by name."""
        return cls(version, *describe(arrays))

    def arrays(self) -> dict[str, Array]:
        """The arrays again, as read-only views of the frames."""
        pairs = zip(self.specs, self.frames, strict=True)
        return {spec.name: as_array(spec, frame) for spec, frame in pairs}


@dataclass(frozen=True, slots=True)
class Command:
    """An order before it is addressed to a session. ``trains``: its results enter updates, and so the law of lag."""

    order: int
    verb: str
    arguments: Plain
    standing: bool
    trains: bool = True

    def addressed(self, session: int) -> Order:
        return Order(
            session=session,
            order=self.order,
            verb=self.verb,
            arguments=self.arguments,
            standing=self.standing,
        )


@dataclass(frozen=True, slots=True)
class Grant:
    """Results ``seq`` to ``seq + count - 1``, to be played with ``snapshot`` under ``command``."""

    seq: int
    count: int
    snapshot: Snapshot
    command: Command


Process = tuple[str, int, int]
"""``(host, pid, incarnation)``: tells one process from the next of the same name."""


@dataclass(slots=True)
class Slot:
    """A Player's place in the run, kept for its name; the session in it comes and goes."""

    index: int
    account: Account
    reassembly: Reassembly
    state: TrainerState = TrainerState.ABSENT
    process: Process | None = None
    incarnation: int = 0
    peer: bytes = b""
    session: int = 0
    attempt: int = 0
    heard: float = 0.0
    resumed: bool = False
    want: Want | None = None
    grants: dict[int, Grant] = field(default_factory=dict)
    once: deque[Command] = field(default_factory=deque)
    granted_version: int | None = None
    durable: int = 0
    stage: str = "starting"
    stage_seconds: float = 0.0
    errors: int = 0  # of the process that has the slot
    errors_before: int = 0  # of those that had it

    @property
    def name(self) -> str:
        return self.account.name

    @property
    def live(self) -> bool:
        return self.state in (TrainerState.WELCOMED, TrainerState.PLAYING)

    def move(self, event: TrainerEvent) -> None:
        self.state = step(TRAINER, self.state, event)

    def seat(self, peer: bytes, hello: Hello, *, session: int, resumed: bool, now: float) -> None:
        """A process takes the slot, or returns to it."""
        process = process_of(hello)
        if self.process is not None and self.process != process:
            self.incarnation += 1
            self.errors_before += self.errors
        self.process, self.peer, self.attempt = process, peer, hello.attempt
        self.session, self.resumed, self.heard = session, resumed, now
        self.want = None
        self.stage, self.stage_seconds, self.errors = "starting", 0.0, 0
        self.reassembly.reset()
        self.move(TrainerEvent.HELLO)

    def told(self, beat: Beat) -> None:
        self.stage, self.stage_seconds, self.errors = beat.stage, beat.stage_seconds, beat.errors

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        process = None if self.process is None else list(self.process)
        return {"process": process, "incarnation": self.incarnation}


@dataclass(frozen=True, slots=True)
class PlayerRow:
    """One Player for the live view. ``version``: the newest it was granted; ``stage``: what its loop does."""

    slot: int
    name: str
    state: TrainerState
    host: str
    pid: int
    incarnation: int
    version: int | None
    stage: str
    stage_seconds: float
    errors: int
    sent: int
    received: int


def process_of(hello: Hello) -> Process:
    """The process that says HELLO."""
    return hello.host, hello.pid, hello.incarnation


def row_of(slot: Slot) -> PlayerRow:
    """The slot as the live view shows it."""
    host, pid, _ = slot.process or ("", 0, 0)
    return PlayerRow(
        slot=slot.index,
        name=slot.name,
        state=slot.state,
        host=host,
        pid=pid,
        incarnation=slot.incarnation,
        version=slot.granted_version,
        stage=slot.stage,
        stage_seconds=slot.stage_seconds,
        errors=slot.errors_before + slot.errors,
        sent=slot.account.sent,
        received=slot.account.next,
    )
