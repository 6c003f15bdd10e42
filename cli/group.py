"""The group of verbs: their names and one line each here, their modules only when called."""

from __future__ import annotations

import importlib
from typing import Any

import click

VERBS = {
    "train": "Train a policy: starts a Trainer and its Players, and stops when it is solved.",
    "eval": "Play episodes with what a run has learnt, or measure it on its table.",
    "watch": "See what a run has learnt, in a window or as a video.",
    "plot": "Draw learning curves, lag, speed and weights of one run or several.",
    "runs": "List the runs.",
    "config": "Show a config resolved, with where each value came from.",
    "envs": "List the environments that can be named.",
    "check": "Try an environment, or a network of your own, and say what is wrong with it.",
    "trainer": "Start a Trainer alone; Players come by 'touchline player'.",
    "player": "Start a Player that joins a Trainer.",
}
HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Verbs(click.Group):
    """Lists the verbs without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"touchline.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """An unknown verb is refused with the nearest one."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise click.UsageError(f"no verb {args[0]!r}. {_meant(args[0])}", ctx)
        return super().resolve_command(ctx, args)


def _meant(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, VERBS, n=1)
    if near:
        return f"Did you mean '{near[0]}'?"
    from touchline.configs import preset_names

    if word in preset_names() or word.endswith((".yaml", ".yml")):
        return f"Did you mean 'touchline train {word}'?"
    return f"Verbs: {', '.join(VERBS)}"


def _print_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"touchline {version('touchline')}")
        ctx.exit()


@click.group(cls=Verbs, invoke_without_command=True, context_settings=HELP)
@click.option(
    *("--version",), is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show it."
)
@click.pass_context
def touchline(ctx: click.Context, /, **_: Any) -> None:
    """Train policies with one Trainer and many Players.

    Start with: touchline train cartpole
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
