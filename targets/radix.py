"""Mixed-radix digits: how one number names one point of a grid, or one assignment of choices.

a_i(I) = floor(I / prod_{j<i} n_j) mod n_i, exact for numbers of any size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from touchline.targets.errors import TargetError


def digits(number: int, counts: Sequence[int]) -> tuple[int, ...]:
    """The digits of ``number``, the quickest first; 0 <= digit i < ``counts[i]``."""
    check_numbers(range(number, number + 1), total=math.prod(counts))
    found = []
    for count in counts:
        number, digit = divmod(number, count)
        found.append(digit)
    return tuple(found)


def all_digits(numbers: range, counts: Sequence[int]) -> NDArray[np.int64]:
    """The digits of consecutive numbers, int64 ``[len(numbers), len(counts)]``."""
    check_numbers(numbers, total=math.prod(counts))
    found = np.empty((len(numbers), len(counts)), np.int64)
    if not numbers:
        return found
    # The first number's digits in Python's integers, for it may pass 64 bits; the others by addition with carry.
    carry = np.arange(len(numbers))
    for i, (first, count) in enumerate(zip(digits(numbers.start, counts), counts, strict=True)):
        carry, found[:, i] = np.divmod(first + carry, count)
    return found


def check_numbers(numbers: range, *, total: int) -> None:
    """Raise TargetError unless the numbers are consecutive and all from 0 to ``total`` − 1."""
    if numbers.step != 1:
        raise TargetError(f"numbers: expected consecutive ones, found every {numbers.step}th")
    if numbers and (numbers.start < 0 or numbers.stop > total):
        raise TargetError(
            f"numbers: expected 0 to {total - 1}, found {numbers.start} to {numbers.stop - 1}: "
            "ask for points that exist"
        )
