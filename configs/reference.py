"""What the schema says of itself: help for every key, and the JSON schema that editors check files with."""

from __future__ import annotations

import ast
import inspect
import itertools
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from touchline.configs.keys import Key, keys, sections
from touchline.configs.schema import Config
from touchline.configs.showing import write

REQUIRED = "required"
NO_DEFAULT = "env.id"  # "" in the schema, where a table stands in its place


class Described(NamedTuple):
    """One key as help shows it; ``default`` is written as in a file, or is ``required``."""

    key: str
    type: str
    default: str
    doc: str


def describe() -> Iterator[Described]:
    """Every key of the config, in the order of the schema."""
    for name, key in keys().items():
        default = REQUIRED if name == NO_DEFAULT else write(_default(key), key.kind)
        yield Described(name, key.kind.short, default, _doc(key))


def describe_sections() -> dict[str, str]:
    """What each section holds, by its name."""
    return {name: inspect.cleandoc(section.__doc__ or "") for name, section in sections().items()}


def json_schema() -> dict[str, Any]:
    """The JSON schema of a config file. Nothing is required in it: a flag may give what a file lacks."""
    properties: dict[str, Any] = {}
    for name, section in sections().items():
        properties[name] = {
            "type": ["object", "null"],
            "description": inspect.cleandoc(section.__doc__ or ""),
            "additionalProperties": False,
            "properties": {},
        }
    for name, key in keys().items():
        into = properties[key.section]["properties"] if key.section else properties
        into[key.field] = _property(name, key)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "touchline config",
        "type": "object",
        "additionalProperties": False,
        "properties": {name: properties[name] for name in Config.model_fields},
    }


def _property(name: str, key: Key) -> dict[str, Any]:
    described = {**key.kind.schema, "description": _doc(key)}
    if name == NO_DEFAULT:
        return described
    default = _default(key)
    return {**described, "default": list(default) if isinstance(default, tuple) else default}


def _default(key: Key) -> Any:
    return key.info.get_default(call_default_factory=True, validated_data={})


def _doc(key: Key) -> str:
    owner = sections()[key.section] if key.section else Config
    return _docs()[owner.__name__, key.field]


@cache
def _docs() -> dict[tuple[str, str], str]:
    """The text under each field, by class and field, from the source of the schema.

    Pydantic can gather it while the classes are made, which would cost every start of every process 15 ms.
    """
    modules = dict.fromkeys(inspect.getmodule(section) for section in (Config, *sections().values()))
    trees = [ast.parse(inspect.getsource(module)) for module in modules if module is not None]
    classes = [node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]
    return {
        (node.name, field): text for node in classes for field, text in _texts(node.body) if text is not None
    }


def _texts(body: list[ast.stmt]) -> Iterator[tuple[str, str | None]]:
    for statement, after in itertools.pairwise(body):
        match statement, after:
            case ast.AnnAssign(target=ast.Name(id=field)), ast.Expr(value=ast.Constant(value=str(text))):
                yield field, " ".join(text.split())
            case _:
                continue
