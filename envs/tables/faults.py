"""Complaints about a table: where, what was expected, what was found; the first few of many."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from touchline.envs.errors import TableError

SHOWN = 5
"""Faults that one message names."""


def refuse(place: str, faults: Iterable[str]) -> NoReturn:
    """Raise TableError with the first faults of a place."""
    first = list(itertools.islice(faults, SHOWN + 1))
    more = "; and more" if len(first) > SHOWN else ""
    raise TableError(f"{place}: {'; '.join(first[:SHOWN])}{more}")


def check_rows(place: str, *, x: NDArray[Any], y: NDArray[Any], test: bool = False) -> None:
    """Raise TableError unless x and y have as many rows as each other, and one at least."""
    prefix = "test_" if test else ""
    if len(x) != len(y):
        refuse(place, [f"expected as many rows in {prefix}y as in {prefix}x, {len(x)}, found {len(y)}"])
    if not x.size:
        refuse(place, [f"{prefix}x: expected rows of at least one number, found {list(x.shape)}"])


def check_finite(place: str, *, name: str, values: NDArray[Any]) -> None:
    """Raise TableError where values ``[N, K]`` are not finite: rows and columns are counted from 0."""
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return
    bad = np.argwhere(~np.isfinite(values))[: SHOWN + 1]
    refuse(
        place,
        (f"{name}, row {i}, column {j}: expected a finite number, found {values[i, j]}" for i, j in bad),
    )
