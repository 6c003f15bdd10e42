"""What a config names that is looked up before any Player starts: a mistake is told at once, and by one process."""

from __future__ import annotations

from touchline.configs import Config
from touchline.targets.errors import TargetError
from touchline.trainer.failures import RunFailed
from touchline.trainer.scheme import SchemeError

SETUP = 2  # the exit code


def look_up(config: Config) -> None:
    """Find the wrappers, whether their arguments fit, and the network; try the table and what its method needs.

    Raises EnvError or SpaceError, and RunFailed for a run that cannot be: more parts than rows, a grid too large, a
    package that is missing. An environment is left to the Players: making it may be dear, or need what only they have.
    """
    if config.env.wrappers:
        from touchline.envs.wrapping import find_wrappers

        find_wrappers(config.env.wrappers)
    if config.policy.network is not None:
        from touchline.policy.custom import NetworkError, find_class

        try:
            find_class(config.policy.network)
        except NetworkError as error:
            raise NetworkError(f"policy.network: {str(error).removeprefix('policy.network: ')}") from error
    try:
        _try(config)
    except (SchemeError, TargetError) as error:
        raise RunFailed(str(error), exit_code=SETUP) from error


def _try(config: Config) -> None:
    """Raises what the Trainer would, once the first Player were ready."""
    if config.method == "trpo":
        from touchline.targets.solving import solver_named

        solver_named(config.trpo.value_solver)
    if config.table.source is not None and config.mode != "serial":  # which reads it in this very process
        from touchline.player.table_work import TableWork
        from touchline.trainer.schemes.choosing import scheme_of

        work = TableWork(config)
        scheme_of(config, work.spaces, work.facts)
