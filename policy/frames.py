"""The part of a traceback that is the user's own: an environment's or a network's frames, none of ours."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from types import FrameType, TracebackType

OURS = ("touchline", "gymnasium", "threading", "importlib")
THEIRS = (
    "gymnasium.envs",
    "touchline.envs.recall",
    "touchline.envs.atari",
)  # environments, whoever wrote them


def own_traceback(error: BaseException) -> str:
    """The traceback of what the user's code raised, from the cause to the last of it; empty where no frame is theirs.

    An exception of ours that was raised from another's is left out, and so are frames of ours in between.
    """
    parts = []
    for one in _chain(error):
        frames = traceback.StackSummary.extract(
            (frame, line) for frame, line in _walk(one.__traceback__) if not _is_ours(frame)
        )
        if frames and not _raised_by_us(one):
            said = ["Traceback (most recent call last):\n", *frames.format()]
            parts.append("".join([*said, *traceback.format_exception_only(one)]))
    return "\n".join(parts)


def _chain(error: BaseException) -> list[BaseException]:
    """The exception and all that it came from, the first cause first."""
    chain, one = [error], error
    while (before := _before(one)) is not None and before not in chain:
        chain.append(before)
        one = before
    return chain[::-1]


def _before(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _walk(trace: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    return traceback.walk_tb(trace)


def _raised_by_us(error: BaseException) -> bool:
    last = [frame for frame, _ in _walk(error.__traceback__)][-1]
    return _is_ours(last)


def _is_ours(frame: FrameType) -> bool:
    return any(_of(frame, name) for name in OURS) and not any(_of(frame, name) for name in THEIRS)


def _of(frame: FrameType, package: str) -> bool:
    module = str(frame.f_globals.get("__name__", ""))
    return module == package or module.startswith((f"{package}.", f"<frozen {package}"))
