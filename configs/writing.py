"""A config back to plain data, for the wire and the run directory, and to YAML that ``load`` reads."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from touchline.configs.keys import keys
from touchline.configs.methods import is_idle
from touchline.configs.quantities import duration_text
from touchline.configs.schema import Config

if TYPE_CHECKING:
    from ruamel.yaml import YAML

COMMENT_COLUMN = 40
PLAIN_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(:[A-Za-z_][A-Za-z0-9_./-]*)?|[0-9.e+-]+(s|m|h)")


def to_plain(config: Config) -> dict[str, Any]:
    """Maps, lists, text and numbers that ``from_plain`` reads back to an equal config."""
    plain: dict[str, Any] = _plain(config.model_dump())
    return plain


def dump_yaml(config: Config, *, origin: Mapping[str, str] | None = None) -> str:
    """The config as YAML: every key that its run reads; with ``origin``, comments say where values came from."""
    from ruamel.yaml.comments import CommentedMap

    root = CommentedMap()
    for name, key in keys().items():
        if is_idle(config, name):
            continue
        parent = root.setdefault(key.section, CommentedMap()) if key.section else root
        owner = getattr(config, key.section) if key.section else config
        value = _plain(getattr(owner, key.field))
        parent[key.field] = _written(_with_unit(value, is_duration=key.kind.is_duration))
        if origin and origin.get(name, "default") != "default":
            parent.yaml_add_eol_comment(origin[name], key.field, column=COMMENT_COLUMN)
    out = io.StringIO()
    _writer().dump(root, out)
    return out.getvalue()


def _writer() -> YAML:
    from ruamel.yaml import YAML
    from ruamel.yaml.nodes import ScalarNode
    from ruamel.yaml.representer import RoundTripRepresenter

    class Representer(RoundTripRepresenter):
        def represent_null(self, _: None) -> ScalarNode:
            return self.represent_scalar("tag:yaml.org,2002:null", "null")  # ruamel's own writes nothing

    Representer.add_representer(type(None), Representer.represent_null)
    yaml = YAML()
    yaml.Representer = Representer
    yaml.width = 1 << 30  # a long value stays on its line
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    return yaml


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    match value:
        case Mapping():
            return {name: _plain(part) for name, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case _:
            return value


def _with_unit(value: Any, *, is_duration: bool) -> Any:
    return duration_text(value) if is_duration and value is not None else value


def _written(value: Any) -> Any:
    """The value as ruamel's own types, which say how it is to look."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    match value:
        case str():
            # ruamel leaves a text like ":0" bare inside of brackets, and then cannot read it.
            return value if PLAIN_WORD.fullmatch(value) else DoubleQuotedScalarString(value)
        case dict():
            collection: CommentedMap | CommentedSeq = CommentedMap(
                (_written(name), _written(part)) for name, part in value.items()
            )
        case list():
            collection = CommentedSeq(map(_written, value))
        case _:
            return value
    collection.fa.set_flow_style()
    return collection
