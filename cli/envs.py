"""``touchline envs``: the environments that can be named."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from touchline.cli.exits import OK, USER
from touchline.cli.live_text import short
from touchline.cli.table import table

if TYPE_CHECKING:
    from touchline.envs.listing import Row, WrapperRow

TITLES = ("environment", "solved at", "time limit", "", "")
INDENT = "    "


@click.command()
@click.argument("pattern", required=False)
@click.option("--wrappers", is_flag=True, help="List the wrappers for env.wrappers instead.")
def command(pattern: str | None, wrappers: bool) -> int:
    """List the environments whose id holds PATTERN, or matches it where it has a * or a ?.

    Others are named package.module:Id-v0, package.module:factory or path/file.py:Class.
    """
    from touchline.envs.listing import list_envs, list_wrappers

    if wrappers:
        lines = list(_wrapper_lines(list_wrappers(pattern)))
    else:
        rows = [_cells(row) for row in list_envs(pattern)]
        lines = list(table(TITLES, rows, right=(1, 2))) if rows else []
    if not lines:
        what, verb = ("wrapper", "envs --wrappers") if wrappers else ("environment", "envs")
        click.echo(f"no {what} matches {pattern!r}; 'touchline {verb}' lists them all", err=True)
        return USER
    for line in lines:
        click.echo(line)
    return OK


def _wrapper_lines(rows: Sequence[WrapperRow]) -> Iterator[str]:
    """A wrapper's name and arguments, below them what it does; at the end those that need a package."""
    width = shutil.get_terminal_size().columns
    for row in rows:
        if not row.missing:
            yield from textwrap.wrap(f"{row.name}  {row.arguments}", width, subsequent_indent=INDENT)
            summary = row.summary.replace("``", "")
            yield from textwrap.wrap(summary, width, initial_indent=INDENT, subsequent_indent=INDENT)
    for missing in dict.fromkeys(row.missing for row in rows if row.missing):
        names = ", ".join(row.name for row in rows if row.missing == missing)
        yield from textwrap.wrap(f"not installed: {names}: {missing}", width, subsequent_indent=INDENT)


def _cells(row: Row) -> tuple[str, ...]:
    steps = "" if row.max_episode_steps is None else f"{row.max_episode_steps:,} steps"
    threshold = "" if row.reward_threshold is None else short(row.reward_threshold)
    return row.id, threshold, steps, "vectorised" if row.native else "", _needs(row)


def _needs(row: Row) -> str:
    if row.extra is not None:
        return f"needs touchline's extra {row.extra}"
    return f"needs {row.missing}" if row.missing is not None else ""
