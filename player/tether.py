"""The tie between a Player and the process that started it: the pipe that is its standard input."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable

GRACE_SECONDS = 2.0


def end_with_standard_input(interrupt: Callable[[], None]) -> None:
    """End this process when the pipe to its parent closes, however the parent ended and whatever is being played.

    ``interrupt`` is called first, so that environments may be closed; what has not ended after a moment is cut off.
    """

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        interrupt()
        time.sleep(GRACE_SECONDS)
        _cut_off()

    threading.Thread(target=wait, name="touchline-tether", daemon=True).start()


def _cut_off() -> None:
    """End at once, and with it what the environments started: nobody else may be left to do it."""
    if hasattr(os, "getsid") and os.getsid(0) == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)
