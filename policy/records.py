"""Records: the raw form of a Dict or Tuple observation, all its leaves in one row of bytes.

So a batch of observations is one array whatever the space, ``[..., nbytes]`` uint8, and is stored, sent and
checked as one; a leaf is a typed view into it. Leaves begin at multiples of ALIGNMENT bytes, in native byte order
(which Trainer and Players must share, as for any array); what lies between them is zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.kinds import (
    Dict,
    Leaf,
    Path,
    Space,
    Tuple,
    aligned_bytes,
    inside,
    leaves,
    path_text,
    raw_bytes,
    raw_dtype,
    raw_shape,
)

AnyArray = NDArray[Any]


class RecordError(ValueError):
    """A value that is not one of its space: ``where`` (a path), ``expected``, and the value itself, ``found``."""

    def __init__(self, where: str, expected: str, found: object) -> None:
        super().__init__(f"{where}: expected {expected}, found {type(found).__name__}")
        self.where, self.expected, self.found = where, expected, found


@dataclass(frozen=True, slots=True)
class RecordLeaf:
    """One leaf: the names that lead to it, its space, and where in a record it lies, in bytes."""

    path: Path
    space: Leaf
    offset: int
    stop: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @staticmethod
    def at(path: Path, space: Leaf, offset: int) -> RecordLeaf:
        """The leaf that begins at ``offset``; what a view of it needs is looked up once."""
        stop = offset + raw_bytes(space)
        return RecordLeaf(path, space, offset, stop, raw_shape(space), np.dtype(raw_dtype(space)))


@dataclass(frozen=True, slots=True)
class Record:
    """Where the leaves of a space lie. Of a space that is a leaf itself: one leaf with an empty path."""

    space: Space
    leaves: tuple[RecordLeaf, ...]
    nbytes: int

    @staticmethod
    @lru_cache(maxsize=16)
    def of(space: Space) -> Record:
        """The record of a space, the same object for equal spaces."""
        found, offset = [], 0
        for path, leaf in leaves(space):
            found.append(RecordLeaf.at(path, leaf, offset))
            offset += aligned_bytes(leaf)
        return Record(space, tuple(found), offset)

    def view(self, raw: AnyArray, leaf: RecordLeaf) -> AnyArray:
        """A leaf of records ``[..., nbytes]`` as an array ``[..., *leaf shape]`` of its dtype: the same memory."""
        numbers = raw[..., leaf.offset : leaf.stop].view(leaf.dtype)
        return numbers.reshape(raw.shape[:-1] + leaf.shape, copy=False)

    def views(self, raw: AnyArray) -> Iterator[tuple[RecordLeaf, AnyArray]]:
        """Every leaf and its view."""
        return ((leaf, self.view(raw, leaf)) for leaf in self.leaves)

    def pack(self, value: Any, out: AnyArray) -> None:
        """Write one nested value, or a batch of them leaf by leaf, into records ``[..., nbytes]``.

        What numpy casts within its kind is cast. Raises RecordError where a leaf is missing, too many, or of
        another shape or kind.
        """
        self.clear(out)
        values = flat_values(self.space, value)
        for (leaf, view), one in zip(self.views(out), values, strict=True):
            number = view.ndim == 0 and isinstance(one, int | float | np.generic)
            found = np.asarray(one) if number or isinstance(one, np.ndarray) else None
            if found is None or found.shape != view.shape or not _fits(found, view):
                expected = f"an array of {view.dtype} {list(view.shape)}"
                raise RecordError(path_text("observation", leaf.path), expected, one)
            view[...] = found

    def unpack(self, raw: AnyArray) -> Any:
        """The nested value of records ``[..., nbytes]``: views into them, batched as they are."""
        return nested(self.space, [view for _, view in self.views(raw)])

    def clear(self, out: AnyArray) -> None:
        """Zero what no leaf covers: equal observations are equal bytes, and no stray memory is sent."""
        ends = [leaf.offset for leaf in self.leaves[1:]] + [self.nbytes]
        for leaf, end in zip(self.leaves, ends, strict=True):
            if leaf.stop < end:
                out[..., leaf.stop : end] = 0


def _fits(found: AnyArray, into: AnyArray) -> bool:
    return np.can_cast(found.dtype, into.dtype, "same_kind")


def flat_values(space: Space, value: Any, path: Path = ()) -> Iterator[Any]:
    """The leaves of a nested value, in the order of ``leaves``. Raises RecordError where it is not nested so."""
    match space:
        case Tuple():
            if not isinstance(value, tuple | list) or len(value) != len(space.spaces):
                expected = f"a tuple of {len(space.spaces)} values"
                raise RecordError(path_text("observation", path), expected, value)
        case Dict():
            if not isinstance(value, Mapping) or value.keys() != set(space.names):
                expected = f"a dict of {', '.join(map(repr, space.names))}"
                raise RecordError(path_text("observation", path), expected, value)
        case _:
            yield value
            return
    for step, one in inside(space):
        yield from flat_values(one, value[step], (*path, step))


def nested(space: Space, values: Sequence[Any]) -> Any:
    """The inverse of ``flat_values``: tuples and dicts of the leaves' values, in the order of ``leaves``."""
    return _nested(space, iter(values))


def _nested(space: Space, values: Iterator[Any]) -> Any:
    match space:
        case Tuple():
            return tuple(_nested(one, values) for one in space.spaces)
        case Dict():
            return {name: _nested(one, values) for name, one in zip(space.names, space.spaces, strict=True)}
        case _:
            return next(values)
