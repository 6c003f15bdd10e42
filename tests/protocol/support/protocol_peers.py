"""A Trainer's sessions, and Players played by hand, message by message."""

from __future__ import annotations

import numpy as np

from touchline.protocol import (
    PROTOCOL,
    Beat,
    Hello,
    Limits,
    Outcome,
    Pacing,
    Ready,
    Result,
    SendTo,
    Settled,
    Snapshot,
    Timing,
    TrainerSessions,
    Want,
    Welcome,
    decode,
    encode,
)
from touchline.protocol import messages as m

LIMITS = Limits(max_message_bytes=70_000)
TIMING = Timing(heartbeat_seconds=0.5, dead_seconds=5.0, busy_retry_seconds=2.0)
SPACES = {"observation": {"n": 2}}


class Trainer:
    """Sessions, and what each peer was told."""

    def __init__(self, **options) -> None:
        pacing = Pacing(**{key: options.pop(key) for key in list(options) if key in Pacing.__slots__})
        fields = {"run": "r", "epoch": 1, "seed_of": lambda slot, incarnation: 10 * slot + incarnation}
        self.sessions = TrainerSessions(
            **{**fields, **options}, pacing=pacing, config={"x": 1}, limits=LIMITS, timing=TIMING
        )
        self.now = 0.0

    def split(self, effects: list[object]) -> tuple[list[m.Message], list[object]]:
        said = [effect for effect in effects if isinstance(effect, SendTo)]
        told = [effect for effect in effects if not isinstance(effect, SendTo)]
        return [decode(effect.frames, limits=LIMITS).message for effect in said], told

    def start(self, version: int = 0) -> None:
        self.sessions.set_order(1, "play", {})
        self.publish(version)

    def publish(self, version: int) -> list[m.Message]:
        return self.split(self.sessions.publish(snapshot(version), self.now))[0]

    def settle(
        self, *results: tuple[int, int], outcome: Outcome | None = Outcome.TRAINED, **options
    ) -> list[m.Message]:
        settled = [Settled(slot, seq, outcome) for slot, seq in results]
        said, told = self.split(self.sessions.settle(settled, now=self.now, **options))
        assert told == []
        self.sessions.check()
        return said

    def tick(self, seconds: float) -> list[object]:
        self.now += seconds
        return self.sessions.tick(self.now)

    def row(self, name: str = "p0") -> dict[str, int]:
        return self.sessions.ledger.accounts[name].row()


class Peer:
    """One Player process and its socket."""

    def __init__(
        self, trainer: Trainer, name: str = "p0", *, peer: bytes | None = None, pid: int = 1
    ) -> None:
        self.trainer, self.name, self.peer, self.pid = trainer, name, peer or name.encode(), pid
        self.session = 0
        self.attempt = 0
        self.told: list[object] = []

    def say(self, message: m.Message, arrays: dict[str, np.ndarray] | None = None) -> list[m.Message]:
        return self.raw(encode(message, arrays))

    def raw(self, frames: list[bytes]) -> list[m.Message]:
        said, self.told = self.trainer.split(
            self.trainer.sessions.receive(self.peer, frames, self.trainer.now)
        )
        self.trainer.sessions.check()
        return said

    def hello(self, **changes) -> list[m.Message]:
        self.attempt += 1
        fields = {
            "protocol": PROTOCOL, "touchline": "0.1.0", "python": "3.11", "name": self.name, "host": "h",
            "pid": self.pid, "incarnation": 0, "attempt": self.attempt,
        }  # fmt: skip
        said = self.say(Hello(**{**fields, **changes}))
        if said and isinstance(said[0], Welcome):
            self.session = said[0].session
        return said

    def ready(self, spaces: dict[str, object] = SPACES) -> list[m.Message]:
        return self.say(Ready(session=self.session, spaces=spaces, facts={}))

    def join(self) -> Peer:
        self.hello()
        self.ready()
        return self

    def want(self, seq: int, **changes) -> list[m.Message]:
        return self.say(Want(**{"session": self.session, "seq": seq, "count": 1, "held": None, **changes}))

    def result(self, seq: int, version: int = 0, **changes) -> list[m.Message]:
        fields = {"session": self.session, "seq": seq, "order": 1, "epoch": 1, "version": version, "meta": {}}
        return self.say(Result(**{**fields, **changes}), {"x": np.arange(4)})

    def beat(self, sent: int) -> list[m.Message]:
        return self.say(
            Beat(session=self.session, beat=3, sent=sent, stage="step", stage_seconds=1.0, errors=0)
        )


def snapshot(version: int) -> Snapshot:
    return Snapshot.of(version, {"w": np.full(3, version)})


def kinds(messages: list[m.Message]) -> list[str]:
    return [m.tag(message) for message in messages]
