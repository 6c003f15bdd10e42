"""A run with its record: what is written around ``launch.local.train``, however the run ends."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
import time
import traceback
from collections.abc import Callable, Iterator

import msgspec

from touchline.configs import Resolved, dump_yaml
from touchline.launch.beforehand import look_up
from touchline.launch.local import View, train
from touchline.protocol.errors import AddressError
from touchline.protocol.ledger import Ledger
from touchline.record import (
    LedgerSummary,
    RecordError,
    RunDirectory,
    Status,
    Summary,
    checkpoint_versions,
    environment_facts,
)
from touchline.trainer.failures import RunFailed, failed_in_training

STATUS_SECONDS = 1.0
SETUP = 2  # the exit code of a failure before anything was played
USERS_OWN = frozenset(  # what a file system refuses without a fault of ours
    (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.ENAMETOOLONG)
)


class Crashed(Exception):
    """A fault of touchline's own ended the run; ``path`` is where its traceback is kept."""

    def __init__(self, headline: str, path: os.PathLike[str]) -> None:
        super().__init__(headline)
        self.path = path


def train_into(
    run: RunDirectory,
    resolved: Resolved,
    *,
    command: str,
    factory: bytes | None = None,
    players: int | None = None,
    view: View | None = None,
    announce: Callable[[str], None] = lambda address: None,
    began: float | None = None,
) -> Summary:
    """Train and leave the whole record in ``run``, summary.json last, after an interrupt or a failure too.

    A run that fails before training began (environment, address) leaves no directory. Raises RunFailed
    (its summary is set), EnvError, SpaceError, AddressError, and Crashed for what is no fault of the user.
    """
    from touchline.envs.errors import EnvError
    from touchline.policy.spaces import SpaceError

    began = time.perf_counter() if began is None else began
    keeper = Keeper(run, resolved, command=command, view=view)
    try:
        if players != 0:  # those that join from elsewhere may have what this machine has not
            look_up(resolved.config)
        summary = train(
            resolved.config,
            run,
            factory=factory,
            players=players,
            view=keeper.shown,
            announce=announce,
            began=began,
        )
    except KeyboardInterrupt:  # before the run could be asked to end, or a second one
        summary = keeper.partial("interrupted", began, played=keeper.last is not None)
    except RunFailed as error:
        if error.exit_code == SETUP and error.summary is None and not _began(run):
            _discard(run)
            raise
        error.summary = error.summary or keeper.partial(f"failed: {error.headline}", began)
        run.write_summary(error.summary)
        raise
    except (EnvError, SpaceError, AddressError) as error:
        if _began(run):
            raise _failed_late(keeper, error, began) from error
        _discard(run)
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in USERS_OWN:
            raise
        raise _crashed(keeper, error, began) from error
    finally:
        if run.path.exists():
            run.flush()  # however it ended: what was counted is not lost
    summary = summary or keeper.partial("interrupted", began, played=False)
    run.write_summary(summary)
    return summary


class Keeper:
    """Writes what a run leaves beside its metrics: its origin once, status.json every second."""

    def __init__(self, run: RunDirectory, resolved: Resolved, *, command: str, view: View | None) -> None:
        self.run = run
        self.last: Status | None = None
        self._resolved, self._command, self._view = resolved, command, view
        self._source: Callable[[], Status] | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._finished = False

    @contextlib.contextmanager
    def shown(self, source: Callable[[], Status]) -> Iterator[None]:
        """While the run goes on. The Players start up meanwhile: what is written here costs no time."""
        self._source = source
        self._write_origin()
        thread = threading.Thread(target=self._write_statuses, name="touchline-status", daemon=True)
        thread.start()
        try:
            with contextlib.nullcontext() if self._view is None else self._view(self.status):
                try:
                    yield
                finally:
                    self._finished = True  # before the view draws its last picture
        finally:
            self._stopping.set()
            thread.join()
            self.run.write_status(self.status())

    def status(self) -> Status:
        """The run at this moment; for the view's thread and for ours."""
        assert self._source is not None
        with self._lock:
            status = self._source()
            if self._finished:
                status = msgspec.structs.replace(status, state="finished", eta_seconds=None)
            self.last = status
            return status

    def partial(self, reason: str, began: float, *, played: bool = True) -> Summary:
        """The summary of a run that could not make its own: the last status.

        What became of its results is not known (an empty ledger), unless none was ``played`` at all.
        """
        account = Ledger().report()
        none_sent = LedgerSummary(total=dict(account["total"]), players={})
        status = self.last or Status(run=self.run.name, env=self._resolved.config.target)
        return Summary(
            run=status.run,
            env=status.env,
            seed=self._resolved.config.seed,
            solved=False,
            reason=reason,
            wall_seconds=time.perf_counter() - began,
            steps=status.steps,
            episodes=status.episodes,
            updates=status.updates,
            gradient_steps=status.gradient_steps,
            version=status.version,
            steps_per_second=status.steps_per_second or None,
            return_mean_100=status.return_mean,
            return_best=status.return_best,
            lag=status.lag,
            ledger=LedgerSummary(total={}, players={}) if played else none_sent,
            bottleneck="unknown: the run did not end in order",
            method=msgspec.UNSET if status.objective is None else status.method,
            objective=msgspec.UNSET if status.objective is None else status.objective,
        )

    def _write_origin(self) -> None:
        config, run = self._resolved.config, self.run
        run.write_text("config.yaml", dump_yaml(config))
        run.write_text("command.txt", self._command + "\n")
        run.write_json("origin.json", self._resolved.origin)

    def _write_statuses(self) -> None:
        self.run.write_json("environment.json", environment_facts())
        while not self._stopping.wait(STATUS_SECONDS):
            with contextlib.suppress(OSError):  # a full disk is told once, by the thread that can end the run
                self.run.write_status(self.status())


def _discard(run: RunDirectory) -> None:
    """Nothing was played: what is left would only take a number."""
    shutil.rmtree(run.path, ignore_errors=True)


def _began(run: RunDirectory) -> bool:
    """Whether training began: version 0 is saved first of all."""
    return bool(checkpoint_versions(run))


def _failed_late(keeper: Keeper, error: Exception, began: float) -> RunFailed:
    """What would be an error of setting up, had it come before anything was learnt: nothing is thrown away now."""
    failed = failed_in_training(error, keeper.run, advice="")
    failed.summary = keeper.partial(f"failed: {failed.headline}", began)
    keeper.run.write_summary(failed.summary)
    return failed


def _crashed(keeper: Keeper, error: Exception, began: float) -> Crashed:
    headline = f"{type(error).__name__}: {error}"
    text = "".join(traceback.format_exception(error))
    path = keeper.run.crash("touchline", {"error": headline}, text)
    with contextlib.suppress(OSError, RecordError):
        keeper.run.write_summary(keeper.partial(f"crashed: {headline}", began))
    return Crashed(headline, path)
