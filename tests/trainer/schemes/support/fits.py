"""Schemes over small tables with a Player's work for them, and rounds driven to their end."""

from __future__ import annotations

from typing import Any

import numpy as np
from driving import drive

from touchline.configs import Config
from touchline.envs.tables import Table
from touchline.player.table_work import TableWork
from touchline.trainer.scheme import Merged, Scheme
from touchline.trainer.schemes.choosing import scheme_of


def signs(*, rows: int = 24, test_rows: int = 8) -> Table:
    """Three numbers a row; the class is the sign of the first."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows + test_rows, 3))
    y = np.eye(2)[(x[:, 0] > 0).astype(int)]
    return Table("signs", x[:rows], y[:rows], x[rows:], y[rows:], True, ("no", "yes"))


def made(given: Table | None = None, /, **sections: Any) -> tuple[Scheme, TableWork]:
    """A scheme and its work, over ``given`` or over the one that the config names."""
    laid = {"table": {"source": "xor"}, **sections}
    config = Config.model_validate(laid)
    work = TableWork(config, table=given)
    return scheme_of(config, work.spaces, work.facts), work


def driven(
    given: Table | None = None, /, *, rounds: int = 50, order: int | None = None, **sections: Any
) -> tuple[Scheme, list[Merged]]:
    """The scheme after its rounds; ``order``: seed of the order in which tasks come back, some of them twice."""
    scheme, work = made(given, **sections)
    rng = None if order is None else np.random.default_rng(order)
    return scheme, list(drive(scheme, work, rounds=rounds, rng=rng))


def assert_same_bits(given: Table | None = None, /, *, rounds: int = 6, **sections: Any) -> None:
    """Whatever the order of arrival, and with doubles: the same weights, errors and measures, bit for bit."""
    scheme, merged = driven(given, rounds=rounds, **sections)
    for order in (1, 2):
        other, found = driven(given, rounds=rounds, order=order, **sections)
        assert found == merged
        for arrays, others in ((scheme.arrays(), other.arrays()), (scheme.weights(), other.weights())):
            assert arrays.keys() == others.keys()
            for name in arrays:
                np.testing.assert_array_equal(arrays[name], others[name])
