"""Spaces as plain data: what a Player announces in READY and a Trainer builds a network from.

Gymnasium's space objects carry samplers and random state; these carry only what decides the shape of a
network, so that they cross the wire as maps of numbers and compare by value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, assert_never


class SpaceError(ValueError):
    """A space that is malformed, or that its use does not support. The text says which are supported."""


@dataclass(frozen=True, slots=True)
class Box:
    """An array of numbers within bounds; ``low`` and ``high`` hold one bound an element, in C order."""

    shape: tuple[int, ...]
    dtype: str
    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Discrete:
    """One of ``n`` integers, from ``start``."""

    n: int
    start: int = 0


@dataclass(frozen=True, slots=True)
class MultiDiscrete:
    """Several integers, the i-th one of ``nvec[i]`` from 0."""

    nvec: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MultiBinary:
    """An array of zeros and ones."""

    shape: tuple[int, ...]


Space = Box | Discrete | MultiDiscrete | MultiBinary
KINDS: dict[str, type[Space]] = {
    "box": Box,
    "discrete": Discrete,
    "multi_discrete": MultiDiscrete,
    "multi_binary": MultiBinary,
}
BOX_DTYPES = (
    *("float16", "float32", "float64", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
SUPPORTED_OBSERVATIONS = "Box, Discrete, MultiDiscrete, MultiBinary"
SUPPORTED_ACTIONS = "Discrete, MultiDiscrete, Box"


def to_plain(space: Space) -> dict[str, Any]:
    """A map of strings and numbers that ``from_plain`` reads back to an equal space."""
    kind = next(name for name, cls in KINDS.items() if isinstance(space, cls))
    plain = {"kind": kind, **asdict(space)}
    for bound in ("low", "high"):
        values = plain.get(bound)
        if values and len(set(values)) == 1:  # an image's bounds would not fit into a message one by one
            plain[bound] = values[0]
    return plain


def from_plain(plain: Mapping[str, Any]) -> Space:
    """The space that ``to_plain`` wrote. Raises SpaceError for anything else; it may come from a peer."""
    fields = dict(plain)
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise SpaceError(f"space: expected a kind among {', '.join(KINDS)}, found {kind!r}")
    try:
        for bound in {"low", "high"} & fields.keys():
            if isinstance(fields[bound], int | float):
                fields[bound] = (fields[bound],) * math.prod(fields.get("shape") or ())
        space = KINDS[kind](**{name: _frozen(value) for name, value in fields.items()})
        _validate(space)
    except (TypeError, ValueError) as error:
        raise SpaceError(f"space {kind}: {error}") from None
    return space


def raw_shape(space: Space) -> tuple[int, ...]:
    """The shape of one raw value of the space in an array."""
    match space:
        case Box() | MultiBinary():
            return space.shape
        case Discrete():
            return ()
        case MultiDiscrete():
            return (len(space.nvec),)
        case _:
            assert_never(space)


def raw_dtype(space: Space) -> str:
    """The numpy dtype name of a raw value: a Box keeps its own, counts are int64, bits are int8."""
    match space:
        case Box():
            return space.dtype
        case Discrete() | MultiDiscrete():
            return "int64"
        case MultiBinary():
            return "int8"
        case _:
            assert_never(space)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _validate(space: Space) -> None:
    match space:
        case Box():
            _positive_integers("shape", space.shape)
            if space.dtype not in BOX_DTYPES:
                raise ValueError(f"dtype: expected one of {', '.join(BOX_DTYPES)}, found {space.dtype!r}")
            _numbers("low", space.low)
            _numbers("high", space.high)
            if len(space.low) != space.size or len(space.high) != space.size:
                raise ValueError(
                    f"bounds: expected {space.size} of each, found {len(space.low)} and {len(space.high)}"
                )
        case Discrete():
            _positive_integers("n", (space.n,))
            if not _is_integer(space.start):
                raise ValueError(f"start: expected an integer, found {space.start!r}")
        case MultiDiscrete():
            _positive_integers("nvec", space.nvec)
        case MultiBinary():
            _positive_integers("shape", space.shape)
        case _:
            assert_never(space)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _positive_integers(field: str, values: object) -> None:
    if not isinstance(values, tuple):
        raise ValueError(f"{field}: expected a list of integers, found {values!r}")
    wrong = [value for value in values if not (_is_integer(value) and value >= 1)]
    if wrong:
        raise ValueError(f"{field}: expected integers of at least 1, found {wrong[0]!r}")


def _numbers(field: str, values: object) -> None:
    if not isinstance(values, tuple) or any(not isinstance(value, int | float) for value in values):
        raise ValueError(f"{field}: expected a list of numbers, found {values!r}")
