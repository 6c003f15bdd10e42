"""From a draft to a Config, or to every fault that keeps it from being one."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from touchline.configs.draft import Draft
from touchline.configs.errors import ConfigError, Fault, Place
from touchline.configs.keys import keys, nearest, sections
from touchline.configs.kinds import Path, UnfitError
from touchline.configs.method_rules import MISSING
from touchline.configs.rules import fault_of
from touchline.configs.schema import Config
from touchline.configs.showing import show


def validate(data: object) -> Config:
    """The config of plain data. Raises pydantic's ValidationError; see ``explain``."""
    return Config.model_validate(data)


def explain(error: ValidationError, draft: Draft) -> list[tuple[Path, Fault]]:
    """The faults behind pydantic's errors, each with the path of the key that it is about."""
    return [
        (tuple(detail["loc"]), fault)
        for detail in error.errors(include_url=False)
        for fault in _faults(dict(detail), tuple(detail["loc"]), draft)
    ]


def from_plain(plain: Any) -> Config:
    """The config that ``to_plain`` wrote; it may come from a peer. Raises ConfigError for anything else."""
    try:
        config = validate(plain)
    except ValidationError as error:
        raise ConfigError(fault for _, fault in explain(error, Draft())) from None
    lacking = [fault_of(rule, config) for rule in MISSING if rule.broken(config)]
    if lacking:
        raise ConfigError(lacking)
    return config


def _faults(detail: dict[str, Any], path: Path, draft: Draft) -> list[Fault]:
    match detail["type"]:
        case "extra_forbidden" | "invalid_key":
            return [_unknown(path, draft)]
        case "value_error":
            unfit: UnfitError = detail["ctx"]["error"]
            return [_unfit(part, path, draft) for part in (unfit, *unfit.also)]
        case _:
            return [_wrong(detail["input"], path, draft)]


def _unknown(path: Path, draft: Draft) -> Fault:
    key = _spelled(path)
    return Fault(draft.keys.get(path, Place()), key, None, f"unknown key '{key}'", _meant(key))


def _unfit(unfit: UnfitError, path: Path, draft: Draft) -> Fault:
    whole = (*path, *unfit.path)
    return Fault(draft.place(whole), _spelled(whole), unfit.kind.expected, show(unfit.value), _advice(unfit))


def _wrong(found: object, path: Path, draft: Draft) -> Fault:
    key = _spelled(path)
    known = keys().get(key)
    expected = known.kind.expected if known else _map_of(sections().get(key))
    return Fault(draft.place(path), key or "the config", expected, show(found))


def _map_of(section: Any) -> str:
    return f"a map of {', '.join((section or Config).model_fields)}"


def _advice(unfit: UnfitError) -> str:
    if unfit.value is None:
        return "Leave the key out to keep its default"
    is_number = isinstance(unfit.value, (int, float)) and unfit.kind.schema.get("type") == "string"
    return "Quote it if it is meant as text" if is_number else ""


def _meant(key: str) -> str:
    near = nearest(key)
    if near == key:
        section, _, field = key.rpartition(".")
        return f"Write it as '{section}: {{{field}: …}}'"
    return f"Did you mean '{near}'?" if near else f"Known keys: {_siblings(key)}"


def _siblings(key: str) -> str:
    section = sections().get(key.partition(".")[0])
    return ", ".join((section or Config).model_fields)


def _spelled(path: Path) -> str:
    """``policy.hidden[1]``: names with dots, positions in brackets."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
