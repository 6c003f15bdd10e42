"""Schemes that give points orders, over XOR or CartPole, with the work that carries them out."""

from __future__ import annotations

from typing import Any

import numpy as np
from driving import drive

from touchline.configs import Config
from touchline.player.episodes_work import EpisodesWork
from touchline.player.table_work import TableWork
from touchline.player.work import Work
from touchline.trainer.scheme import Merged, Scheme
from touchline.trainer.schemes.choosing import scheme_of

XOR = {"table": {"source": "xor"}, "model": {"hidden": (2,)}, "staleness": {"max_lag": 0}}
CARTPOLE = {
    "env": {"id": "CartPole-v1"},
    "policy": {"hidden": (4,), "value": False},
    "players": {"lanes": 8},
    "staleness": {"max_lag": 0},
}


def on_xor(method: str, **sections: Any) -> tuple[Scheme, Work]:
    config = Config.model_validate({"method": method, **XOR, **sections})
    work = TableWork(config)
    return scheme_of(config, work.spaces, work.facts), work


def on_cartpole(method: str, **sections: Any) -> tuple[Scheme, Work]:
    config = Config.model_validate({"method": method, **CARTPOLE, **sections})
    work = EpisodesWork(config, seed=0)
    return scheme_of(config, work.spaces, work.facts), work


def run(
    made: tuple[Scheme, Work], rounds: int, *, shuffled: int | None = None
) -> tuple[Scheme, list[Merged]]:
    """The scheme after so many rounds, and what they came to; ``shuffled``: the seed of another order, with doubles."""
    scheme, work = made
    rng = None if shuffled is None else np.random.default_rng(shuffled)
    try:
        return scheme, list(drive(scheme, work, rounds=rounds, rng=rng))
    finally:
        work.close()


def assert_same_bits(one: Scheme, other: Scheme) -> None:
    for found, expected in ((one.arrays(), other.arrays()), (one.state(), other.state())):
        assert found.keys() == expected.keys()
        for name in found:
            np.testing.assert_array_equal(found[name], expected[name])
