"""What ``train`` and ``trainer`` share: load, make the run directory, train, report."""

from __future__ import annotations

import shlex
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from touchline.cli.exits import INTERRUPTED, OK
from touchline.cli.flags import Flag

if TYPE_CHECKING:
    from touchline.configs import Config, Resolved
    from touchline.record import RunDirectory, Status, Summary

FILE_WIDTH = 1000
TARGETS = ("env", "env.id", "table", "table.source")  # flags that may name what to train on


def start(
    config: str | None,
    flags: tuple[Flag, ...],
    *,
    runs: Path,
    name: str | None,
    no_live: bool,
    players: int | None = None,
    announce: Callable[[str], None] = lambda address: None,
) -> int:
    """Run, report, and return the exit code. Raises what ``train_into`` raises, once it is reported."""
    began = time.perf_counter()
    resolved = load(config, flags)

    # Imported in this order, and rich not before the Players start: until then they cost wall time.
    from touchline.launch.recording import train_into
    from touchline.trainer.failures import RunFailed

    run = _made(runs, resolved, name)
    told = False  # where the run is kept

    def view(source: Callable[[], Status]) -> AbstractContextManager[Any]:
        nonlocal told
        told = True
        return _view(source, resolved, run, no_live=no_live, players=players)

    command = shlex.join(["touchline", *sys.argv[1:]])
    try:
        summary = train_into(
            run, resolved, command=command, players=players, view=view, announce=announce, began=began
        )
    except RunFailed as error:
        if error.summary is not None:
            _report(run, error.summary, resolved.config)
        raise
    finally:
        if told and not run.path.exists():
            click.echo(f"nothing was played: {run.path} is not kept", err=True)
    _report(run, summary, resolved.config)
    return INTERRUPTED if summary.reason == "interrupted" else OK


def load(config: str | None, flags: tuple[Flag, ...]) -> Resolved:
    """The config of a command line. Raises ConfigError, and UsageError where nothing names what to train on."""
    from touchline.configs import load as load_config

    if config is None and not any(key in TARGETS for key, _ in flags):
        from touchline.cli.keyhelp import preset_lines

        asked = "expected a config: a preset, a YAML file, --env.id ENVIRONMENT or --table.source TABLE"
        raise click.UsageError(
            "\n".join([asked, *preset_lines(_width())]), click.get_current_context(silent=True)
        )
    return load_config(config, flags)


def _made(runs: Path, resolved: Resolved, name: str | None) -> RunDirectory:
    """The run's directory. Raises RunExists, RunNameError, and ClickException where it cannot be made."""
    from touchline.record import RunDirectory

    config = resolved.config
    try:
        return RunDirectory.create(runs, env=config.target, seed=config.seed, name=name)
    except OSError as error:
        raise click.ClickException(f"{error.filename or runs}: cannot be made: {error.strerror}") from None


def _view(
    source: Callable[[], Status], resolved: Resolved, run: RunDirectory, *, no_live: bool, players: int | None
) -> AbstractContextManager[Any]:
    from rich.console import Console

    from touchline.cli.live import open_view

    config = resolved.config
    for line in _facts(config, run, players):
        click.echo(line)
    for line in unused(resolved):
        click.echo(line)
    return open_view(source, console=Console(), live=False if no_live else config.log.live)


def unused(resolved: Resolved) -> Iterator[str]:
    """What was set and does nothing beside a network of one's own, or without one: a line each."""
    network = resolved.config.policy.network
    keys = ("policy.network_kwargs",) if network is None else ("policy.hidden", "policy.activation")
    why = (
        "there is no policy.network" if network is None else f"policy.network: {network} stands in its place"
    )
    for key in keys:
        origin = resolved.origin[key]
        if origin != "default":
            yield f"{key} ({origin}) is not used: {why}"
    timeout = resolved.origin["env.step_timeout"]
    if resolved.config.mode == "serial" and timeout != "default":
        yield f"env.step_timeout ({timeout}) is not used: mode serial has no watchdog; two interrupts end a hung step"


def _facts(config: Config, run: RunDirectory, players: int | None) -> Iterator[str]:
    """What was resolved, before the first step is played."""
    from touchline.cli.deciding import deciding, mode

    facts = [config.target, *mode(config), _players(config, players), *deciding(config)]
    yield from textwrap.wrap(", ".join(facts), _width())
    yield f"in {run.path}"


def _width() -> int:
    """Of the terminal; in a file or a pipe a line may be as long as it is."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else FILE_WIDTH


def _players(config: Config, players: int | None) -> str:
    from touchline.launch.local import player_count

    if players is not None:
        return "Players that join"
    serial_auto = config.mode == "serial" and config.players.count == "auto"
    count = 1 if serial_auto else player_count(config)
    return f"{count} Player{'s' if count > 1 else ''}"


def _report(run: RunDirectory, summary: Summary, config: Config) -> None:
    from touchline.cli.report import Ended, report

    for line in report(summary, Ended.of(run, config), width=_width()):
        click.echo(line)
