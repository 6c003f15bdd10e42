"""Who is here: Players by slot, and what each has sent, for the live view and the end of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from touchline.protocol.machine import TrainerState
from touchline.protocol.slots import PlayerRow
from touchline.record import PlayerStatus

RATE_SECONDS = 2.0


@dataclass(slots=True)
class Member:
    """One Player's counts, and its rate over the last seconds."""

    name: str
    present: bool = True
    ready: bool = False
    steps: int = 0
    episodes: int = 0
    outside: int = 0  # numbers of observations outside their space, where no heartbeat tells them
    reported_failure: bool = False
    rate: float = 0.0
    rated_at: float | None = None
    rated_steps: int = 0

    def measure(self, now: float) -> float:
        """Steps a second over the last two seconds; over the time since the first call before that."""
        if self.rated_at is None:
            self.rated_at, self.rated_steps = now, self.steps
            return 0.0
        elapsed = now - self.rated_at
        recent = (self.steps - self.rated_steps) / elapsed if elapsed > 0 else 0.0
        if elapsed < RATE_SECONDS:
            return self.rate or recent
        self.rate, self.rated_at, self.rated_steps = recent, now, self.steps
        return recent


class Crew:
    """The Players of a run by slot."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._members: dict[int, Member] = {}
        self._clock = clock

    @property
    def present(self) -> bool:
        """Whether any Player's session lives."""
        return any(member.present for member in self._members.values())

    def all_ready(self) -> list[int]:
        """The slots of Players whose environment or table stands."""
        return sorted(slot for slot, member in self._members.items() if member.present and member.ready)

    def one_ready(self, *, rather: int | None) -> int | None:
        """A slot whose Player's environment stands, ``rather`` this one than the lowest; None where there is none."""
        ready = [slot for slot, member in self._members.items() if member.present and member.ready]
        return rather if rather in ready else min(ready, default=None)

    def name(self, slot: int) -> str:
        return self._members[slot].name

    def joined(self, slot: int, name: str) -> None:
        member = self._members.setdefault(slot, Member(name))
        member.present, member.ready = True, False

    def ready(self, slot: int) -> None:
        self._members[slot].ready = True

    def gone(self, slot: int) -> None:
        self._members[slot].present = False

    def played(self, slot: int, *, steps: int, episodes: int) -> None:
        """A result of this Player was taken."""
        member = self._members[slot]
        member.steps += steps
        member.episodes += episodes

    def reported(self, name: str) -> None:
        """The Player told of its own failure; its end, when it comes, is not another."""
        for member in self._members.values():
            if member.name == name:
                member.reported_failure = True

    def take_reported(self, name: str) -> bool:
        """Whether it had told; asked once when it ends."""
        for member in self._members.values():
            if member.name == name and member.reported_failure:
                member.reported_failure = False
                return True
        return False

    def statuses(self, rows: Sequence[PlayerRow], live: int | None) -> list[PlayerStatus]:
        """The live view's rows. ``live`` is the newest version."""
        now = self._clock()
        return [self._status(row, self._members.get(row.slot), live, now) for row in rows]

    def _status(self, row: PlayerRow, member: Member | None, live: int | None, now: float) -> PlayerStatus:
        behind = None if row.version is None or live is None else max(0, live - row.version)
        state = _state(row)
        return PlayerStatus(
            name=row.name,
            state=state,
            steps_per_second=member.measure(now) if member is not None else 0.0,
            episodes=member.episodes if member is not None else 0,
            behind=behind,
            restarts=row.incarnation,
            # what a Player that is gone was at when last heard of says nothing of now
            stage_seconds=row.stage_seconds if state == row.stage else 0.0,
            errors=row.errors,
        )


def _state(row: PlayerRow) -> str:
    match row.state:
        case TrainerState.WELCOMED:
            return "building" if row.stage == "building" else "starting"
        case TrainerState.PLAYING:
            return row.stage if row.stage != "starting" else "playing"
        case TrainerState.LEFT:
            return "left"
        case _:
            return "gone"
