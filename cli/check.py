"""``touchline check``: an environment or a network of one's own tried, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from touchline.cli.exits import OK, USER
from touchline.cli.flags import ConfigCommand, Flag, config_flags

if TYPE_CHECKING:
    from touchline.configs import Config

ENV, POLICY = "env", "policy"


@click.command(cls=ConfigCommand)
@click.argument("env", required=False)
@click.option(
    "--policy", metavar="REFERENCE", help="Try this network: package.module:Class or path/file.py:Class."
)
@click.option(
    "--steps", type=click.IntRange(1), metavar="N", default=1000, help="Random steps to play.  [1000]"
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    metavar="N",
    default=0,
    help="Seed of episodes and of random inputs.  [0]",
)
@click.pass_context
def command(ctx: click.Context, env: str | None, policy: str | None, steps: int, seed: int) -> int:
    """Play random steps of ENV, twice, and say what is wrong: what was expected, what was found, where.

    ENV is a Gymnasium id, package.module:Id-v0, package.module:factory or path/file.py:Class. Flags of env.*
    change it: --env.kwargs.gravity 5. The exit code is 2 where something is wrong.

    With --policy a network is tried in its place: its gradient against central differences in float64, layer by
    layer, and whether what its forward pass keeps is all that its backward pass needs. Its inputs are as many as
    ENV's observations have numbers, or 6. Flags of policy.* go to it: --policy.network_kwargs.width 32.
    """
    flags = config_flags(ctx)
    if policy is not None:
        return check_policy(policy, env, flags, seed=seed)
    if env is None:
        raise click.UsageError("expected ENV, or --policy with a network of your own", ctx)
    return check_environment(env, flags, steps=steps, seed=seed)


def check_environment(env: str, flags: tuple[Flag, ...], *, steps: int, seed: int) -> int:
    """Print what is wrong with an environment; the exit code. Raises UsageError, ConfigError, EnvError."""
    from touchline.cli.restoring import only_env
    from touchline.configs import load
    from touchline.envs.check import check, report
    from touchline.envs.spec import EnvSpec

    only_env(flags, "only the environment is checked, so only env.* counts")
    given = load(None, [("env.id", env), *flags]).config.env
    spec = EnvSpec(id=given.id, kwargs=given.kwargs, wrappers=given.wrappers, vectorize=given.vectorize)
    findings = check(spec, steps=steps, seed=seed)
    click.echo(report(spec, findings))
    return USER if any(finding.severity == "error" for finding in findings) else OK


def check_policy(reference: str, env: str | None, flags: tuple[Flag, ...], *, seed: int) -> int:
    """Print what is wrong with a network; the exit code. Raises UsageError, ConfigError, EnvError, SpaceError."""
    from touchline.cli.networks import UNSEEN, report
    from touchline.configs import load
    from touchline.policy.custom_check import check_network

    for key, _ in flags:
        if key.partition(".")[0] not in (ENV, POLICY):
            raise click.UsageError(f"--{key}: only a network is checked, so only env.* and policy.* count")
    config = load(None, [("env.id", env or "CartPole-v1"), ("policy.network", reference), *flags]).config
    features, shape = UNSEEN if env is None else _observed(config)
    tried = check_network(reference, config.policy.network_kwargs, features=features, shape=shape, seed=seed)
    click.echo(report(reference, tried, features=features, env=env))
    return USER if tried.faults else OK


def _observed(config: Config) -> tuple[int, tuple[int, ...]]:
    """(numbers of an observation, its shape) of the config's environment. Raises EnvError, SpaceError."""
    from touchline.envs.resolve import resolve
    from touchline.envs.spaces import observation_space
    from touchline.envs.spec import EnvSpec
    from touchline.policy.features import feature_size
    from touchline.policy.spaces import Dict, Tuple, raw_shape

    env = resolve(EnvSpec(id=config.env.id, kwargs=config.env.kwargs, wrappers=config.env.wrappers)).make()
    try:
        space = observation_space(env.observation_space)
    finally:
        env.close()
    features = feature_size(space)
    return features, (features,) if isinstance(space, Dict | Tuple) else raw_shape(space)
