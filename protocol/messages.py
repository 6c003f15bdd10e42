"""The messages, as the header of each says them; design section 4 holds the same table for people.

Headers are msgpack maps, typed, with unknown fields refused. The arrays of a message (WEIGHTS, RESULT, and
the environment factory of WELCOME) are not in the header: they follow it as raw frames, see ``codec``.

Every message after HELLO names its ``session``, and each side ignores another session's: what was said
before a reconnect can then arrive late, twice or never without being believed. Numbers count from 0;
``seq`` numbers the results of one Player name over its whole life in a run.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct

from touchline.protocol.gate import Gate

PROTOCOL = 1
"""The version of this protocol. Peers that differ do not talk: BAD_VERSION."""

Count = Annotated[int, Meta(ge=0, le=2**62)]
Seconds = Annotated[float, Meta(ge=0.0)]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
Text = Annotated[str, Meta(max_length=16 * 1024)]
Scalar = bool | int | float | str | None
Plain = dict[str, Any]
"""Maps of msgpack's own types: spaces, facts, configs, arguments of an order."""


class ErrorCode(StrEnum):
    """Why a peer is refused."""

    BAD_VERSION = "BAD_VERSION"
    AUTH = "AUTH"
    NAME_TAKEN = "NAME_TAKEN"
    BUSY = "BUSY"
    ENVIRONMENT = "ENVIRONMENT"
    SPACES = "SPACES"
    BAD_ORDER = "BAD_ORDER"
    NO_SESSION = "NO_SESSION"
    BAD_MESSAGE = "BAD_MESSAGE"


class SnapshotId(Struct, frozen=True, array_like=True):
    """Names one snapshot: a ``version`` means nothing without the ``epoch`` of the Trainer that made it."""

    epoch: Count
    version: Count


class Hello(Struct, frozen=True, forbid_unknown_fields=True, tag="HELLO", kw_only=True):
    """P→T: who is here. ``(host, pid, incarnation)`` is the process; ``run``, ``sent`` and ``acked`` what it
    remembers; ``attempt`` counts its HELLOs, so that a late copy of an old one is recognised."""

    protocol: int
    touchline: str
    python: str
    name: Name
    host: Text
    pid: Count
    incarnation: Count
    attempt: Count
    run: str | None = None
    sent: Count = 0
    acked: Count = 0
    held: SnapshotId | None = None


class Welcome(Struct, frozen=True, forbid_unknown_fields=True, tag="WELCOME", kw_only=True):
    """T→P: the run it joins. ``resumed`` keeps what the Player counts; otherwise it counts on from ``next``.

    Array ``factory`` (uint8 [n], optional): the pickled environment factory.
    """

    attempt: Count
    run: str
    epoch: Count
    session: Count
    slot: Count
    incarnation: Count
    seed: int
    resumed: bool
    next: Count
    width: Count
    gate: Gate
    heartbeat_seconds: Seconds
    dead_seconds: Seconds
    config: Plain


class Ready(Struct, frozen=True, forbid_unknown_fields=True, tag="READY", kw_only=True):
    """P→T: its environment stands: spaces as plain data, and facts about it."""

    session: Count
    spaces: Plain
    facts: Plain


class Order(Struct, frozen=True, forbid_unknown_fields=True, tag="ORDER", kw_only=True):
    """T→P: what to do with a snapshot. A standing order lasts until the next; another gives one result."""

    session: Count
    order: Count
    verb: str
    arguments: Plain
    standing: bool


class Want(Struct, frozen=True, forbid_unknown_fields=True, tag="WANT", kw_only=True):
    """P→T: the snapshot for results ``seq`` to ``seq + count - 1``, which it starts when that is granted.

    ``missing`` names an order that a grant spoke of and that never came.
    """

    session: Count
    seq: Count
    count: Annotated[int, Meta(ge=1, le=2**20)]
    held: SnapshotId | None
    missing: Count | None = None


class Weights(Struct, frozen=True, forbid_unknown_fields=True, tag="WEIGHTS", kw_only=True):
    """T→P: the answer to WANT: play these results, under this order, with exactly this snapshot.

    Carries the snapshot's arrays unless the Player said that it holds them (``modified`` false).
    """

    session: Count
    seq: Count
    count: Count
    order: Count
    epoch: Count
    version: Count
    modified: bool
    gate: Gate


class Result(Struct, frozen=True, forbid_unknown_fields=True, tag="RESULT", kw_only=True):
    """P→T: what came of an order, as arrays, and the snapshot that it was played with."""

    session: Count
    seq: Count
    order: Count
    epoch: Count
    version: Count
    meta: dict[str, Scalar]


class Ack(Struct, frozen=True, forbid_unknown_fields=True, tag="ACK", kw_only=True):
    """T→P: every result below ``next`` has arrived. ``durable``: those below are in a checkpoint. ``beat``
    echoes the BEAT answered, and ``waiting`` is the WANT that the gate holds back."""

    session: Count
    next: Count
    gate: Gate
    newest: Count | None
    durable: Count
    beat: Count | None = None
    waiting: Count | None = None


class Nack(Struct, frozen=True, forbid_unknown_fields=True, tag="NACK", kw_only=True):
    """T→P: a gap; send again from ``next``."""

    session: Count
    next: Count


class Beat(Struct, frozen=True, forbid_unknown_fields=True, tag="BEAT", kw_only=True):
    """P→T: alive, by the network thread; what the play loop is at (``stage``) and for how long."""

    session: Count
    beat: Count
    sent: Count
    stage: Text
    stage_seconds: Seconds
    errors: Count


class Bye(Struct, frozen=True, forbid_unknown_fields=True, tag="BYE", kw_only=True):
    """P→T: leaves of its own will."""

    session: Count
    sent: Count
    reason: Text


class ByeOk(Struct, frozen=True, forbid_unknown_fields=True, tag="BYE_OK", kw_only=True):
    """T→P: the ledger row of the Player that leaves."""

    session: Count
    row: dict[str, int]


class Err(Struct, frozen=True, forbid_unknown_fields=True, tag="ERR", kw_only=True):
    """Either way: refused, and why. ``session`` is the one refused, where there was one."""

    code: ErrorCode
    detail: Text
    fatal: bool
    retry_after_seconds: Seconds | None = None
    session: Count | None = None


class Stop(Struct, frozen=True, forbid_unknown_fields=True, tag="STOP", kw_only=True):
    """T→P: the run has ended; say BYE."""

    reason: Text


FromPlayer = Hello | Ready | Want | Result | Beat | Bye | Err
FromTrainer = Welcome | Order | Weights | Ack | Nack | ByeOk | Err | Stop
Message = (
    Hello | Welcome | Ready | Order | Want | Weights | Result | Ack | Nack | Beat | Bye | ByeOk | Err | Stop
)

MESSAGES: tuple[type[Message], ...] = (
    Hello, Welcome, Ready, Order, Want, Weights, Result, Ack, Nack, Beat, Bye, ByeOk, Err, Stop,
)  # fmt: skip
"""Every message, in the order of the design's table."""

CARRIES_ARRAYS: tuple[type[Message], ...] = (Welcome, Weights, Result)
"""The messages that array frames may follow."""


def tag(message: Message | type[Message]) -> str:
    """The name of a message on the wire, such as ``"BYE_OK"``."""
    return str(message.__struct_config__.tag)
