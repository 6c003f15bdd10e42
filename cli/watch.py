"""``touchline watch``: what a run has learnt, in a window or as a video."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from touchline.cli import options
from touchline.cli.flags import ConfigCommand, config_flags
from touchline.cli.restoring import restored

WITHOUT_SCREEN = ("", "dummy", "offscreen")  # drivers of SDL, in which pygame draws
NO_WINDOW = ("video device", "video driver", "x11 not available", "wayland not available", "open display")


@click.command(cls=ConfigCommand)
@click.argument("run")
@click.option("--episodes", type=click.IntRange(1), metavar="N", default=1, help="How many.  [1]")
@click.option("--video", is_flag=True, help="A WebP in the run's videos/ instead of a window.")
@options.sampled
@options.checkpoint
@options.eval_seed
@options.runs_folder
@click.pass_context
def command(
    ctx: click.Context,
    run: str,
    episodes: int,
    video: bool,
    sampled: bool,
    checkpoint: str,
    seed: int,
    runs: Path,
) -> None:
    """Watch RUN play: in a window, or without a display as a WebP whose path is printed.

    RUN is a path, a name, a number, or the beginning of a name. Flags of env.* change the environment.
    """
    from touchline.envs.errors import EnvError
    from touchline.launch.showing import Stage, film, show

    directory, policy = restored(run, runs, checkpoint, config_flags(ctx))
    stage = Stage(policy, seed=seed, greedy=not sampled)
    if not video and has_display():
        try:
            for line in show(stage, episodes=episodes):
                click.echo(line)
        except EnvError as error:
            if not any(word in str(error).lower() for word in NO_WINDOW):
                raise
            click.echo(f"no window could be opened, so a video is made ({error})", err=True)
        else:
            return
    name = f"version-{policy.snapshot.version}-seed-{seed}{'-sampled' if sampled else ''}.webp"
    path = directory.videos / name
    for line in film(stage, path, episodes=episodes):
        click.echo(line)
    click.echo(path)


def has_display() -> bool:
    """Whether a window can be opened, as far as the surroundings say."""
    if os.environ.get("SDL_VIDEODRIVER", "any") in WITHOUT_SCREEN:
        return False
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
