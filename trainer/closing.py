"""The sessions' accounts, at each checkpoint and at the end; how a run's Players, weights and lines come to theirs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from touchline.protocol.effects import Joined, Left, Lost, Settled, TrainerEffect
from touchline.protocol.ledger import Outcome
from touchline.protocol.trainer_session import TrainerSessions
from touchline.trainer.course import Course
from touchline.trainer.crew import Crew
from touchline.trainer.service import TrainerService

GOODBYE_SECONDS = 3.0
WAIT_SECONDS = 0.05


def dismiss(
    service: TrainerService, crew: Crew, *, reason: str, clock: Callable[[], float] = time.monotonic
) -> None:
    """Tell the Players to stop and wait until each has left, for three seconds at most.

    What they still send is taken in by the sessions and is unused. Players that die now are not restarted.
    """
    service.post(lambda sessions, now: sessions.stop(reason))
    until = clock() + GOODBYE_SECONDS
    while crew.present and clock() < until:
        match service.next_event(WAIT_SECONDS):
            case Joined(slot, name):
                crew.joined(slot, name)
            case Lost(slot) | Left(slot):
                crew.gone(slot)


def close_accounts(service: TrainerService, training: Course | None) -> tuple[dict[str, Any], float | None]:
    """The ledger's report and the law's prediction, after every sum was checked.

    Results gathered for a batch that was never completed are unused. Raises LedgerError and LagLawError.
    """
    left = training.method.finished() if training is not None else ()
    unused = [Settled(slot, seq, Outcome(fate)) for (slot, seq), fate in left]

    def closed(sessions: TrainerSessions) -> tuple[dict[str, Any], float | None]:
        now = time.monotonic()
        sessions.settle(unused, now=now)
        sessions.finish(now)
        return sessions.ledger.report(), sessions.law.predicted()

    return service.ask(closed)


def checked_state(sessions: TrainerSessions) -> dict[str, Any]:
    """What a checkpoint keeps of the sessions, after asserting the ledger's sum and the law's identity."""
    sessions.check()
    return sessions.state()


def saved(state: Mapping[str, Any], sessions: TrainerSessions, now: float) -> Sequence[TrainerEffect]:
    """Tell the sessions which state of theirs is on disk."""
    sessions.saved(state)
    return ()
