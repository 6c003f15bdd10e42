"""From the words of a command line to a run's policy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchline.cli.flags import Flag
from touchline.cli.options import which

if TYPE_CHECKING:
    from touchline.launch.restore import Restored
    from touchline.record import RunDirectory


def restored(ref: str, runs: Path, checkpoint: str, flags: Sequence[Flag]) -> tuple[RunDirectory, Restored]:
    """The run, and the policy of one of its checkpoints on its environment, changed as ``flags`` say.

    Raises UsageError, RunNotFound, ConfigError, CheckpointError.
    """
    from touchline.launch.restore import restore
    from touchline.record import find_run

    only_env(flags, "what was learnt cannot be changed, only env.* can")
    wanted = which(checkpoint)
    run = find_run(ref, runs)
    return run, restore(run, wanted, overrides=flags)


def only_env(flags: Sequence[Flag], reason: str) -> Sequence[Flag]:
    """The flags, all of which are about the environment. Raises UsageError for any other."""
    for key, _ in flags:
        if key.partition(".")[0] != "env":
            raise click.UsageError(f"--{key}: {reason}", click.get_current_context(silent=True))
    return flags
