"""``touchline trainer``: a Trainer alone, whose Players are started by hand."""

from __future__ import annotations

from pathlib import Path

import click

from touchline.cli.confighelp import ConfigHelpCommand
from touchline.cli.flags import config_flags
from touchline.cli.options import named, no_live_view, runs_folder


@click.command(cls=ConfigHelpCommand)
@click.argument("config", required=False)
@runs_folder
@named
@no_live_view
@click.pass_context
def command(ctx: click.Context, config: str | None, runs: Path, name: str | None, no_live: bool) -> int:
    """Start a Trainer alone. It waits for Players, which may come, go and come back at any time.

    CONFIG is a preset's name or a YAML file. Every key of the config is a flag: --net.port 5555.
    """
    from touchline.cli.training import start

    return start(
        config, config_flags(ctx), runs=runs, name=name, no_live=no_live, players=0, announce=_announce
    )


def _announce(address: str) -> None:
    """The line to type for a Player, before anything else is shown."""
    click.echo(f"Waiting for Players at {address}. To start one:\n\n  touchline player --connect {address}\n")
