"""Ends a Player whose environment hangs, even one that never gives the interpreter lock back."""

from __future__ import annotations

import faulthandler
import time
from typing import TextIO

MARGIN_SECONDS = 1.0


class Watchdog:
    """A timer in C (faulthandler's) that writes every thread's traceback and ends the process.

    The network thread arms it anew while the play loop moves. When the loop stands still in a step or a reset
    it is left to run out: it needs no interpreter lock, so neither does the end. ``out`` must have a descriptor.
    """

    WATCHED = ("playing", "building")

    def __init__(self, timeout_seconds: float, out: TextIO) -> None:
        self._timeout = timeout_seconds
        self._out = out
        self._armed_for: float | None = None
        self._armed_at = 0.0

    def set_timeout(self, seconds: float) -> None:
        """How long a step or a reset may take from now on."""
        self._timeout = seconds
        self._armed_for = None

    def watch(self, stage: str, since: float) -> None:
        """The play loop is at ``stage`` since ``since`` (time.monotonic). Called every fraction of a second."""
        if stage not in self.WATCHED:
            self.stop()
            return
        now = time.monotonic()
        if since == self._armed_for or now - self._armed_at < MARGIN_SECONDS:
            return
        # The thread that arms may be stopped by the very hang it watches for: what is left to run out must be long
        # enough for a loop that goes on, and short enough for one that does not.
        faulthandler.dump_traceback_later(
            max(self._timeout - (now - since), MARGIN_SECONDS) + MARGIN_SECONDS, exit=True, file=self._out
        )
        self._armed_for, self._armed_at = since, now

    def stop(self) -> None:
        """Nothing is watched until the next ``watch``."""
        if self._armed_for is not None:
            faulthandler.cancel_dump_traceback_later()
            self._armed_for = None
