"""What a config names that is looked up before any Player starts: a mistake is told at once, and by one process."""

from __future__ import annotations

from touchline.configs import Config


def look_up(config: Config) -> None:
    """Find the wrappers, whether their arguments fit, and the network. Raises EnvError or SpaceError.

    The environment itself is left to the Players: making it may be dear, or need what only they have.
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
