"""What ``train`` and ``trainer`` share: load, make the run directory, train, report."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from touchline.cli.flags import Flag

if TYPE_CHECKING:
    from touchline.configs import Config, Resolved
    from touchline.record import RunDirectory, Status


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
    from touchline.record import RunDirectory
    from touchline.trainer.failures import RunFailed

    run = RunDirectory.create(runs, env=resolved.config.env.id, seed=resolved.config.seed, name=name)

    def view(source: Callable[[], Status]) -> AbstractContextManager[Any]:
        return _view(source, resolved.config, run, no_live=no_live, players=players)

    command = shlex.join(["touchline", *sys.argv[1:]])
    try:
        summary = train_into(
            run, resolved, command=command, players=players, view=view, announce=announce, began=began
        )
    except RunFailed as error:
        if error.summary is not None:
            _report(run, error.summary, resolved.config)
        raise
    return _report(run, summary, resolved.config)


def load(config: str | None, flags: tuple[Flag, ...]) -> Resolved:
    """The config of a command line. Raises ConfigError, and UsageError where nothing names an environment."""
    from touchline.configs import load as load_config
    from touchline.configs import preset_names

    if config is None and not any(key in ("env", "env.id") for key, _ in flags):
        names = ", ".join(preset_names())
        raise click.UsageError(
            f"expected a config: a preset ({names}), a YAML file, or --env.id ENVIRONMENT",
            click.get_current_context(silent=True),
        )
    return load_config(config, flags)


def _view(
    source: Callable[[], Status], config: Config, run: RunDirectory, *, no_live: bool, players: int | None
) -> AbstractContextManager[Any]:
    from rich.console import Console

    from touchline.cli.live import open_view

    click.echo(_facts(config, run, players))
    return open_view(source, console=Console(), live=False if no_live else config.log.live)


def _facts(config: Config, run: RunDirectory, players: int | None) -> str:
    """What was resolved, in a line, before the first step is played."""
    from touchline.configs import resolve_gradient
    from touchline.launch.local import player_count

    trainer = config.trainer
    started = player_count(config) if players is None else "those that join"
    if config.mode == "serial":
        started = 1 if config.players.count == "auto" else config.players.count
    facts = {
        "env": config.env.id,
        "mode": config.mode,
        "players": started,
        "algorithm": f"{trainer.algorithm}, {trainer.advantage}",
        "gradient": resolve_gradient(config),
        "correction": config.staleness.correction,
        "run": run.path,
    }
    return "  ".join(f"{click.style(name, dim=True)} {value}" for name, value in facts.items())


def _report(run: RunDirectory, summary: Any, config: Config) -> int:
    from touchline.cli.exits import INTERRUPTED, OK
    from touchline.cli.report import report

    for line in report(summary, path=run.path, max_lag=config.staleness.max_lag):
        click.echo(line)
    return INTERRUPTED if summary.reason == "interrupted" else OK
