"""From the config's method to its scheme."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from touchline.configs import Config
from touchline.trainer.scheme import Scheme


def scheme_of(config: Config, spaces: Mapping[str, Any], facts: Mapping[str, Any]) -> Scheme:
    """The scheme of ``config.method`` for what a Player announced. Raises SchemeError, TargetError, SpaceError.

    Imported one by one: a run has one method, and some need scipy.
    """
    return _maker(config.method)(config, spaces, facts)


def _maker(method: str) -> Callable[[Config, Mapping[str, Any], Mapping[str, Any]], Scheme]:
    match method:
        case "descent":
            from touchline.trainer.schemes.descent import Descent

            return Descent.of
        case "krylov":
            from touchline.trainer.schemes.krylov import Krylov

            return Krylov.of
        case "search":
            from touchline.trainer.schemes.search import search_of

            return search_of
        case "evolution":
            from touchline.trainer.schemes.evolution import Evolution

            return Evolution.of
        case "averaging":
            from touchline.trainer.schemes.averaging import Averaging

            return Averaging.of
        case "structure":
            from touchline.trainer.schemes.structure import Structure

            return Structure.of
        case "hopping":
            from touchline.trainer.schemes.hopping import Hopping

            return Hopping.of
        case "imitation":
            from touchline.trainer.schemes.imitation import Imitation

            return Imitation.of
        case "trpo":
            from touchline.trainer.schemes.trpo import Trpo

            return Trpo.of
    raise AssertionError(f"{method}: not a method that goes by rounds")
