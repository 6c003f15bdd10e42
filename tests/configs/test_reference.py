"""The JSON schema agrees with the loader, and the file that is shipped is current."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from touchline.configs import ConfigError, dump_yaml, from_plain, json_schema, load, preset_names
from touchline.configs.document import read_document
from touchline.configs.keys import keys, sections
from touchline.configs.presets import FOLDER
from touchline.configs.schema_file import SCHEMA_FILE, schema_text

TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def fits(value: object, schema: dict[str, Any]) -> bool:
    """A JSON schema validator of the words that the schema uses."""
    if "anyOf" in schema:
        return any(fits(value, part) for part in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return value in schema.get("enum", [schema.get("const")])
    return _of_type(value, schema) and _in_bounds(value, schema) and _parts_fit(value, schema)


def _of_type(value: object, schema: dict[str, Any]) -> bool:
    wanted = schema.get("type", list(TYPES))
    for name in [wanted] if isinstance(wanted, str) else wanted:
        if isinstance(value, TYPES[name]) and (not isinstance(value, bool) or name == "boolean"):
            return True
        if name == "integer" and isinstance(value, float) and value.is_integer():
            return True
    return False


def _in_bounds(value: Any, schema: dict[str, Any]) -> bool:
    return (
        ("minimum" not in schema or value >= schema["minimum"])
        and ("maximum" not in schema or value <= schema["maximum"])
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
        and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
        and ("pattern" not in schema or re.search(schema["pattern"], value) is not None)
        and ("minProperties" not in schema or len(value) >= schema["minProperties"])
        and ("maxProperties" not in schema or len(value) <= schema["maxProperties"])
    )


def _parts_fit(value: object, schema: dict[str, Any]) -> bool:
    if isinstance(value, list) and "items" in schema:
        return all(fits(item, schema["items"]) for item in value)
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        return all(name in known and fits(part, known[name]) for name, part in value.items())
    return True


def data_of(text: str) -> object:
    return read_document(text, "f").data


def test_the_shipped_schema_is_current() -> None:
    """After a change: python -m touchline.configs.schema_file."""
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()


def test_the_schema_is_plain_json() -> None:
    assert json.loads(json.dumps(json_schema())) == json_schema()


def test_the_schema_holds_every_key_with_its_help() -> None:
    properties = json_schema()["properties"]
    described = {f"{name}.{field}" for name in sections() for field in properties[name]["properties"]} | {
        name for name in properties if name not in sections()
    }
    assert described == set(keys())
    for name in sections():
        for field, schema in properties[name]["properties"].items():
            assert schema["description"].endswith("."), field


def test_defaults_fit_their_own_schema() -> None:
    properties = json_schema()["properties"]
    for name, key in keys().items():
        schema = properties[key.section]["properties"][key.field] if key.section else properties[key.field]
        assert name == "env.id" or fits(schema["default"], schema), name


@pytest.mark.parametrize("name", preset_names())
def test_presets_fit(name: str) -> None:
    assert fits(data_of((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")), json_schema())
    assert fits(data_of(dump_yaml(load(name).config)), json_schema())


@pytest.mark.parametrize(
    "text",
    [
        "stop: {steps: 1.5M}",
        "stop: {steps: 2e6}",
        "stop: {steps: null, mean_return: threshold}",
        "save: {every: 90}",
        "save: {every: 1.5 h}",
        "env: {id: X, wrappers: [A, {B: {c: 1}}], kwargs: {a: [1]}}",
        "log: {live: false}",
        "players:",
        "optimizer: {learning_rate: 1e-4}",
    ],
)
def test_what_the_loader_reads_the_schema_allows(text: str) -> None:
    data = data_of(text)
    assert fits(data, json_schema())
    load(None, [("env.id", "X")], values={name: part for name, part in dict(data).items() if part})  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "text",
    [
        "nope: 1",
        "players: {cuont: 1}",
        "players: {lanes: 0}",
        "players: {lanes: 1.5}",
        "players: {lanes: many}",
        "players: 3",
        "trainer: {gamma: 1.1}",
        "optimizer: {learning_rate: 0}",
        "optimizer: {beta1: 1}",
        "policy: {hidden: 64}",
        "policy: {hidden: [0]}",
        "policy: {activation: rellu}",
        "log: {tensorboard: 1}",
        "net: {port: 70000}",
        "net: {keys: abc}",
        "save: {every: soon}",
        "env: {wrappers: [{A: {}, B: {}}]}",
        "mode: asink",
        "seed: -1",
    ],
)
def test_what_the_schema_refuses_the_loader_refuses(text: str) -> None:
    data = data_of(text)
    assert isinstance(data, dict)
    assert not fits(data, json_schema())
    with pytest.raises(ConfigError):
        from_plain({**data, "env": {"id": "X", **data.get("env", {})}})
