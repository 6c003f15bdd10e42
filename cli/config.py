"""``touchline config``: the resolved config, and where each value came from."""

from __future__ import annotations

import json

import click

from touchline.cli.confighelp import ConfigHelpCommand
from touchline.cli.flags import config_flags


@click.command(cls=ConfigHelpCommand)
@click.argument("config", required=False)
@click.option("--json-schema", is_flag=True, help="The JSON schema of a config file, for editors.")
@click.pass_context
def command(ctx: click.Context, config: str | None, json_schema: bool) -> None:
    """Show CONFIG as a run would use it: every key, and where each value that is no default came from.

    CONFIG is a preset's name or a YAML file. What is shown can be saved as a file and trained with.
    """
    if json_schema:
        from touchline.configs import json_schema as schema

        click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))
        return
    from touchline.cli.training import load
    from touchline.configs import dump_yaml

    resolved = load(config, config_flags(ctx))
    click.echo(dump_yaml(resolved.config, origin=resolved.origin), nl=False)
