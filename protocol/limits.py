"""The numbers that bound what a peer can make us hold, and how long silence is patience."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB

MAX_HEADER_BYTES = 64 * KIB
"""What a header may have at most. Headers are read before anything about them is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what is read from the wire; everything is checked before it is allocated.

    A whole message stays at or below ``max_message_bytes``: a long one hides whatever is queued behind it,
    and a large frame on a slow link starves the heartbeats. What is larger goes in parts, up to
    ``max_result_bytes`` together.
    """

    max_header_bytes: int = MAX_HEADER_BYTES
    max_message_bytes: int = 8 * MIB
    max_result_bytes: int = 512 * MIB
    max_arrays: int = 256
    max_dimensions: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How often a Player speaks, and how long a silence either side takes for death."""

    heartbeat_seconds: float = 0.5
    dead_seconds: float = 10.0
    busy_retry_seconds: float = 2.0
