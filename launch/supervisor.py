"""The Player processes of ``touchline train``: started, watched, restarted with back-off, ended with the run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.5, 30.0
CALM_SECONDS = 60.0  # a Player that lived so long is restarted as if it had never failed
GRACE_SECONDS = 0.3  # its own last words may still be on their way when a process is seen to have ended
LEAVE_SECONDS = 1.0  # for Players that were told to stop, before their pipes close
END_SECONDS = 2.5  # a little more than a Player grants itself once its pipe has closed
POLL_SECONDS = 0.005
LOG_TAIL_BYTES = 8_000
PLAYER = (sys.executable, "-P", "-m", "touchline.player")
BLAS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
ONE_THREAD = dict.fromkeys(BLAS, "1")


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
        try:
            for child in self._children:
                self._start(child)
        except OSError:
            self.close(told=())
            raise

    @property
    def pids(self) -> list[int]:
        """The processes that live now."""
        return [child.process.pid for child in self._children if child.process is not None]

    def poll(self, on_death: OnDeath, *, restart: bool = True) -> None:
        """Notice what died, tell it, and restart what is due. Call it often; it never waits.

        With ``restart`` false, because the run is stopping, an end is no death and nothing comes back.
        """
        now = self._clock()
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                if child.ended_at is None:
                    child.ended_at = now
                    _kill_group(child.process)
                if not restart:
                    _close_pipe(child.process)
                    child.process = None
                elif now - child.ended_at >= GRACE_SECONDS:
                    self._buried(child, now, on_death)
            elif restart and child.restart_at is not None and now >= child.restart_at:
                self._restart(child, now, on_death)

    def close(self, *, told: Collection[str] | None = None) -> None:
        """End every Player with all that it started.

        Those ``told`` to stop (names; None: all) may end by themselves for a moment. Then, and for the others at once,
        their pipes close, and what is left a while later is killed. Twice is once.
        """
        living = [(child.name, child.process) for child in self._children if child.process is not None]
        leaving = [process for name, process in living if told is None or name in told]
        for _, process in living:
            if process not in leaving:
                _close_pipe(process)
        self._wait(leaving, LEAVE_SECONDS)
        for process in leaving:
            _close_pipe(process)
        self._wait([process for _, process in living], END_SECONDS)
        for _, process in living:
            if process.poll() is None:
                _kill_tree(process)
            _kill_group(process)
        for child in self._children:
            child.process = child.restart_at = None

    def _wait(self, processes: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
        """Until all have ended, for so long at most."""
        until = self._clock() + seconds
        while any(process.poll() is None for process in processes) and self._clock() < until:
            time.sleep(POLL_SECONDS)

    def _start(self, child: Child) -> None:
        command = [
            *PLAYER,
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

    def _restart(self, child: Child, now: float, on_death: OnDeath) -> None:
        child.incarnation += 1
        try:
            self._start(child)
        except OSError as error:
            self._back_off(child, now, failures=child.failures + 1)
            on_death(child.name, detail=f"cannot be started: {error}", text=str(error))

    def _buried(self, child: Child, now: float, on_death: OnDeath) -> None:
        assert child.process is not None
        code = child.process.returncode
        _close_pipe(child.process)
        child.process = None
        self._back_off(
            child, now, failures=0 if now - child.started_at > CALM_SECONDS else child.failures + 1
        )
        text = _tail(child.log, child.log_start)
        on_death(child.name, detail=_what_happened(code, text), text=text)

    def _back_off(self, child: Child, now: float, *, failures: int) -> None:
        child.failures = failures
        child.restart_at = now + min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2 ** max(0, failures - 1))


def _close_pipe(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End what is left of an ended Player's own session: it is the leader, and simulators outlive it otherwise."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    """End a Player that did not end by itself, and what its environments started, in sessions of their own too."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.wait()


def _what_happened(code: int, text: str) -> str:
    if code < 0:
        return f"killed by {_signal_name(-code)}"
    if "Timeout (" in text:  # faulthandler's own first line
        return "hung: a step or a reset took longer than env.step_timeout"
    last = text.strip().splitlines()[-1] if text.strip() else "no output"
    return f"exit code {code}: {last}"


def _signal_name(number: int) -> str:
    """Its name; most of the real-time signals have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _tail(path: Path, start: int) -> str:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(start, file.tell() - LOG_TAIL_BYTES))
        return file.read().decode(errors="replace")
