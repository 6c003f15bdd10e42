"""Kinds of values: for each, how it is read, what it is called, and how an editor may check it.

A schema field is annotated with its Python type and one Kind. Pydantic calls ``Kind.parse`` and nothing else,
so that a value has one reader and one description, wherever it comes from, and a fault is one fault.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeGuard, get_args

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

from touchline.configs.quantities import (
    DURATION_PATTERN,
    NUMBER_PATTERN,
    read_duration,
    read_integer,
    read_number,
)

Schema = dict[str, Any]
Path = tuple[int | str, ...]
NULL = "null"


class Bound(NamedTuple):
    """A bound of a number, by the name that JSON schema gives it."""

    sign: str
    words: str
    holds: Callable[[float, float], bool]


BOUNDS = {
    "minimum": Bound("≥", "of at least", operator.ge),
    "exclusiveMinimum": Bound(">", "above", operator.gt),
    "maximum": Bound("≤", "at most", operator.le),
    "exclusiveMaximum": Bound("<", "below", operator.lt),
}


class UnfitError(ValueError):
    """A value that its kind refuses; ``path`` leads to the offending part, which is ``value``.

    ``also`` holds the further parts that are wrong, so that a list shows all its faults at once.
    """

    def __init__(
        self, kind: Kind, value: object, *, path: Path = (), also: tuple[UnfitError, ...] = ()
    ) -> None:
        super().__init__(f"expected {kind.expected}")
        self.kind, self.value, self.path, self.also = kind, value, path, also

    def under(self, name: int | str) -> list[UnfitError]:
        """The same, and those besides, as seen from what holds the value under a name or position."""
        return [UnfitError(unfit.kind, unfit.value, path=(name, *unfit.path)) for unfit in (self, *self.also)]


def read_parts(parts: Iterable[tuple[Any, object]], read: Callable[[Any], Any]) -> list[tuple[Any, Any]]:
    """Read each part, by its name or position. Raises one UnfitError that holds all that are wrong."""
    values: list[tuple[Any, Any]] = []
    unfits: list[UnfitError] = []
    for name, part in parts:
        try:
            values.append((name, read(part)))
        except UnfitError as unfit:
            unfits += unfit.under(name)
    if unfits:
        first, *rest = unfits
        raise UnfitError(first.kind, first.value, path=first.path, also=tuple(rest))
    return values


@dataclass(frozen=True, slots=True)
class Kind:
    """``short`` is for a help column, ``expected`` for a sentence, ``schema`` for an editor.

    ``read`` gives the value in its final type, or raises ValueError.
    """

    short: str
    expected: str
    read: Callable[[Any], Any]
    schema: Schema
    is_duration: bool = False

    def parse(self, value: object) -> Any:
        """The value in its final type. Raises UnfitError, with the path of what is wrong within the value."""
        try:
            return self.read(value)
        except UnfitError:
            raise
        except (ValueError, OverflowError):
            raise UnfitError(self, value) from None

    def or_word(self, word: str) -> Kind:
        """This kind, or one word such as ``auto``."""
        return self._or(word, word, word, {"const": word})

    def or_null(self, meaning: str = "") -> Kind:
        """This kind, or null."""
        return self._or(NULL, f"{NULL} ({meaning})" if meaning else NULL, None, {"type": NULL})

    def _or(self, short: str, expected: str, constant: str | None, schema: Schema) -> Kind:
        narrow = self.read

        def read(value: object) -> Any:
            # What `narrow` refuses as a whole is then refused in the name of the wider kind, by `parse`.
            return constant if value == constant else narrow(value)

        return replace(
            self,
            short=f"{self.short} | {short}",
            expected=f"{self.expected} or {expected}",
            read=read,
            schema=_any_of(self.schema, schema),
        )

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> Any:
        return core_schema.no_info_plain_validator_function(self.parse)

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> Schema:
        return dict(self.schema)


def integer(minimum: int, maximum: int | None = None) -> Kind:
    """An integer within bounds, both included."""
    given = {"minimum": minimum} if maximum is None else {"minimum": minimum, "maximum": maximum}

    def read(value: object) -> int:
        return int(_bounded(read_integer(value), given))

    short, expected = _bounds("int", "an integer", given)
    return Kind(short, expected, read, _any_of({"type": "integer", **given}, _text(NUMBER_PATTERN)))


def number(
    minimum: float | None = None,
    maximum: float | None = None,
    *,
    above: float | None = None,
    below: float | None = None,
) -> Kind:
    """A float within bounds; ``minimum`` and ``maximum`` belong to it, ``above`` and ``below`` do not."""
    limits = {"minimum": minimum, "maximum": maximum, "exclusiveMinimum": above, "exclusiveMaximum": below}
    given = {name: limit for name, limit in limits.items() if limit is not None}

    def read(value: object) -> float:
        return _bounded(read_number(value), given)

    short, expected = _bounds("float", "a number", given)
    return Kind(short, expected, read, _any_of({"type": "number", **given}, _text(NUMBER_PATTERN)))


def duration() -> Kind:
    """Seconds, more than none, with or without a unit."""
    limits = {"exclusiveMinimum": 0.0}

    def read(value: object) -> float:
        return _bounded(read_duration(value), limits)

    schema = _any_of({"type": "number", **limits}, _text(DURATION_PATTERN))
    return Kind("duration", "a duration above 0, such as 30s, 5m or 2h", read, schema, is_duration=True)


def is_text(value: object) -> TypeGuard[str]:
    """Whether a value is text that can be written down: half of a surrogate pair cannot."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def text(expected: str, *, short: str = "text", accepts: Callable[[str], bool] = bool) -> Kind:
    """Text that ``accepts`` holds for: by default any that is not empty."""

    def read(value: object) -> str:
        if not is_text(value) or not accepts(value):
            raise ValueError("not such a text")
        return value

    return Kind(short, expected, read, {"type": "string"})


