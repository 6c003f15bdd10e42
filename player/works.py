"""From a run's config to the work of its Players."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from touchline.configs import Config
from touchline.player.work import Work


def work_of(
    config: Config,
    *,
    seed: int,
    factory: Callable[..., Any] | None = None,
    progress: Callable[[int], bool] = lambda step: True,
    goes_on: Callable[[int], bool] = lambda step: True,
) -> Work:
    """The work of ``config.method``, imported only then. ``seed``: this Player's own, which only the main method uses:
    the tasks of the others are the same whoever does them. ``factory`` stands for ``env.id`` where that is an object.

    Raises EnvError, SpaceError, TargetError.
    """
    if config.table.source is not None:
        from touchline.player.table_work import TableWork

        return TableWork(config, goes_on=lambda: goes_on(0))
    match config.method:
        case "policy_gradient":
            from touchline.player.game_work import GameWork

            return GameWork(config, seed=seed, factory=factory, progress=progress, goes_on=goes_on)
        case "imitation":
            from touchline.player.imitation_work import ImitationWork

            return ImitationWork(config, seed=seed, factory=factory, goes_on=lambda: goes_on(0))
        case "trpo":
            from touchline.player.trpo_work import TrpoWork

            return TrpoWork(config, seed=seed, factory=factory, goes_on=lambda: goes_on(0))
        case _:
            from touchline.player.episodes_work import EpisodesWork

            return EpisodesWork(config, seed=seed, factory=factory, goes_on=lambda: goes_on(0))
