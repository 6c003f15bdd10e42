"""A Player's results: those it may start, those it has sent, and those it may have to send again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from touchline.protocol.codec import Array, ArraySpec, Frame, describe
from touchline.protocol.effects import Granted
from touchline.protocol.errors import LocalError, RemoteError
from touchline.protocol.limits import Limits
from touchline.protocol.messages import Result, Scalar
from touchline.protocol.parts import split_frames


@dataclass(frozen=True, slots=True)
class _Kept:
    """A result that is not acknowledged yet; its header is written anew for each session it is sent in."""

    granted: Granted
    meta: dict[str, Scalar]
    specs: tuple[ArraySpec, ...]
    frames: list[Frame]


class Outbox:
    """Numbers below ``acked`` have arrived, below ``sent`` are made, below ``started`` are granted.

    ``generation`` counts how often the numbers began anew: a grant of an earlier one is void.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._grants: list[Granted] = []
        self._kept: dict[int, _Kept] = {}
        self._resent: tuple[int, float] | None = None
        self.generation = 0
        self.acked = self.sent = self.started = 0

    def __len__(self) -> int:
        return len(self._kept)

    def begin_anew(self, first: int) -> None:
        """Forgets all results and grants; numbers go on from ``first``."""
        self.generation += 1
        self.acked = self.sent = self.started = first
        self._kept.clear()
        self._grants.clear()

    def grant(self, granted: Granted) -> None:
        """These results may be started."""
        self._grants.append(granted)
        self.started += granted.count

    def put(
        self, granted: Granted, arrays: Mapping[str, Array], meta: Mapping[str, Scalar], *, session: int
    ) -> list[list[Frame]]:
        """Numbers a result and keeps it; the messages to send. Nothing is counted where it raises."""
        if granted not in self._grants or not granted.seq <= self.sent < granted.seq + granted.count:
            raise LocalError(f"result {self.sent} is not one of {granted}")
        kept = _Kept(granted, dict(meta), *describe(arrays))
        messages = self._encode(self.sent, kept, session)
        self._kept[self.sent] = kept
        self.sent += 1
        if self.sent == granted.seq + granted.count:
            self._grants.remove(granted)
        return messages

    def acknowledge(self, upto: int) -> None:
        """Every result below ``upto`` has arrived. Raises ``RemoteError`` for one that was never sent."""
        if upto > self.sent:
            raise RemoteError(f"ACK: next is {upto}, but only {self.sent} results were sent")
        for seq in range(self.acked, upto):
            self._kept.pop(seq, None)
        self.acked = max(self.acked, upto)

    def resend(self, *, session: int, now: float) -> list[list[Frame]]:
        """All that is kept, as messages of this session."""
        self._resent = (self.acked, now)
        kept = sorted(self._kept.items())
        return [frames for seq, result in kept for frames in self._encode(seq, result, session)]

    def just_resent(self, upto: int, *, now: float, within_seconds: float) -> bool:
        """Whether everything from ``upto`` was sent again a moment ago.

        All that is sent past a gap is refused, each with a NACK; one resend answers them all.
        """
        if self._resent is None:
            return False
        start, at = self._resent
        return start == upto and now - at < within_seconds

    def _encode(self, seq: int, kept: _Kept, session: int) -> list[list[Frame]]:
        result = Result(
            session=session,
            seq=seq,
            order=kept.granted.order,
            epoch=kept.granted.epoch,
            version=kept.granted.version,
            meta=kept.meta,
        )
        return split_frames(result, kept.specs, kept.frames, limits=self._limits)
