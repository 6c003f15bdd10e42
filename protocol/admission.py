"""Who may come in: what the Trainer answers to a HELLO that it does not welcome."""

from __future__ import annotations

from touchline.protocol.limits import Timing
from touchline.protocol.messages import PROTOCOL, Err, ErrorCode, Hello
from touchline.protocol.slots import Slot, process_of


def refusal(
    hello: Hello,
    *,
    holder: Slot | None,
    playing: int,
    admitted: int | None,
    timing: Timing,
    now: float,
) -> Err | None:
    """Why this process may not play now, or None.

    ``holder`` is the slot of its name, ``playing`` the number of Players in session, ``admitted`` how many
    may be.
    """
    if hello.protocol != PROTOCOL:
        return _bad_version(hello)
    if hello.acked > hello.sent:
        detail = f"HELLO: {hello.acked} results acknowledged, but only {hello.sent} sent"
        return Err(code=ErrorCode.BAD_MESSAGE, detail=detail, fatal=True)
    if holder is not None and holder.live:
        if holder.process == process_of(hello):
            return None
        return _name_taken(hello, holder, timing=timing, now=now)
    if admitted is not None and playing >= admitted:
        return _busy(admitted, timing)
    return None


def is_late_copy(hello: Hello, slot: Slot) -> bool:
    """Whether this HELLO has been answered: a process counts its own, and each is answered once."""
    return slot.process == process_of(hello) and hello.attempt <= slot.attempt


def resumes(hello: Hello, slot: Slot | None, *, run: str) -> bool:
    """Whether the numbers that the Player remembers still count.

    They do where it remembers this run, and no other process has taken its name since. One that joined after
    the checkpoint that this Trainer was restored from remembers more than the Trainer does.
    """
    usurped = slot is not None and slot.attempt > 0 and slot.process != process_of(hello)
    return hello.run == run and not usurped


def _bad_version(hello: Hello) -> Err:
    detail = (
        f"the Trainer speaks protocol {PROTOCOL}, the Player {hello.protocol} "
        f"(touchline {hello.touchline}): install the same touchline on both sides"
    )
    return Err(code=ErrorCode.BAD_VERSION, detail=detail, fatal=True)


def _name_taken(hello: Hello, holder: Slot, *, timing: Timing, now: float) -> Err:
    """Final only where the holder has been heard since the newcomer first asked: a process that has just died
    is replaced by one of the same name, which then has to wait until the silence is noticed."""
    host, pid, _ = holder.process or ("", 0, 0)
    patience = 2 * timing.heartbeat_seconds
    return Err(
        code=ErrorCode.NAME_TAKEN,
        detail=f"{holder.name!r} is process {pid} on {host}, which is alive. Choose another name",
        fatal=hello.attempt > 1 and now - holder.heard < patience,
        retry_after_seconds=patience,
    )


def _busy(admitted: int, timing: Timing) -> Err:
    return Err(
        code=ErrorCode.BUSY,
        detail=f"{admitted} Players play already, as many as the Trainer admits",
        fatal=False,
        retry_after_seconds=timing.busy_retry_seconds,
    )
