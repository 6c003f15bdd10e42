"""Training on this machine: the Trainer in this process, its Players in processes of their own, or all in one."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from touchline.configs import Config
from touchline.launch.supervisor import Supervisor
from touchline.protocol.errors import AddressError
from touchline.protocol.machine import TrainerState
from touchline.protocol.transport import TrainerSocket
from touchline.record import RunDirectory, Status, Summary
from touchline.trainer.stopping import Ending

if TYPE_CHECKING:
    from touchline.launch.serial import SerialRun
    from touchline.launch.serial_rounds import SerialRounds
    from touchline.trainer.runtime import TrainerRuntime

SWITCH_SECONDS = 0.0005  # the I/O thread asks for the interpreter lock; the default makes it wait 5 ms
View = Callable[[Callable[[], Status]], contextlib.AbstractContextManager[Any]]


def usable_cores() -> int:
    """The cores that this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def player_count(config: Config) -> int:
    """``players.count``; for ``auto`` one a core, but no more than the law of lag admits."""
    from touchline.trainer.admission import players_admitted

    if config.players.count != "auto":
        return config.players.count
    admitted = players_admitted(config)
    return usable_cores() if admitted is None else max(1, min(usable_cores(), admitted))


def barrier_of(config: Config, count: int) -> int:
    """How many Players must be ready before the first may start: in ``sync`` mode all of them, where that is known."""
    if config.mode != "sync":
        return 1
    if count > 0:
        return count
    return 1 if config.players.count == "auto" else config.players.count


def bind_address(config: Config) -> str | None:
    """The TCP address of ``net.bind`` and ``net.port``; None for the local socket."""
    port = "*" if config.net.port == "auto" else str(config.net.port)
    if config.net.bind == "local":
        return None if config.net.port == "auto" else f"tcp://127.0.0.1:{port}"
    return f"tcp://{config.net.bind}:{port}"


def open_socket(config: Config) -> TrainerSocket:
    """The Trainer's socket as the config says. Raises AddressError."""
    address = bind_address(config)
    return TrainerSocket.local() if address is None else TrainerSocket(address)


def train(
    config: Config,
    run: RunDirectory,
    *,
    factory: bytes | None = None,
    players: int | None = None,
    view: View | None = None,
    began: float | None = None,
    announce: Callable[[str], None] = lambda address: None,
) -> Summary | None:
    """Run to the end: with ``players`` local processes (None: as the config says; 0: none, others may connect).

    Raises RunFailed, AddressError; serial mode also EnvError and SpaceError.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    with threadpool_limits(1):  # one BLAS thread: the cores are the Players'
        if config.mode == "serial":
            return _serial(config, run, factory, view)
        return _processes(config, run, factory, players, view, began, announce)


def _serial(config: Config, run: RunDirectory, factory: bytes | None, view: View | None) -> Summary:
    from touchline.envs.shipping import factory_from_bytes

    made = None if factory is None else factory_from_bytes(factory)
    serial: SerialRun | SerialRounds
    if config.method == "policy_gradient":
        from touchline.launch.serial import SerialRun

        serial = SerialRun(config, run, factory=made)
    else:
        from touchline.launch.serial_rounds import SerialRounds

        serial = SerialRounds(config, run, factory=made)
    with _interruptible(serial.stop), _shown(view, serial.status):
        return serial.run()


def _processes(
    config: Config,
    run: RunDirectory,
    factory: bytes | None,
    players: int | None,
    view: View | None,
    began: float | None,
    announce: Callable[[str], None],
) -> Summary | None:
    with contextlib.ExitStack() as ends:
        socket = open_socket(config)
        ends.callback(socket.close)
        if factory is not None and not socket.address.startswith("ipc://"):
            raise AddressError(
                f"{socket.address}: an environment object travels only over the run's own local socket. Use "
                "net.bind: local, or give env.id as a file or module path, such as path/file.py:Class"
            )
        count = player_count(config) if players is None else players
        supervisor = Supervisor(count=count, address=socket.address, logs=run.logs)
        told: set[str] = set()
        ends.callback(lambda: supervisor.close(told=told))
        # Imported only now: the Players start up meanwhile.
        from touchline.trainer.runtime import TrainerRuntime
        from touchline.trainer.watching import status_source

        runtime = TrainerRuntime(
            config,
            run,
            socket,
            factory=factory,
            admitted=count if players is None else None,
            barrier=barrier_of(config, count),
            own_players=count > 0,
            began=began,
            housekeeping=lambda: supervisor.poll(runtime.player_died, restart=not runtime.stopping),
        )
        announce(socket.address)
        with _interruptible(runtime.stop), _shown(view, status_source(runtime)):
            summary = runtime.run_to_end()
            told |= _told_to_stop(runtime)
            return summary


def _told_to_stop(runtime: TrainerRuntime) -> set[str]:
    """The Players whose sessions the end of the run has met: they know of it, and end by themselves."""
    met = (TrainerState.WELCOMED, TrainerState.PLAYING, TrainerState.LEFT)
    return {row.name for row in runtime.service.view.rows if row.state in met}


@contextlib.contextmanager
def _interruptible(stop: Callable[[Ending], None]) -> Iterator[None]:
    """The first interrupt ends the run in order; a second one, at once; a third is the system's own.

    In serial mode the first is not heard while an environment hangs in a step.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.getsignal(number) for number in _ending_signals()}

    def handle(number: int, frame: FrameType | None) -> None:
        for each in previous:
            signal.signal(each, at_once)
        stop(Ending("interrupted", solved=False))

    def at_once(number: int, frame: FrameType | None) -> None:
        for each, handler in previous.items():
            signal.signal(each, handler)
        raise KeyboardInterrupt  # SIGTERM too: what is known is still written down, and nothing is left behind

    for number in previous:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _ending_signals() -> list[signal.Signals]:
    """Those that ask a run to end. A hangup may be ignored on purpose: nohup does."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    return numbers


def _shown(view: View | None, source: Callable[[], Status]) -> contextlib.AbstractContextManager[Any]:
    return contextlib.nullcontext() if view is None else view(source)
