"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from touchline.record.checkpoints import Which

runs_folder = click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    default="runs",
    help="Folder of the run directories.  [runs]",
)
named = click.option("--name", metavar="NAME", help="Name of the run directory.  [<n>-<env>-s<seed>]")
no_live_view = click.option("--no-live", is_flag=True, help="Plain lines instead of the live view.")
checkpoint = click.option(
    "--checkpoint", metavar="latest|best|N", default="latest", help="Which version of the weights.  [latest]"
)
sampled = click.option(
    "--sampled", is_flag=True, help="Draw actions from the policy instead of its likeliest."
)
eval_seed = click.option(
    "--seed", type=click.IntRange(0), metavar="N", default=0, help="Seed of the episodes.  [0]"
)


def which(text: str) -> Which:
    """The checkpoint that the text of ``--checkpoint`` means. Raises UsageError."""
    match text:
        case "latest" | "best":
            return text
        case _ if text.isdecimal():
            return int(text)
    raise click.UsageError(f"--checkpoint: expected latest, best or a version, found '{text}'")
