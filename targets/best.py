"""The best of numbered candidates: the smallest value, ties to the smaller number, whoever evaluated which."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Scored(NamedTuple):
    """A candidate's value and its number."""

    value: float
    number: int


def best_of(values: NDArray[np.float64], numbers: range) -> Scored:
    """The best of ``values`` ``[len(numbers)]``; one that is no number counts as infinite. ValueError: none given."""
    comparable = np.where(np.isnan(values), math.inf, values)
    index = int(np.argmin(comparable))  # the first of equals
    return Scored(float(comparable[index]), numbers[index])


def merged(parts: Iterable[Scored]) -> Scored:
    """The best over several parts, whatever their order. ValueError: none given."""
    return min(parts, key=lambda part: (math.inf if math.isnan(part.value) else part.value, part.number))
