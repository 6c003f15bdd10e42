"""Cutting numbered work (rows, points, weights) into parts that tile it."""

from __future__ import annotations

import itertools
from typing import Literal, assert_never

from touchline.targets.errors import TargetError

Remainder = Literal["lead", "spread"]


def split(total: int, parts: int, *, remainder: Remainder = "spread") -> tuple[range, ...]:
    """``parts`` consecutive ranges that tile ``[0, total)``. With m = ⌊total / parts⌋:

    ``lead``: part 0, the lead's, has m + (total mod parts), every other m (Kryuchin, equations 5 and 6). The worst
    case, total = 2 parts − 1, gives the lead ``parts`` and the others 1 each.
    ``spread``: the first (total mod parts) have one more, so that none differ by more than 1.

    Some are empty where there are more parts than work. Raises TargetError for no parts or a negative total.
    """
    if total < 0:
        raise TargetError(f"total: expected 0 or more to split, found {total}")
    if parts < 1:
        raise TargetError(f"parts: expected 1 or more, found {parts}")
    bounds = [0, *itertools.accumulate(_sizes(*divmod(total, parts), parts, remainder))]
    return tuple(range(start, stop) for start, stop in itertools.pairwise(bounds))


def _sizes(each: int, left: int, parts: int, remainder: Remainder) -> list[int]:
    match remainder:
        case "lead":
            return [each + left, *[each] * (parts - 1)]
        case "spread":
            return [each + 1] * left + [each] * (parts - left)
        case _:
            assert_never(remainder)
