"""``load``: a preset or a file, values from Python and flags become one checked config with its origins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from touchline.configs.document import read_document, read_scalar
from touchline.configs.draft import Draft
from touchline.configs.errors import ConfigError, Fault, Place
from touchline.configs.judging import broken_rules
from touchline.configs.keys import keys
from touchline.configs.kinds import Path
from touchline.configs.presets import find
from touchline.configs.rules import Rule, fault_of
from touchline.configs.schema import Config
from touchline.configs.tables import located
from touchline.configs.validation import explain, validate


@dataclass(frozen=True, slots=True)
class Resolved:
    """A config, where each key's value came from, and a name for what it trains.

    ``origin`` maps every dotted key to ``default``, ``cartpole.yaml:3:5``, ``--players.count`` or ``python``.
    """

    config: Config
    origin: dict[str, str]
    name: str


def load(
    source: str | FilePath | None = None,
    overrides: Sequence[tuple[str, str]] = (),
    *,
    values: Mapping[str, Any] | None = None,
) -> Resolved:
    """Read a config: a preset's name or a file's path, then Python's values, then flags; the later wins.

    ``overrides`` are flags, (dotted key, text): the text is read as it would be in the file. ``values`` are
    nested, or by dotted keys. A path in ``table.source`` is relative to the working directory, and absolute in what
    is returned. Raises ConfigError with every fault of them all.
    """
    draft = Draft()
    name = _lay_source(draft, source)
    if values is not None:
        draft.lay_values(values)
    for key, text in overrides:
        _lay_flag(draft, key, text)
    config = _located(_settle(draft))
    return Resolved(config, {key: draft.origin(key) for key in keys()}, name or config.target)


def _located(config: Config) -> Config:
    """The table by its absolute path: Players may run in another folder than this one."""
    source = config.table.source
    if source is None:
        return config
    table = config.table.model_copy(update={"source": located(source)})
    return config.model_copy(update={"table": table})


def _lay_source(draft: Draft, source: str | FilePath | None) -> str:
    if source is None:
        return ""
    found = find(source)
    draft.lay(read_document(found.text, found.shown), found.shown)
    return found.name


def _lay_flag(draft: Draft, key: str, text: str) -> None:
    try:
        draft.lay_flag(key, read_scalar(text, f"--{key}", key))
    except ConfigError as error:
        draft.sources.append(f"--{key}")
        draft.faults += error.faults


def _settle(draft: Draft) -> Config:
    """The draft's config. Raises ConfigError with its faults, combinations of sound keys included."""
    config, invalid = _validated(draft)
    faulty = {path[:2] for path, _ in invalid}
    combined = [] if config is None else _combined(config, faulty, draft)
    faults = [*draft.faults, *(fault for _, fault in invalid), *combined]
    if faults or config is None:
        raise ConfigError(sorted(faults, key=draft.rank))
    return config


def _validated(draft: Draft) -> tuple[Config | None, list[tuple[Path, Fault]]]:
    try:
        return validate(draft.data), []
    except ValidationError as error:
        invalid = explain(error, draft)
    # What is sound is still checked for combinations, so that one run of the command tells all.
    sound = draft.without({path[:2] for path, _ in invalid})
    try:
        return validate(sound), invalid
    except ValidationError:
        return None, invalid


def _combined(config: Config, faulty: set[Path], draft: Draft) -> list[Fault]:
    bad_names = {".".join(map(str, path)) for path in faulty}
    rules = [rule for rule in broken_rules(config) if not bad_names.intersection(_around(rule))]
    return [fault_of(rule, config, _place(rule, draft)) for rule in rules]


def _around(rule: Rule) -> set[str]:
    return {*rule.keys, *(key.partition(".")[0] for key in rule.keys)}


def _place(rule: Rule, draft: Draft) -> Place:
    """Where to report: at the first of the rule's keys that anyone set; what is missing, where it would stand."""
    if rule.missing:
        return draft.place(tuple(rule.key.split(".")))
    paths = [tuple(key.split(".")) for key in rule.keys]
    return next((draft.place(path) for path in paths if path in draft.keys), draft.place(()))
