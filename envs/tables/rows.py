"""Which rows are learnt from and which are tested on."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from touchline.envs.errors import TableError
from touchline.policy.seeds import mix

HELD_OUT = 0x7AB1E  # the stream's name among those of a seed

IndexArray = NDArray[np.intp]


def check_request(place: str, *, rows: int | None, test: float | int | None) -> None:
    """Raise TableError unless these are numbers of rows, or a share."""
    if rows is not None and rows < 1:
        raise TableError(f"{place}: rows: expected 1 or more, found {rows}")
    if test is None or (isinstance(test, int) and test >= 0) or 0 <= test < 1:
        return
    raise TableError(f"{place}: test: expected a share below 1, or a whole number of rows, found {test}")


def count_of(test: float | int, *, total: int) -> int:
    """Rows that a share of ``total``, or a number, asks for."""
    return test if isinstance(test, int) else round(test * total)


def total_for(rows: int, test: float | int | None) -> int:
    """Rows of a whole from which ``test`` can be taken so that ``rows`` are left, and one more at most."""
    if test is None or isinstance(test, int):
        return rows + (test or 0)
    return math.ceil(rows / (1 - test))


def first(place: str, what: str, wanted: int | None, *, total: int) -> slice:
    """The first rows wanted, or all. Raises TableError where there are not so many."""
    if wanted is not None and wanted > total:
        raise TableError(f"{place}: {what}: expected at most {total}, which is all there are, found {wanted}")
    return slice(0, wanted)


def held_out(place: str, *, total: int, test: float | int, seed: int) -> tuple[IndexArray, IndexArray]:
    """Rows to learn from and rows to test on, drawn by ``seed``, both in their order.

    Raises TableError where none would be left to learn from, or a share is less than one row.
    """
    count = count_of(test, total=total)
    if count >= total:
        raise TableError(f"{place}: test: expected less than all {total} rows, found {count}")
    if count == 0 and test > 0:
        raise TableError(f"{place}: test: a share of {test} is less than one of {total} rows")
    order = np.random.default_rng(mix(HELD_OUT, seed)).permutation(total)
    return np.sort(order[count:]), np.sort(order[:count])
