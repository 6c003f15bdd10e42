"""Text to plain data with the place of every key and value, as YAML 1.2 reads it.

ruamel's constructor stops at the first duplicate key and keeps no place of a scalar; its composer gives the
nodes, from which both can be had at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from touchline.configs.errors import ConfigError, Fault, Place
from touchline.configs.kinds import Path

if TYPE_CHECKING:
    from ruamel.yaml.nodes import MappingNode, Node

MAX_NODES = 100_000  # aliases of aliases grow exponentially
TEXT_TAGS = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp"}
SCALAR_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float")}


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data, where each part's key and value stand, and what was wrong."""

    data: object
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def read_document(text: str, name: str) -> Document:
    """The document in a file's text. Raises ConfigError, with one fault, if it is not YAML at all."""
    node = _compose(text, name)
    reader = _Reader(name)
    return Document(reader.read(node, ()), reader.keys, reader.values, reader.faults)


def read_scalar(text: str, flag: str, key: str) -> object:
    """The value that a flag's text would be in a file. Raises ConfigError at the flag."""
    try:
        document = read_document(text, "")
    except ConfigError as error:
        raise ConfigError([_at_flag(fault, flag, key) for fault in error.faults]) from None
    if document.faults:
        raise ConfigError([_at_flag(fault, flag, key) for fault in document.faults])
    return document.data


def _at_flag(fault: Fault, flag: str, key: str) -> Fault:
    return Fault(Place(flag), key, fault.expected, fault.found, fault.hint)


def _compose(text: str, name: str) -> Node | None:
    # Not at the top: a Player gets its config over the wire and never reads YAML.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.composer.warn_double_anchors = False  # YAML allows them
        node: Node | None = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name, 1, 1)
        problem = " ".join(filter(None, (error.context, error.problem)))
        raise ConfigError([Fault(place, "", None, f"not YAML: {problem}")]) from None
    except (YAMLError, RecursionError, ValueError) as error:
        problem = "nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise ConfigError([Fault(Place(name, 1, 1), "", None, f"not YAML: {problem}")]) from None
    return node


class _Reader:
    """One walk over a tree of nodes, noting places and faults on the way."""

    def __init__(self, name: str) -> None:
        from ruamel.yaml import YAML

        self.name = name
        self.keys: dict[Path, Place] = {}
        self.values: dict[Path, Place] = {}
        self.faults: list[Fault] = []
        self._open: set[int] = set()
        self._nodes = 0
        self._constructor = YAML(typ="safe", pure=True).constructor

    def read(self, node: Node | None, path: Path) -> Any:
        """The plain data under a node; its places go under ``path``."""
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        if node is None:
            return None
        self.values[path] = self._place(node)
        self._admit(node)
        try:
            if isinstance(node, MappingNode):
                return self._map(node, path)
            if isinstance(node, SequenceNode):
                return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._scalar(node)
        finally:
            self._open.discard(id(node))

    def _admit(self, node: Node) -> None:
        self._nodes += 1
        if id(node) in self._open:
            raise ConfigError([Fault(self._place(node), "", None, "an alias inside of what it names")])
        if self._nodes > MAX_NODES:
            raise ConfigError([Fault(self._place(node), "", None, f"more than {MAX_NODES} values")])
        self._open.add(id(node))

    def _map(self, node: MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            if key in data:
                first = self.keys[*path, key].line
                self._fault(key_node, f"key '{_dotted((*path, key))}' appears twice, first in line {first}")
                continue
            self.keys[*path, key] = self._place(key_node)
            data[key] = self.read(value_node, (*path, key))
        return data

    def _key(self, node: Node, path: Path) -> str | None:
        value = self._scalar(node) if isinstance(node.value, str) else None
        if isinstance(value, str):
            return value
        where = f" under '{_dotted(path)}'" if path else ""
        self._fault(node, f"a key{where} is not text", "Quote it" if value is not None else "")
        return None

    def _scalar(self, node: Node) -> object:
        tag = str(node.tag)
        if tag in TEXT_TAGS:
            return node.value
        if tag not in SCALAR_TAGS:
            self._fault(node, f"tag '{tag}' is not understood", "Write plain YAML")
            return node.value
        try:
            value: object = self._constructor.construct_object(node)
        except (ValueError, KeyError):
            self._fault(node, f"'{node.value}' is not of its tag '{tag}'")
            return node.value
        return value

    def _fault(self, node: Node, text: str, hint: str = "") -> None:
        self.faults.append(Fault(self._place(node), "", None, text, hint))

    def _place(self, node: Node) -> Place:
        return Place(self.name, node.start_mark.line + 1, node.start_mark.column + 1)


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))
