"""A Player process: ``python -P -m touchline.player`` and ``touchline player`` are this."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TextIO

from threadpoolctl import threadpool_limits

from touchline.configs import Config
from touchline.player.link import Link, NoTrainer
from touchline.player.service import PlayerFailed, PlayerService, TurnedAway
from touchline.player.watchdog import Watchdog
from touchline.protocol.effects import SaidGoodbye
from touchline.protocol.errors import ProtocolError
from touchline.protocol.player_session import Identity

OK, USAGE, FAILED, INTERRUPTED = 0, 2, 3, 130
SWITCH_SECONDS = 0.0005  # the network thread asks for the interpreter lock; the default makes it wait 5 ms
GOODBYE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Options:
    """``tied``: end when standard input closes, as the Players of ``touchline train`` do."""

    address: str
    name: str | None = None
    incarnation: int = 0
    reconnect_seconds: float = 60.0
    tied: bool = False
    quiet: bool = True


def play(options: Options, *, err: TextIO | None = None) -> int:
    """Play until the run ends; the exit code. What a user should know goes to ``err`` in a line."""
    err = err or sys.stderr
    sys.setswitchinterval(SWITCH_SECONDS)
    if options.tied:
        _end_with_standard_input()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the Trainer is told; the Players end with it
    watchdog = Watchdog(3600.0, sys.__stderr__ or err)
    with threadpool_limits(1):  # one BLAS thread a Player: the cores are the other Players'
        try:
            link = Link(
                options.address,
                _identity(options),
                reconnect_seconds=options.reconnect_seconds,
                watch=watchdog.watch,
            )
        except ProtocolError as error:
            _say(err, str(error))
            return USAGE
        try:
            return _serve(link, options, watchdog, err)
        finally:
            watchdog.stop()
            link.close()


def _serve(link: Link, options: Options, watchdog: Watchdog, err: TextIO) -> int:
    def configured(config: Config) -> None:
        watchdog.set_timeout(config.env.step_timeout)
        if not options.quiet:
            _say(err, f"joined: {config.env.id}")

    link.start()
    try:
        PlayerService(link, on_config=configured).run()
    except PlayerFailed as error:
        _drain(link)
        _say(err, str(error))
        return FAILED if error.failure.kind == "play" else USAGE
    except (TurnedAway, NoTrainer, ProtocolError) as error:
        _say(err, str(error))
        return USAGE
    except KeyboardInterrupt:
        link.bye("interrupted")
        _drain(link)
        return INTERRUPTED
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


def _end_with_standard_input() -> None:
    """End this process when the pipe to its parent closes, however the parent ended and whatever is being played."""

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        os._exit(OK)

    threading.Thread(target=wait, name="touchline-tether", daemon=True).start()


def _say(err: TextIO, text: str) -> None:
    err.write(f"touchline player: {text}\n")
    err.flush()
