"""The Player processes of ``touchline train``: started, watched, restarted with back-off, ended with the run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.5, 30.0
CALM_SECONDS = 60.0  # a Player that lived so long is restarted as if it had never failed
GRACE_SECONDS = 0.3  # its own last words may still be on their way when a process is seen to have ended
END_SECONDS = 2.0
LOG_TAIL_BYTES = 8_000
ONE_THREAD = {
    name: "1"
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
}


class OnDeath(Protocol):
    """What the supervisor tells of a Player that ended though the run has not."""

    def __call__(self, name: str, *, detail: str, text: str) -> None: ...


@dataclass(slots=True)
class Child:
    """One Player's process, and the one that follows when it dies."""

    name: str
    log: Path
    process: subprocess.Popen[bytes] | None = None
    incarnation: int = 0
    failures: int = 0
    started_at: float = 0.0
    ended_at: float | None = None
    restart_at: float | None = None
    log_start: int = field(default=0)


class Supervisor:
    """Starts ``count`` Players that connect to ``address``. Each ends when its pipe to this process closes."""

    def __init__(
        self, *, count: int, address: str, logs: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = address
        self._clock = clock
        self._children = [Child(f"player-{i}", logs / f"player-{i}.log") for i in range(count)]
        for child in self._children:
            self._start(child)

    @property
    def pids(self) -> list[int]:
        """The processes that live now."""
        return [child.process.pid for child in self._children if child.process is not None]

    def poll(self, on_death: OnDeath) -> None:
        """Notice what died, tell it, and restart what is due. Call it often; it never waits."""
        now = self._clock()
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                child.ended_at = now if child.ended_at is None else child.ended_at
                if now - child.ended_at >= GRACE_SECONDS:
                    self._buried(child, now, on_death)
            elif child.restart_at is not None and now >= child.restart_at:
                child.incarnation += 1
                self._start(child)

    def close(self) -> None:
        """End every Player: close its pipe, wait a moment, kill what is left."""
        living = [child.process for child in self._children if child.process is not None]
        for process in living:
            if process.stdin is not None:
                process.stdin.close()
        until = self._clock() + END_SECONDS
        for process in living:
            try:
                process.wait(max(0.0, until - self._clock()))
            except subprocess.TimeoutExpired:
                _kill_tree(process)
        for child in self._children:
            child.process = child.restart_at = None

    def _start(self, child: Child) -> None:
        command = [
            *(sys.executable, "-P", "-m", "touchline.player"),
            *("--connect", self._address),
            *("--name", child.name),
            *("--incarnation", str(child.incarnation)),
            "--tied",
        ]
        child.log.parent.mkdir(parents=True, exist_ok=True)
        with child.log.open("ab") as log:
            child.log_start = log.tell()
            child.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, **ONE_THREAD},
                start_new_session=True,  # an interrupt at the terminal reaches the Trainer, which ends the Players
            )
        child.started_at, child.ended_at, child.restart_at = self._clock(), None, None

    def _buried(self, child: Child, now: float, on_death: OnDeath) -> None:
        assert child.process is not None
        code = child.process.returncode
        if child.process.stdin is not None:
            child.process.stdin.close()
        child.process = None
        child.failures = 0 if now - child.started_at > CALM_SECONDS else child.failures + 1
        backoff = min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2 ** max(0, child.failures - 1))
        child.restart_at = now + backoff
        text = _tail(child.log, child.log_start)
        on_death(child.name, detail=_what_happened(code, text), text=text)


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    """End a Player that did not end by itself, and what its environments started: simulators outlive it otherwise."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.wait()


def _what_happened(code: int, text: str) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    if "Timeout (" in text:  # faulthandler's own first line
        return "hung: a step or a reset took longer than env.step_timeout"
    last = text.strip().splitlines()[-1] if text.strip() else "no output"
    return f"exit code {code}: {last}"


def _tail(path: Path, start: int) -> str:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(start, file.tell() - LOG_TAIL_BYTES))
        return file.read().decode(errors="replace")
