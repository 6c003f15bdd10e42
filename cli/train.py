"""``touchline train``: a run on this machine, from the command to its summary."""

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
    """Train a policy, with a Trainer in this process and Players in processes of their own.

    CONFIG is a preset's name or a YAML file. Every key of the config is a flag: --players.count 8.
    """
    from touchline.cli.training import start

    return start(config, config_flags(ctx), runs=runs, name=name, no_live=no_live)
