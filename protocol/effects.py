"""What a session asks of the service around it, and what it has to tell: frozen values, in order.

A session performs nothing itself. Its service sends what says ``Send``, and hands on the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from touchline.protocol.codec import Array, Frame
from touchline.protocol.ledger import Outcome
from touchline.protocol.messages import ErrorCode, Order, Plain, Scalar, Welcome
from touchline.protocol.slots import Snapshot

# -- a Player's session


@dataclass(frozen=True, slots=True)
class Send:
    """Send these frames to the Trainer, as one message."""

    frames: list[Frame]


@dataclass(frozen=True, slots=True)
class Reopen:
    """Close the socket and open a new one: the Trainer has been silent for the dead time. HELLO follows."""


@dataclass(frozen=True, slots=True)
class Welcomed:
    """In. Unless ``welcome.resumed``, what is being played is void: build the environment, then ``ready``."""

    welcome: Welcome
    factory: bytes | None


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order has come. Grants name the one they are for."""

    order: Order


@dataclass(frozen=True, slots=True)
class Arrived:
    """A newer snapshot: read-only arrays by name."""

    epoch: int
    version: int
    arrays: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Granted:
    """Results ``seq`` to ``seq + count - 1`` may be started, with exactly this snapshot, under this order.

    Hand it back with each result: ``generation`` tells a grant of before the counts began anew.
    """

    seq: int
    count: int
    epoch: int
    version: int
    order: int
    generation: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The Trainer has ended the run; say ``bye``."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The Trainer said ERR. If ``fatal`` the session is closed; otherwise it goes on by itself."""

    code: ErrorCode
    detail: str
    retry_after_seconds: float | None
    fatal: bool


@dataclass(frozen=True, slots=True)
class SaidGoodbye:
    """The session is closed; ``row`` is the Player's ledger row, None where the Trainer did not answer."""

    row: Mapping[str, int] | None


PlayerEffect = Send | Reopen | Welcomed | Ordered | Arrived | Granted | Stopped | Refused | SaidGoodbye

# -- the Trainer's sessions


@dataclass(frozen=True, slots=True)
class SendTo:
    """Send these frames to a peer, as one message. A peer that is no longer there is no error."""

    peer: bytes
    frames: list[Frame]


@dataclass(frozen=True, slots=True)
class Joined:
    """A Player was welcomed. ``resumed``: the same process as before, back after a silence."""

    slot: int
    name: str
    host: str
    pid: int
    incarnation: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class BecameReady:
    """A Player's environment stands."""

    slot: int
    spaces: Plain
    facts: Plain


@dataclass(frozen=True, slots=True)
class Delivered:
    """A result, the first time and in order. Settle ``(slot, seq)`` once.

    ``lag_play``: versions published between its grant and its arrival; None where another epoch's Trainer
    granted it. ``nbytes``: its arrays. ``outstanding``: results granted to the slot that are still to come.
    ``snapshot``: what it was played with, where the order was given once: the learner may be far past it.
    """

    slot: int
    seq: int
    order: int
    epoch: int
    version: int
    arrays: Mapping[str, Array]
    meta: Mapping[str, Scalar]
    nbytes: int
    lag_play: int | None
    outstanding: int = 0
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class Invalid:
    """A result that cannot be read or was never granted; already settled as ``dropped_invalid``.

    ``outstanding``: results granted to the slot that are still to come. ``order``: under which this one was
    granted, None where it was not.
    """

    slot: int
    seq: int
    detail: str
    outstanding: int = 0
    order: int | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """A Player is presumed gone; its slot is kept for its name."""

    slot: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A Player reported an error of its own, or was refused for what it announced."""

    slot: int
    name: str
    code: ErrorCode
    detail: str
    fatal: bool


@dataclass(frozen=True, slots=True)
class Left:
    """A Player said goodbye."""

    slot: int
    name: str
    reason: str
    row: Mapping[str, int]


TrainerEffect = SendTo | Joined | BecameReady | Delivered | Invalid | Lost | Failed | Left

# -- what the learner posts


@dataclass(frozen=True, slots=True)
class Settled:
    """The learner's word on one delivered result.

    Without an ``outcome`` it has been taken into the batch being gathered: its Player may go on, and what
    becomes of it is said later, by its outcome.
    """

    slot: int
    seq: int
    outcome: Outcome | None
