"""Ends a Player whose environment hangs, even one that never gives the interpreter lock back."""

from __future__ import annotations

import faulthandler
import threading
import time
from typing import TextIO

MARGIN_SECONDS = 1.0


class Watchdog:
    """A timer in C (faulthandler's) that writes every thread's traceback and ends the process.

    The network thread arms it anew while the play loop moves. When the loop stands still in a step or a reset
    it is left to run out: it needs no interpreter lock, so neither does the end. ``out`` must have a descriptor.
    """

    WATCHED = ("playing", "evaluating", "building")

    def __init__(self, timeout_seconds: float, out: TextIO) -> None:
        self._timeout = timeout_seconds
        self._out = out
        self._armed_for: float | None = None
        self._armed_at = 0.0
        self._lock = threading.Lock()

    def set_timeout(self, seconds: float) -> None:
        """How long a step or a reset may take from now on."""
        self._timeout = seconds
        self._armed_for = None

    def watch(self, stage: str, since: float) -> None:
        """The play loop is at ``stage`` since ``since`` (time.monotonic). Called every fraction of a second."""
        with self._lock:
            if stage in self.WATCHED:
                self._arm(since)
            else:
                self._disarm()

    def stop(self) -> None:
        """Nothing is watched until the next ``watch``."""
        with self._lock:
            self._disarm()

    def _arm(self, since: float) -> None:
        now = time.monotonic()
        if since == self._armed_for or (
            self._armed_for is not None and now - self._armed_at < MARGIN_SECONDS
        ):
            return
        # The thread that arms may be stopped by the very hang it watches for: what is left to run out must be long
        # enough for a loop that goes on, and short enough for one that does not.
        left = max(self._timeout - (now - since), MARGIN_SECONDS) + MARGIN_SECONDS
        faulthandler.dump_traceback_later(left, exit=True, file=self._out)
        self._armed_for, self._armed_at = since, now

    def _disarm(self) -> None:
        if self._armed_for is not None:
            faulthandler.cancel_dump_traceback_later()
            self._armed_for = None
