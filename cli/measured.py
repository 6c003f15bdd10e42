"""``touchline eval`` of a run on a table: the error of its network over the rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from touchline.cli.flags import Flag
from touchline.cli.live_text import short
from touchline.cli.options import which
from touchline.cli.restoring import only_env

if TYPE_CHECKING:
    from touchline.launch.measuring import Fitted, Measured
    from touchline.record import RunDirectory

PLAYING = ("episodes", "sampled", "seed")  # options of eval that a table has no use for


def on_table(run: RunDirectory) -> bool:
    """Whether it is one on a table; a run that left no config is not. Raises ConfigError."""
    from touchline.configs import load

    return run.config.exists() and load(run.config).config.table.source is not None


def refuse_playing(ctx: click.Context) -> None:
    """Raises UsageError where an option was given that is about episodes: on a table none are played."""
    for name in PLAYING:
        if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"--{name}: a run on a table plays no episodes; leave it out", ctx)


def measured_text(run: RunDirectory, checkpoint: str, flags: Sequence[Flag], *, as_json: bool) -> str:
    """What a checkpoint's network makes of its table, for people or for programs.

    Raises UsageError, ConfigError, CheckpointError, TableError.
    """
    from touchline.launch.measuring import measure

    for key, _ in only_env(flags, "what was learnt cannot be changed"):
        raise click.UsageError(
            f"--{key}: a run on a table has no environment", click.get_current_context(silent=True)
        )
    fitted = measure(run, which(checkpoint))
    if as_json:
        return json.dumps({"run": run.name, "checkpoint": checkpoint, **asdict(fitted)})
    return "\n".join(_lines(run.name, fitted))


def _lines(name: str, fitted: Fitted) -> Iterator[str]:
    yield click.style(f"{name}, version {fitted.version}: its network on the table {fitted.table}", bold=True)
    yield f"  training  {_measured(fitted.training)}"
    if fitted.test is not None:
        yield f"  test      {_measured(fitted.test)}"
    if fitted.version == 0:
        yield "  note      version 0 is the initial weights: nothing was saved after them"
    if fitted.changed:
        yield "  note      the table is not the one that was trained on: it has changed since"
    if fitted.goal is not None:
        reached = fitted.training.error <= fitted.goal
        word = click.style("reached", fg="green") if reached else click.style("not reached", fg="yellow")
        yield f"  goal      error {fitted.goal:g}: {word}"


def _measured(found: Measured) -> str:
    accuracy = "" if found.accuracy is None else f", accuracy {100 * found.accuracy:.1f} %"
    return f"error {short(found.error)}{accuracy}, of {found.rows:,} rows"
