"""A config on its way: what a file, Python and flags set, laid over one another, each part with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from touchline.configs.document import Document
from touchline.configs.errors import PYTHON, Fault, Place
from touchline.configs.keys import keys, sections
from touchline.configs.kinds import Path

FREE_MAPS = {
    ("env", "kwargs"),
    ("policy", "network_kwargs"),
}  # the values whose parts have names of their own


@dataclass(slots=True)
class Draft:
    """Nested plain data not checked yet; later layers win, key by key."""

    data: dict[str, Any] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def lay(self, document: Document, name: str) -> None:
        """Lay a file's document over what is there."""
        self.sources.append(name)
        self.faults += document.faults
        if document.data is None:
            return
        if not isinstance(document.data, Mapping):
            self.faults.append(_not_a_map(document))
            return
        for path, value in _assignments(document.data):
            self._assign(path, value, document)

    def lay_values(self, values: Mapping[str, Any]) -> None:
        """Lay values given in Python over what is there: nested, by dotted keys, or both."""
        self.sources.append(PYTHON)
        for name, part in values.items():
            for path, value in [(_path(name), part)] if "." in name else _assignments({name: part}):
                self._assign(path, value, _given(path, Place(PYTHON)))

    def lay_flag(self, key: str, value: object) -> None:
        """Lay one flag over what is there; a section's flag takes a map of its keys."""
        flag = Place(f"--{key}")
        self.sources.append(flag.source)
        path = _path(key)
        if len(path) == 1 and path[0] in sections() and isinstance(value, Mapping):
            for inner, part in value.items():
                self._assign((*path, inner), part, _given((*path, inner), flag))
        else:
            self._assign(path, value, _given(path, flag))

    def place(self, path: Path) -> Place:
        """Where the value at a path was given, or the nearest part around it that has a place."""
        for length in range(len(path), -1, -1):
            place = self.values.get(path[:length])
            if place is not None:
                return place
        return Place()

    def rank(self, fault: Fault) -> tuple[int, int, int]:
        """A sort key: files first, by line; then Python; then the flags in their order."""
        source = fault.place.source
        layer = self.sources.index(source) if source in self.sources else len(self.sources)
        return layer, fault.place.line, fault.place.column

    def origin(self, key: str) -> str:
        """Where a key's value came from: its place, several for a map set in parts, or ``default``."""
        path = _path(key)
        whole = self.keys.get(path)
        parts = [place for where, place in self.keys.items() if path in FREE_MAPS and path == where[:-1]]
        elsewhere = [place for place in parts if whole is None or place.source != whole.source]
        places = [str(place) for place in (whole, *elsewhere) if place is not None]
        return ", ".join(dict.fromkeys(places)) or "default"

    def without(self, faulty: set[Path]) -> dict[str, Any]:
        """A copy of the data without what is at, or within, the faulty paths' keys."""
        return {
            name: {inner: v for inner, v in value.items() if (name, inner) not in faulty}
            if name in sections() and isinstance(value, dict)
            else value
            for name, value in self.data.items()
            if (name,) not in faulty
        }

    def _assign(self, path: Path, value: object, document: Document) -> None:
        parent: Any = self.data
        for part in path[:-1]:
            parent = parent.setdefault(part, {})
            if not isinstance(parent, dict):
                return  # what stands there is no map, and is reported as that
        # A later flag may set a part of a map, which is the caller's own where it comes from Python.
        parent[path[-1]] = dict(value) if isinstance(value, Mapping) else value
        self._move(self.keys, document.keys, path)
        self._move(self.values, document.values, path)

    @staticmethod
    def _move(into: dict[Path, Place], new: Mapping[Path, Place], path: Path) -> None:
        for old in [old for old in into if old[: len(path)] == path]:
            del into[old]
        into.update({where: place for where, place in new.items() if where[: len(path)] == path})
        # A section itself is only a frame: its place says where to report what it lacks.
        into.update({where: new[where] for where in (path[:1], ()) if where in new})


def _assignments(data: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    for name, value in data.items():
        path = (name,)
        if name not in sections():
            yield path, value
        elif value is None:
            continue  # a section whose keys are all commented out
        elif isinstance(value, Mapping):
            yield from (((name, inner), part) for inner, part in value.items())
        else:
            yield path, value


def _given(path: Path, place: Place) -> Document:
    return Document(None, {path: place}, {path: place})


def _path(key: str) -> Path:
    section, _, rest = key.partition(".")
    if not rest:
        return (section,)
    head, _, inner = rest.partition(".")
    return (section, head, inner) if (section, head) in FREE_MAPS and inner else (section, rest)


def _not_a_map(document: Document) -> Fault:
    names = ", ".join(dict.fromkeys(key.section or key.field for key in keys().values()))
    kind = type(document.data).__name__
    return Fault(document.values[()], "the file", f"a map of {names}", f"a {kind}")
