"""The states of both sessions, as tables: what may happen in a state, and what it leads to.

The sessions run on these tables, and ``diagram`` draws the documentation's pictures from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from touchline.protocol.errors import LocalError


class PlayerState(StrEnum):
    """Where a Player stands towards its Trainer."""

    IDLE = "idle"
    HELLO = "hello"
    STANDBY = "standby"
    PREPARING = "preparing"
    READY = "ready"
    PLAYING = "playing"
    STOPPED = "stopped"
    LEAVING = "leaving"
    CLOSED = "closed"


class PlayerEvent(StrEnum):
    """What moves a Player's session: its own calls, messages, and time."""

    OPEN = "open"
    RETRY = "retry"
    WELCOME = "WELCOME"
    READY = "ready"
    ORDER = "ORDER"
    LATER = "ERR retry"
    NO_SESSION = "ERR NO_SESSION"
    FATAL = "ERR fatal"
    SILENCE = "silence"
    STOP = "STOP"
    BYE = "bye"
    BYE_OK = "BYE_OK"


class TrainerState(StrEnum):
    """Where a Player stands, as its Trainer sees it."""

    ABSENT = "absent"
    WELCOMED = "welcomed"
    PLAYING = "playing"
    LOST = "lost"
    LEFT = "left"


class TrainerEvent(StrEnum):
    """What moves the Trainer's side of one session."""

    HELLO = "HELLO"
    READY = "READY"
    REFUSED = "refused"
    SILENCE = "silence"
    BYE = "BYE"


P, PE = PlayerState, PlayerEvent
T, TE = TrainerState, TrainerEvent
State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)

_IN_SESSION: dict[PlayerEvent, PlayerState] = {
    PE.NO_SESSION: P.HELLO,
    PE.SILENCE: P.HELLO,
    PE.FATAL: P.CLOSED,
    PE.STOP: P.STOPPED,
    PE.BYE: P.LEAVING,
}

PLAYER: dict[PlayerState, dict[PlayerEvent, PlayerState]] = {
    P.IDLE: {PE.OPEN: P.HELLO, PE.BYE: P.CLOSED},
    P.HELLO: {
        PE.WELCOME: P.PREPARING,
        PE.LATER: P.STANDBY,
        PE.SILENCE: P.HELLO,
        PE.FATAL: P.CLOSED,
        PE.STOP: P.CLOSED,
        PE.BYE: P.CLOSED,
    },
    P.STANDBY: {PE.RETRY: P.HELLO, PE.STOP: P.CLOSED, PE.BYE: P.CLOSED},
    P.PREPARING: {**_IN_SESSION, PE.READY: P.READY},
    P.READY: {**_IN_SESSION, PE.ORDER: P.PLAYING},
    P.PLAYING: {**_IN_SESSION, PE.ORDER: P.PLAYING},
    P.STOPPED: {
        PE.BYE: P.LEAVING,
        PE.NO_SESSION: P.CLOSED,
        PE.SILENCE: P.CLOSED,
        PE.FATAL: P.CLOSED,
        PE.STOP: P.STOPPED,
    },
    P.LEAVING: {
        PE.BYE_OK: P.CLOSED,
        PE.NO_SESSION: P.CLOSED,
        PE.SILENCE: P.CLOSED,
        PE.FATAL: P.CLOSED,
        PE.STOP: P.LEAVING,
    },
    P.CLOSED: {},
}
"""``PLAYER[state][event]`` is the next state; what is not there is not allowed."""

_LIVE: dict[TrainerEvent, TrainerState] = {
    TE.HELLO: T.WELCOMED,
    TE.READY: T.PLAYING,
    TE.REFUSED: T.LOST,
    TE.SILENCE: T.LOST,
    TE.BYE: T.LEFT,
}

TRAINER: dict[TrainerState, dict[TrainerEvent, TrainerState]] = {
    T.ABSENT: {TE.HELLO: T.WELCOMED},
    T.WELCOMED: _LIVE,
    T.PLAYING: _LIVE,
    T.LOST: {TE.HELLO: T.WELCOMED},
    T.LEFT: {TE.HELLO: T.WELCOMED},
}
"""``TRAINER[state][event]`` is the next state of one Player's session."""


def step(table: Mapping[State, Mapping[Event, State]], state: State, event: Event) -> State:
    """The next state. Raises ``LocalError`` where the table has none, with what it does have."""
    try:
        return table[state][event]
    except KeyError:
        allowed = ", ".join(table[state]) or "nothing"
        raise LocalError(f"{event} in state {state}; allowed: {allowed}") from None


def diagram(table: Mapping[State, Mapping[Event, State]]) -> str:
    """The table as a Mermaid state diagram; events between the same two states share an arrow."""
    lines = ["stateDiagram-v2"]
    for state, row in table.items():
        arrows: dict[State, list[str]] = {}
        for event, after in row.items():
            arrows.setdefault(after, []).append(event.value)
        lines += [f"    {state} --> {after}: {', '.join(events)}" for after, events in arrows.items()]
    return "\n".join(lines) + "\n"
