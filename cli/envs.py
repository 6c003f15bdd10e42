"""``touchline envs``: the environments that can be named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from touchline.cli.exits import OK, USER
from touchline.cli.live_text import short
from touchline.cli.table import table

if TYPE_CHECKING:
    from touchline.envs.listing import Row

TITLES = ("environment", "solved at", "time limit", "", "")
WRAPPER_TITLES = ("wrapper", "", "arguments")


@click.command()
@click.argument("pattern", required=False)
@click.option("--wrappers", is_flag=True, help="List the wrappers for env.wrappers instead.")
def command(pattern: str | None, wrappers: bool) -> int:
    """List the environments whose id holds PATTERN, or matches it where it has a * or a ?.

    Others are named package.module:Id-v0, package.module:factory or path/file.py:Class.
    """
    from touchline.envs.listing import list_envs, list_wrappers

    titles, right = (WRAPPER_TITLES, ()) if wrappers else (TITLES, (1, 2))
    if wrappers:
        rows: list[tuple[str, ...]] = [
            (row.name, row.summary, row.arguments) for row in list_wrappers(pattern)
        ]
    else:
        rows = [_cells(row) for row in list_envs(pattern)]
    if not rows:
        what, verb = ("wrapper", "envs --wrappers") if wrappers else ("environment", "envs")
        click.echo(f"no {what} matches {pattern!r}; 'touchline {verb}' lists them all", err=True)
        return USER
    for line in table(titles, rows, right=right):
        click.echo(line)
    return OK


def _cells(row: Row) -> tuple[str, ...]:
    steps = "" if row.max_episode_steps is None else f"{row.max_episode_steps:,} steps"
    threshold = "" if row.reward_threshold is None else short(row.reward_threshold)
    return row.id, threshold, steps, "vectorised" if row.native else "", _needs(row)


def _needs(row: Row) -> str:
    if row.extra is not None:
        return f'needs pip install "touchline[{row.extra}]"'
    return f"needs {row.missing}" if row.missing is not None else ""
