"""What a Player says of its own end, as text that crosses the wire in ERR ENVIRONMENT."""

from __future__ import annotations

import traceback
from typing import Any, Literal

import msgspec

from touchline.envs.errors import EnvError, EnvironmentFault
from touchline.policy.frames import own_traceback
from touchline.policy.spaces import SpaceError
from touchline.targets.errors import TargetError

MAX_TRACEBACK = 8_000


class Failure(msgspec.Struct, frozen=True):
    """``setup``: the environment could not be made, the user's to mend; ``play``: it failed while it was played.

    ``own``: the part of the traceback that is none of touchline's frames, for the terminal.
    """

    kind: Literal["setup", "play"]
    message: str
    traceback: str = ""
    own: str = ""
    lane: int | None = None
    seed: int | None = None
    step: int | None = None
    last_actions: list[Any] = []

    def to_text(self) -> str:
        return msgspec.json.encode(self).decode()


def failure_of(error: Exception, *, playing: bool) -> Failure:
    """The failure that an exception of the environment, or of ours around it, is."""
    trace = "".join(traceback.format_exception(error))[-MAX_TRACEBACK:]
    own = own_traceback(error)[-MAX_TRACEBACK:]
    if isinstance(error, EnvironmentFault):
        return Failure(
            "play",
            str(error),
            traceback=trace,
            own=own,
            lane=error.lane,
            seed=error.seed,
            step=error.step,
            last_actions=list(error.last_actions),
        )
    expected = isinstance(error, EnvError | SpaceError | TargetError)
    message = str(error) if expected else f"{type(error).__name__}: {error}"
    if expected and not playing:
        return Failure("setup", message)  # which says all that can be done about it
    return Failure("play" if playing else "setup", message, traceback=trace, own=own)
