"""Complaints about a table: where, what was expected, what was found; of faults that are alike, the first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from touchline.envs.errors import TableError

SHOWN = 5
"""Faults that one message names."""
COUNTED = 10_000
"""Faults after which nobody counts on."""


@dataclass(slots=True)
class Faults:
    """Those of one place: the first of each kind, and how many there are."""

    first: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, text: str) -> None:
        """One more. ``kind``: the same for those that are told once for all."""
        self.first.setdefault(kind, text)
        self.counts[kind] += 1

    @property
    def enough(self) -> bool:
        """Whether to look for more would help nobody."""
        return self.counts.total() >= COUNTED

    def refuse(self, place: str) -> NoReturn:
        """Raise TableError with the first of each kind, five kinds at most."""
        told = [_with_more(text, self.counts[kind] - 1) for kind, text in self.first.items()]
        more = "; and more" if self.enough or len(told) > SHOWN else ""
        raise TableError(f"{place}: {'; '.join(told[:SHOWN])}{more}")


def refuse(place: str, fault: str, *, more: int = 0) -> NoReturn:
    """Raise TableError with a fault, and how many more there are like it."""
    raise TableError(f"{place}: {_with_more(fault, more)}")


def _with_more(fault: str, more: int) -> str:
    if not more:
        return fault
    return f"{fault}, and {more:,} more like it"


def check_rows(place: str, *, x: NDArray[Any], y: NDArray[Any], test: bool = False) -> None:
    """Raise TableError unless x and y have as many rows as each other, and one at least."""
    prefix = "test_" if test else ""
    if len(x) != len(y):
        refuse(place, f"expected as many rows in {prefix}y as in {prefix}x, {len(x)}, found {len(y)}")
    if not x.size:
        refuse(place, f"{prefix}x: expected rows of at least one number, found {list(x.shape)}")


def check_finite(place: str, *, name: str, values: NDArray[Any]) -> None:
    """Raise TableError where values ``[N, K]`` are not finite: rows and columns are counted from 0."""
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return
    bad = np.argwhere(~np.isfinite(values))
    i, j = bad[0]
    fault = f"{name}, row {i}, column {j}: expected a finite number, found {values[i, j]}"
    refuse(place, fault, more=len(bad) - 1)
