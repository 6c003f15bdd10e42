"""The columns of a CSV file: their names, and which of them are to be predicted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from touchline.envs.errors import TableError
from touchline.policy.references import did_you_mean

Target = str | int | tuple[str | int, ...] | None
MISSING = {"", "?", "na", "n/a", "nan", "null"}


@dataclass(frozen=True, slots=True)
class Columns:
    """Every column is an input or a target."""

    header: bool  # whether the file names them
    names: tuple[str, ...]
    inputs: tuple[int, ...]
    targets: tuple[int, ...]

    def place(self, column: int) -> str:
        """A column as a message names it."""
        return f"column {column} ({self.names[column]!r})" if self.header else f"column {column}"


def is_number(cell: str) -> bool:
    """Whether a cell is a finite number."""
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def is_missing(cell: str) -> bool:
    """Whether a cell is one of the marks of what is not there."""
    return cell.strip().lower() in MISSING


def columns_of(place: str, first: Sequence[str], second: Sequence[str] | None, *, target: Target) -> Columns:
    """The columns, from a file's first two lines that hold something. Raises TableError."""
    wanted = target if isinstance(target, tuple) else (-1 if target is None else target,)
    header = any(isinstance(one, str) for one in wanted) or _is_header(first, second)
    names = (
        tuple(cell.strip() for cell in first) if header else tuple(f"column {i}" for i in range(len(first)))
    )
    targets = tuple(_position(place, one, names) for one in wanted)
    inputs = tuple(i for i in range(len(names)) if i not in targets)
    if not targets or len(set(targets)) < len(targets):
        raise TableError(f"{place}: target: expected one column or several, each once, found {target!r}")
    if not inputs:
        raise TableError(
            f"{place}: expected a column of inputs beside the target, found {len(names)} columns"
        )
    return Columns(header, names, inputs, targets)


def _is_header(first: Sequence[str], second: Sequence[str] | None) -> bool:
    """Names: no number among them, or text above a number."""
    text = [not is_number(cell) and not is_missing(cell) for cell in first]
    below = zip(text, second or (), strict=False)
    return all(text) or any(named and is_number(cell) for named, cell in below)


def _position(place: str, wanted: str | int, names: Sequence[str]) -> int:
    if isinstance(wanted, str):
        if names.count(wanted) == 1:
            return names.index(wanted)
        several = wanted in names
        which = "several columns are" if several else "no column is"
        meant = "" if several else did_you_mean(wanted, names)
        known = ", ".join(names)
        raise TableError(f"{place}: target: {which} named {wanted!r}.{meant} Columns: {known}")
    if -len(names) <= wanted < len(names):
        return wanted % len(names)
    last = len(names) - 1
    raise TableError(
        f"{place}: target: expected a column from 0 to {last} (or -1 for the last), found {wanted}"
    )
