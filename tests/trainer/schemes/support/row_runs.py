"""Runs over small tables whose answers are known, for the schemes that give rows orders."""

from __future__ import annotations

import numpy as np

from touchline.configs import Config
from touchline.envs.tables import Table, read_table
from touchline.player.table_work import TableWork
from touchline.trainer.scheme import Returned


def signs(rows=30, test_rows=8):
    """Rows of two classes that a line parts."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows + test_rows, 3))
    y = np.eye(2)[(x @ [1, -2, 0.5] > 0.3).astype(int)]
    return Table("signs", x[:rows], y[:rows], x[rows:], y[rows:], True, ("no", "yes"))


def plane(rows=24):
    """Rows of numbers that a line passes near: the best linear model is that of least squares."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((rows, 3))
    y = x @ [[1.0], [-2.0], [0.5]] + 0.3 + 0.1 * rng.standard_normal((rows, 1))
    return Table("plane", x, y, x[:0], y[:0], False, ("y",))


def built_in(source, rows=None):
    return read_table(source=source, rows=rows, test=None, scale="none", target=None, classes=None, seed=0)


def config_of(method, **sections):
    """``sections`` by name, each a mapping; the table is given apart."""
    return Config.model_validate({"method": method, "table": {"source": "given"}, **sections})


def begun(scheme, method, table, **sections):
    """(the scheme, a Player's work), both from one config."""
    config = config_of(method, **sections)
    work = TableWork(config, table=table)
    return scheme.of(config, work.spaces, work.facts), work


def ended(driven):
    """The last of the rounds, all of them driven."""
    merged = list(driven)
    return merged[-1], merged


def assert_same(one, other, **tolerance):
    """Two schemes have come to the same weights: to the last bit, where no tolerance is given."""
    for name, array in one.weights().items():
        if tolerance:
            np.testing.assert_allclose(array, other.weights()[name], **tolerance)
        else:
            np.testing.assert_array_equal(array, other.weights()[name])


def returned(task, arrays, *, number=0, lag=0, weight=1.0, base=None):
    return Returned(task, number, 0, lag, weight, arrays, base or {})
