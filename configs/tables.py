"""Kinds for tables: which columns are predicted, and how many rows are held out."""

from __future__ import annotations

from touchline.configs.kinds import Kind, is_text
from touchline.configs.quantities import read_integer, read_number


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
    whole = read_integer(value)
    if whole < 1:
        raise ValueError("neither a share nor a number of rows")
    return whole


_COLUMN = {"anyOf": [{"type": "string"}, {"type": "integer"}]}

COLUMNS = Kind(
    "column | [column, …]",
    "a column's name or position, or a list of them",
    _read_columns,
    {"anyOf": [*_COLUMN["anyOf"], {"type": "array", "items": _COLUMN, "minItems": 1}]},
)
HELD_OUT = Kind(
    "share | int",
    "a share of the rows between 0 and 1, or a number of rows",
    _read_held_out,
    {"type": "number", "exclusiveMinimum": 0},
)