def list_of(kind: Kind, expected: str) -> Kind:
    """A list of one kind, kept as a tuple; a fault points at the item."""

    def read(value: object) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)):
            raise ValueError("not a list")
        return tuple(item for _, item in read_parts(enumerate(value), kind.parse))

    return Kind(f"[{kind.short}, …]", expected, read, {"type": "array", "items": kind.schema})


def choice(literal: object) -> Kind:
    """One of the words of a Literal, or of bool, which is the two words true and false."""
    if literal is bool:
        return Kind("true | false", "true or false", _one_of((True, False)), {"type": "boolean"})
    words = tuple(map(str, get_args(literal)))
    return Kind(" | ".join(words), _spoken(words), _one_of(words), {"enum": list(words)})


def nothing(expected: str) -> Kind:
    """Null alone: a key that is kept for what this version does not have."""
    return Kind(NULL, expected, _one_of((None,)), {"type": NULL})


def _one_of(allowed: tuple[object, ...]) -> Callable[[object], object]:
    def read(value: object) -> object:
        # 1 == True in Python; in a file they differ.
        if not any(value == word and type(value) is type(word) for word in allowed):
            raise ValueError("none of them")
        return value

    return read


def _bounded(value: float, limits: Mapping[str, float]) -> float:
    if not all(BOUNDS[name].holds(value, limit) for name, limit in limits.items()):
        raise ValueError("out of bounds")
    return value


def _bounds(short: str, noun: str, limits: Mapping[str, float]) -> tuple[str, str]:
    """How the bounds read in a help column and in a sentence: ``float > 0``, ``a number above 0``."""
    signs = ", ".join(f"{BOUNDS[name].sign} {_exact(limit)}" for name, limit in limits.items())
    if limits.keys() == {"minimum", "maximum"}:
        low, high = _exact(limits["minimum"]), _exact(limits["maximum"])
        return f"{short} {low}..{high}", f"{noun} from {low} to {high}"
    words = " and ".join(f"{BOUNDS[name].words} {_exact(limit)}" for name, limit in limits.items())
    return f"{short} {signs}".strip(), f"{noun} {words}".strip()


def _exact(limit: float) -> str:
    return str(int(limit)) if limit == int(limit) else str(limit)


def _spoken(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _text(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


def _any_of(first: Schema, second: Schema) -> Schema:
    return {"anyOf": [*first.get("anyOf", [first]), second]}
