"""Whether a result may enter a batch, and with what weight."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from touchline.configs import Config

OnExcess = Literal["downweight", "hold", "drop"]


@dataclass(frozen=True, slots=True)
class Admitted:
    """The result enters the batch; its rows count ``weight`` each."""

    lag: int
    weight: float


@dataclass(frozen=True, slots=True)
class Stale:
    """The result is too old to enter."""

    lag: int


def admit(
    *, version: int, live: int, max_lag: int, on_excess: OnExcess, oldest_kept: int
) -> Admitted | Stale:
    """The rule, in versions. ``oldest_kept`` is the oldest version in the ring: what is older cannot be differentiated.

    Raises ValueError for a version that was never published.
    """
    lag = live - version
    if lag < 0:
        raise ValueError(f"version: expected at most {live}, the live one, found {version}")
    if version < oldest_kept or (on_excess == "drop" and lag > max_lag):
        return Stale(lag)
    if on_excess == "downweight" and lag > max_lag:
        return Admitted(
            lag, max(max_lag, 1) / lag
        )  # a bound of 0 weighs by 1/lag (Zhang et al. 2016), not by 0
    return Admitted(lag, 1.0)


def players_admitted(config: Config) -> int | None:
    """How many Players may play at once when the config does not say: the law of lag, N = 1 + floor(R L).

    R results an update and the bound as the wanted mean lag L. With ``ahead`` each Player has 1 + ahead results
    outstanding: the largest N with ((1 + ahead) N − 1)/R <= L, and at least one. None (any number) in ``sync``, which
    has no lag, and in episode mode, where an update's results are not known beforehand. With a method that goes by
    rounds R is ``tasks.parts``, and a bound of 0, which is lockstep, admits any number.
    """
    players = config.players
    if players.count != "auto":
        return players.count
    if config.method != "policy_gradient":
        bound = config.staleness.max_lag
        return max(1, (1 + config.tasks.parts * bound) // (1 + config.staleness.ahead)) if bound else None
    if config.mode != "async" or players.unroll_length == "episode":
        return None
    results = math.ceil(config.trainer.batch_steps / (players.lanes * players.unroll_length))
    return max(1, (1 + results * config.staleness.max_lag) // (1 + config.staleness.ahead))
