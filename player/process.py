"""A Player process: ``python -P -m touchline.player`` and ``touchline player`` are this."""

from __future__ import annotations

import contextlib
import math
import os
import platform
import signal
import socket
import stat
import sys
import threading
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TextIO

from threadpoolctl import threadpool_limits

from touchline.configs import Config
from touchline.player.link import Link, NoTrainer
from touchline.player.service import Distrusted, PlayerFailed, PlayerService, TurnedAway
from touchline.player.tether import end_with_standard_input
from touchline.player.watchdog import Watchdog
from touchline.protocol.effects import SaidGoodbye
from touchline.protocol.errors import ProtocolError
from touchline.protocol.player_session import Identity

OK, USAGE, FAILED, INTERRUPTED = 0, 2, 3, 130
SWITCH_SECONDS = 0.0005  # the network thread asks for the interpreter lock; the default makes it wait 5 ms
GOODBYE_SECONDS = 2.0
RECONNECT_SECONDS = 60.0  # until a Trainer has said otherwise


@dataclass(frozen=True, slots=True)
class Options:
    """``tied``: end when standard input closes, as the Players of ``touchline train`` do.

    ``reconnect_seconds``: how long to go without a Trainer; None: as the run's config says.
    """

    address: str
    name: str | None = None
    incarnation: int = 0
    reconnect_seconds: float | None = None
    tied: bool = False
    quiet: bool = True


def play(options: Options, *, err: TextIO | None = None) -> int:
    """Play until the run ends; the exit code. What a user should know goes to ``err`` in a line."""
    err = err or sys.stderr
    sys.setswitchinterval(SWITCH_SECONDS)
    if options.tied:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the Trainer is told; the Players end with it
    watchdog = Watchdog(3600.0, sys.__stderr__ or err)
    with threadpool_limits(1):  # one BLAS thread a Player: the cores are the other Players'
        try:
            link = Link(
                options.address,
                _identity(options),
                reconnect_seconds=patience(options),
                watch=watchdog.watch,
            )
        except ProtocolError as error:
            _say(err, str(error))
            return USAGE
        if options.tied:
            end_with_standard_input(link.abandon)
        try:
            return _serve(link, options, watchdog, err)
        finally:
            watchdog.stop()
            link.close()


def patience(options: Options, *, configured: float | None = None) -> float:
    """How many seconds to go without a Trainer; ``configured`` is net.reconnect, once a Trainer has said it.

    A tied Player never gives up: a Trainer may be suspended for hours, and the pipe tells when it has ended.
    """
    if options.tied:
        return math.inf
    if options.reconnect_seconds is not None:
        return options.reconnect_seconds
    return RECONNECT_SECONDS if configured is None else configured


def is_own_socket(address: str) -> bool:
    """Whether whoever listens at the address is this user: a socket of theirs in a folder that only they can enter."""
    transport, _, path = address.partition("://")
    if transport != "ipc" or not hasattr(os, "getuid"):
        return False
    try:
        found, folder = Path(path).lstat(), Path(path).parent.stat()
    except OSError:
        return False
    closed = stat.S_IMODE(folder.st_mode) & 0o077 == 0
    return stat.S_ISSOCK(found.st_mode) and found.st_uid == folder.st_uid == os.getuid() and closed


def _serve(link: Link, options: Options, watchdog: Watchdog, err: TextIO) -> int:
    def say(text: str) -> None:
        if not options.quiet:
            _say(err, text)

    def configured(config: Config) -> None:
        watchdog.set_timeout(config.env.step_timeout)
        link.reconnect_for(patience(options, configured=config.net.reconnect))
        say(f"joined: {config.target}")

    service = PlayerService(
        link,
        trusted=lambda: options.tied or is_own_socket(options.address),
        on_config=configured,
        on_wait=lambda why: say(f"waiting: {why}"),
    )
    say(f"looking for a Trainer at {options.address}")
    link.start()
    try:
        service.run()
    except PlayerFailed as error:
        _drain(link)
        _say(err, str(error))
        return FAILED if error.failure.kind == "play" else USAGE
    except (TurnedAway, NoTrainer, ProtocolError) as error:
        if isinstance(error, Distrusted):
            _drain(link)
        _say(err, str(error))
        return USAGE
    except KeyboardInterrupt:
        link.bye("interrupted")
        _drain(link)
        return INTERRUPTED
    say("the run has ended")
    return OK


def _drain(link: Link) -> None:
    """Let what was said last go out: until the Trainer has answered, or a moment has passed."""
    timer = threading.Timer(GOODBYE_SECONDS, link.abandon)
    timer.start()
    with contextlib.suppress(Exception):
        for event in link.events():
            if isinstance(event, SaidGoodbye):
                break
    timer.cancel()


def _identity(options: Options) -> Identity:
    host, pid = socket.gethostname(), os.getpid()
    return Identity(
        name=options.name or f"{host}-{pid}",
        host=host,
        pid=pid,
        incarnation=options.incarnation,
        touchline=_version(),
        python=platform.python_version(),
    )


def _version() -> str:
    try:
        return version("touchline")
    except PackageNotFoundError:
        return "unknown"


def _say(err: TextIO, text: str) -> None:
    err.write(f"touchline player: {text}\n")
    err.flush()
