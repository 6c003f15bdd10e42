"""Which process a Player is."""

from __future__ import annotations

from dataclasses import dataclass

from touchline.protocol.messages import PROTOCOL, Hello, SnapshotId


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """``name`` is the Player's place in the run; host, pid and incarnation tell its processes apart."""

    name: str
    host: str
    pid: int
    incarnation: int
    touchline: str
    python: str

    def hello(
        self, *, attempt: int, run: str | None, sent: int, acked: int, held: SnapshotId | None
    ) -> Hello:
        """The HELLO of this process, with what it remembers."""
        return Hello(
            protocol=PROTOCOL,
            touchline=self.touchline,
            python=self.python,
            name=self.name,
            host=self.host,
            pid=self.pid,
            incarnation=self.incarnation,
            attempt=attempt,
            run=run,
            sent=sent,
            acked=acked,
            held=held,
        )
