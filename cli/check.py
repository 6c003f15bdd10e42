"""``touchline check``: an environment tried for a while, and what is wrong with it."""

from __future__ import annotations

import click

from touchline.cli.exits import OK, USER
from touchline.cli.flags import ConfigCommand, config_flags


@click.command(cls=ConfigCommand)
@click.argument("env")
@click.option(
    "--steps", type=click.IntRange(1), metavar="N", default=1000, help="Random steps to play.  [1000]"
)
@click.option("--seed", type=click.IntRange(0), metavar="N", default=0, help="Seed of the episodes.  [0]")
@click.pass_context
def command(ctx: click.Context, env: str, steps: int, seed: int) -> int:
    """Play random steps of ENV, twice, and say what is wrong: what was expected, what was found, where.

    ENV is a Gymnasium id, package.module:Id-v0, package.module:factory or path/file.py:Class. Flags of env.*
    change it: --env.kwargs.gravity 5. The exit code is 2 where something is wrong.
    """
    from touchline.cli.restoring import only_env
    from touchline.configs import load
    from touchline.envs.check import check, report
    from touchline.envs.spec import EnvSpec

    flags = only_env(config_flags(ctx), "only the environment is checked, so only env.* counts")
    given = load(None, [("env.id", env), *flags]).config.env
    spec = EnvSpec(id=given.id, kwargs=given.kwargs, wrappers=given.wrappers, vectorize=given.vectorize)
    findings = check(spec, steps=steps, seed=seed)
    click.echo(report(spec, findings))
    return USER if any(finding.severity == "error" for finding in findings) else OK
