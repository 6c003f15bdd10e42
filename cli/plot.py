"""``touchline plot``: pictures of one run, or of several on the same axes."""

from __future__ import annotations

from pathlib import Path

import click

from touchline.cli.options import runs_folder


@click.command()
@click.argument("run", nargs=-1, required=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where the PNGs go.  [the run's plots/; of several runs, plots/ beside them]",
)
@runs_folder
def command(run: tuple[str, ...], out: Path | None, runs: Path) -> None:
    """Draw the learning curve, or on a table the error, the lag, the weights and the speed of each RUN, as PNGs.

    RUN is a path, a name, a number, or the beginning of a name. Runs that differ in their seed alone are
    drawn as one line with a band.
    """
    from touchline.record import find_run
    from touchline.record.plots import plot_run

    found = [find_run(ref, runs) for ref in dict.fromkeys(run)]
    folder = out or (found[0].plots if len(found) == 1 else found[0].path.parent / "plots")
    paths = plot_run(found, folder)
    for path in paths:
        click.echo(path)
    if not any(path.name in ("learning.png", "error.png") for path in paths):
        click.echo("no learning.png: no episode has ended yet, so there is no return to draw", err=True)
