"""The kinds of spaces, and the form of their values in arrays.

Gymnasium's space objects carry samplers and random state; these carry only what decides the shape of a
network, so that they compare by value.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import assert_never

import numpy as np


class SpaceError(ValueError):
    """A space that is malformed, or that its use does not support. The text says which are supported."""


@dataclass(frozen=True, slots=True)
class Box:
    """An array of numbers within bounds; ``low`` and ``high`` hold one bound an element, in C order.

    Where there is a ``digest`` they hold the widest of all instead, and it tells spaces with other bounds apart.
    """

    shape: tuple[int, ...]
    dtype: str
    low: tuple[float, ...]
    high: tuple[float, ...]
    digest: str = ""

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __hash__(self) -> int:
        # Without the bounds: an image has thousands of them, and its record is looked up each step.
        return hash((self.shape, self.dtype))


@dataclass(frozen=True, slots=True)
class Discrete:
    """One of ``n`` integers, from ``start``."""

    n: int
    start: int = 0


@dataclass(frozen=True, slots=True)
class MultiDiscrete:
    """Several integers in an array of ``shape``, the i-th in C order one of ``nvec[i]`` from ``start[i]``.

    An empty ``start`` is all 0, an empty ``shape`` one row of them: what a space without either says.
    """

    nvec: tuple[int, ...]
    start: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()

    @property
    def starts(self) -> tuple[int, ...]:
        return self.start or (0,) * len(self.nvec)


@dataclass(frozen=True, slots=True)
class MultiBinary:
    """An array of zeros and ones."""

    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Tuple:
    """One value of each space, in order."""

    spaces: tuple[Space, ...]


@dataclass(frozen=True, slots=True)
class Dict:
    """One value of each space, by name; the names stand in the order of their spaces."""

    names: tuple[str, ...]
    spaces: tuple[Space, ...]


Leaf = Box | Discrete | MultiDiscrete | MultiBinary
Space = Leaf | Tuple | Dict
Path = tuple[str | int, ...]  # names and numbers that lead from a space to a leaf of it
BOX_DTYPES = (
    *("float16", "float32", "float64", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
SUPPORTED_OBSERVATIONS = "Box, Discrete, MultiDiscrete, MultiBinary, Dict, Tuple"
SUPPORTED_ACTIONS = "Discrete, MultiDiscrete, MultiBinary, Box, Dict, Tuple"
ALIGNMENT = 8  # bytes; where the leaves of a record begin


def leaves(space: Space) -> tuple[tuple[Path, Leaf], ...]:
    """Every leaf with its path, depth first; of a leaf itself the empty path."""
    if not isinstance(space, Tuple | Dict):
        return (((), space),)
    return tuple(((step, *path), leaf) for step, one in inside(space) for path, leaf in leaves(one))


def inside(space: Tuple | Dict) -> Iterator[tuple[str | int, Space]]:
    """The spaces directly inside, each with its name or number."""
    return iter(zip(space.names if isinstance(space, Dict) else count(), space.spaces, strict=False))


def path_text(name: str, path: Path) -> str:
    """A leaf as Python would write it: ``observation['camera'][0]``."""
    return name + "".join(f"[{step!r}]" for step in path)


def raw_shape(space: Space) -> tuple[int, ...]:
    """The shape of one raw value of the space in an array; of a Dict or Tuple that of its record."""
    match space:
        case Box() | MultiBinary():
            return space.shape
        case Discrete():
            return ()
        case MultiDiscrete():
            return space.shape or (len(space.nvec),)
        case Tuple() | Dict():
            return (sum(aligned_bytes(leaf) for _, leaf in leaves(space)),)
        case _:
            assert_never(space)


def raw_dtype(space: Space) -> str:
    """The numpy dtype name of a raw value: a Box keeps its own, counts are int64, bits int8, records bytes."""
    match space:
        case Box():
            return space.dtype
        case Discrete() | MultiDiscrete():
            return "int64"
        case MultiBinary():
            return "int8"
        case Tuple() | Dict():
            return "uint8"
        case _:
            assert_never(space)


def raw_bytes(leaf: Leaf) -> int:
    """How many bytes a raw value has."""
    return math.prod(raw_shape(leaf)) * np.dtype(raw_dtype(leaf)).itemsize


def aligned_bytes(leaf: Leaf) -> int:
    """``raw_bytes`` up to the next multiple of ALIGNMENT: what a leaf takes in a record."""
    return -(-raw_bytes(leaf) // ALIGNMENT) * ALIGNMENT
