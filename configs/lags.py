"""The kind of ``staleness.inject``: one lag, a list of them, or a run that recorded some."""

from __future__ import annotations

from typing import Any

from touchline.configs.kinds import Kind, integer, list_of, text

_ONE = integer(0)
_SEVERAL = list_of(_ONE, "a list of lags, such as [0, 1, 1, 2]")
_FOLDER = text("the folder of a run")


def _read(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, list | tuple):
        if not value:
            raise ValueError("no lag in the list")
        return _SEVERAL.parse(value)
    try:
        return _ONE.read(value)
    except ValueError:
        if not isinstance(value, str):
            raise
        return _FOLDER.read(value)


LAGS = Kind(
    "int ≥ 0 | [int, …] | folder | null",
    "a lag such as 4, a list of lags such as [0, 1, 1, 2], the folder of a run, or null (none)",
    _read,
    {
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {**_SEVERAL.schema, "minItems": 1},
            _FOLDER.schema,
            {"type": "null"},
        ]
    },
)
