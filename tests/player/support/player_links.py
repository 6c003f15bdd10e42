"""A link that only notes what it is asked, and the messages that a Player is played by hand with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from touchline.configs import Config, to_plain
from touchline.protocol.effects import Granted, Welcomed
from touchline.protocol.gate import Gate
from touchline.protocol.messages import Welcome


class NotedLink:
    """Gives events, and notes calls; a step of the lanes is noted by its number in the unroll."""

    def __init__(self, events: Sequence[Any]) -> None:
        self._given = events
        self.notes: list[Any] = []
        self.failures: list[dict[str, Any]] = []
        self.spaces: list[Any] = []
        self.interrupted = False
        self.errors = 0
        self._steps = 0

    def events(self) -> Iterator[Any]:
        yield from self._given

    @property
    def since(self) -> float:
        return 0.0

    @since.setter
    def since(self, at: float) -> None:
        self._steps += 1

    def at(self, stage: str) -> None:
        self._steps = 0

    def ready(self, spaces: Any, facts: Any) -> None:
        self.notes.append("ready")
        self.spaces.append(spaces)

    def want(self) -> None:
        self.notes.append(f"want after {self._steps}")

    def submit(self, granted: Granted, arrays: Any, *, then_want: bool) -> None:
        self.notes.append("submit and want" if then_want else "submit")

    def refuse_environment(self, detail: str) -> None:
        self.failures.append(msgspec.json.decode(detail))

    def bye(self, reason: str) -> None:
        self.notes.append("bye")


def welcomed(config: Config, *, factory: bytes | None = None, resumed: bool = False) -> Welcomed:
    welcome = Welcome(
        attempt=1,
        run="r",
        epoch=1,
        session=1,
        slot=0,
        incarnation=0,
        seed=7,
        resumed=resumed,
        next=0,
        width=1,
        gate=Gate(1, 0),
        heartbeat_seconds=0.5,
        dead_seconds=10.0,
        config=to_plain(config),
    )
    return Welcomed(welcome, factory)
