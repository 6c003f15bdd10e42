"""Kinds for tables: which columns are predicted, and how many rows are held out."""

from __future__ import annotations

from pathlib import Path

from touchline.configs.kinds import Kind, is_text
from touchline.configs.quantities import read_integer, read_number

BUILT_IN = ("digits", "sine", "two_spirals", "xor")
"""The tables that have a name and no path."""


def _read_column(value: object) -> str | int:
    if is_text(value) and value and not value.lstrip("-").isdigit():
        return value
    return read_integer(value)


def _read_columns(value: object) -> str | int | tuple[str | int, ...]:
    if isinstance(value, (list, tuple)):
        if not value:
            raise ValueError("no column")
        return tuple(_read_column(part) for part in value)
    return _read_column(value)


def _read_held_out(value: object) -> float | int:
    number = read_number(value)
    if 0 < number < 1:
        return number
    if isinstance(value, float):  # 1.0 may be meant as all of them
        raise ValueError("neither a share nor a whole number")
    whole = read_integer(value)
    if whole < 1:
        raise ValueError("neither a share nor a number of rows")
    return whole


def located(source: str) -> str:
    """A source as every process finds it: the absolute path of a file or a folder, a name as it is."""
    try:
        path = Path(source).expanduser()
    except RuntimeError:  # no such user
        return source
    is_path = path.suffix or len(path.parts) > 1 or path.exists()
    return str(path.absolute()) if is_path and source not in BUILT_IN else source


_COLUMN = {"anyOf": [{"type": "string"}, {"type": "integer"}]}

COLUMNS = Kind(
    "column | [column, …]",
    "a column's name or position, or a list of them",
    _read_columns,
    {"anyOf": [*_COLUMN["anyOf"], {"type": "array", "items": _COLUMN, "minItems": 1}]},
)
HELD_OUT = Kind(
    "share | int",
    "a share of the rows between 0 and 1, or a number of rows without a point",
    _read_held_out,
    {"type": "number", "exclusiveMinimum": 0},
)
