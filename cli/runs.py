"""``touchline runs``: the runs of a folder, a line each."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchline.cli.live_text import MISSING, clock, count, number, plain_line, short
from touchline.cli.options import runs_folder
from touchline.cli.table import table

if TYPE_CHECKING:
    from touchline.record.listing import RunRow

TITLES = ("run", "environment", "state", "return", "goal", "steps", "episodes", "time", "last seen")
WITH_TABLES = ("run", "target", "state", "measure", "goal", "work", *TITLES[6:])
RIGHT = (3, 4, 5, 6, 7, 8)
ROWS = "row evaluations"
LIMITS = {
    "rounds": "round limit",
    "steps": "step limit",
    "minutes": "time limit",
}  # why a run that was not solved ended
FAILED, WHY_WIDTH = ("failed", "crashed"), 200
MINUTE, HOUR, DAY = 60, 3600, 86_400


@click.command()
@runs_folder
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for programs.")
def command(runs: Path, as_json: bool) -> None:
    """List the runs: what each trained, how it ended, and what it reached."""
    from touchline.record.listing import run_rows

    now = time.time()
    rows = run_rows(runs, now=now)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows]))
    elif not rows:
        click.echo(f"{runs} holds no runs yet. Start one with: touchline train cartpole")
    else:
        tables = any(row.unit == ROWS for row in rows)
        cells = [_cells(row, now, tables=tables) for row in rows]
        for line in table(WITH_TABLES if tables else TITLES, cells, right=RIGHT):
            click.echo(line)
        for row in rows:
            if why := _why(row):
                click.echo(f"{row.name} {why}")


def _cells(row: RunRow, now: float, *, tables: bool) -> tuple[str, ...]:
    """``tables``: whether there are some among the rows, so that each says what its measure is."""
    return (
        row.name,
        row.env or MISSING,
        _state(row),
        *_reached(row, tables=tables),
        MISSING if row.steps is None else f"{count(row.steps)}{' rows' if row.unit == ROWS else ''}",
        MISSING if row.episodes is None or row.unit == ROWS else count(row.episodes),
        MISSING if row.seconds is None else clock(row.seconds),
        _ago(now - row.modified),
    )


def _reached(row: RunRow, *, tables: bool) -> tuple[str, str]:
    """What it came to, and the goal: the mean return, or of a table's run the least error, called that."""
    if row.unit != ROWS:
        return f"{'return ' if tables else ''}{number(row.return_mean)}", short(row.return_goal)
    return f"error {short(row.error)}", short(row.error_goal)


def _state(row: RunRow) -> str:
    """The word before the colon of a reason: the numbers after it have columns of their own."""
    word = row.state.partition(":")[0]
    word = LIMITS.get(word, word)
    colours = {"solved": "green", "training": "cyan", "starting": "cyan", "lost": "red", "failed": "red"}
    return click.style(word, fg=colours.get(word))


def _why(row: RunRow) -> str:
    """How a run failed, on one line; empty for those that did not."""
    word, _, reason = row.state.partition(":")
    said = plain_line(reason)
    return (
        f"{word}: {said[:WHY_WIDTH]}{'...' if len(said) > WHY_WIDTH else ''}"
        if word in FAILED and said
        else ""
    )


def _ago(seconds: float) -> str:
    if seconds < MINUTE:
        return "now"
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= unit:
            return f"{seconds // unit:.0f} {name} ago"
    return "now"
