"""Kinds for what belongs to an environment: arguments by name and wrappers, plain data that can be sent.

They cross the wire to every Player and are written into the run directory, so they hold what YAML and
msgpack both can: text, numbers, true, false, null, lists and maps of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from touchline.configs.kinds import Kind, Schema, UnfitError, is_text, list_of, read_parts

MAX_DEPTH = 32
INT64 = range(-(2**63), 2**63)


def _read_plain(value: object, depth: int = 0) -> Any:
    if value is None or isinstance(value, (bool, float)) or is_text(value):
        return value
    if isinstance(value, int) and value in INT64:
        return value
    if depth < MAX_DEPTH and isinstance(value, (list, tuple)):
        return [part for _, part in read_parts(enumerate(value), lambda part: _read_plain(part, depth + 1))]
    if depth < MAX_DEPTH and _is_map(value):
        return dict(read_parts(value.items(), lambda part: _read_plain(part, depth + 1)))
    raise UnfitError(PLAIN, value)


def _is_map(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping) and all(map(is_text, value))


def _read_arguments(value: object) -> dict[str, Any]:
    if not _is_map(value):
        raise ValueError("not a map")
    return dict(read_parts(value.items(), _read_plain))


def _read_wrapper(value: object) -> str | dict[str, Any]:
    if is_text(value) and value:
        return value
    if not _is_map(value) or len(value) != 1:
        raise ValueError("neither a name nor a name with its arguments")
    # `- ClipReward:` is what one writes for a wrapper that needs no arguments.
    given = [(name, {} if part is None else part) for name, part in value.items()]
    return dict(read_parts(given, ARGUMENTS.parse))


_MAP: Schema = {"type": "object"}

PLAIN = Kind("plain", "plain data: text, a number, true, false, null, a list or a map", _read_plain, {})
ARGUMENTS = Kind("{name: value, …}", "a map of arguments by name", _read_arguments, _MAP)
WRAPPER = Kind(
    "wrapper",
    "the name of a wrapper, or {name: {argument: value}}",
    _read_wrapper,
    {"anyOf": [{"type": "string"}, {**_MAP, "minProperties": 1, "maxProperties": 1}]},
)
WRAPPERS = list_of(WRAPPER, "a list of wrappers, each a name or {name: {argument: value}}")
