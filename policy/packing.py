"""Arrays that are mostly 0 as they cross the wire: the non-zero elements alone, exactly, checked on arrival.

Of rows ``[R, D]`` three arrays: ``positions``, the columns of the non-zero elements row by row, ``values`` and
``offsets``, where each row begins among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

AnyArray = NDArray[Any]
PARTS = ("positions", "values", "offsets")
MAX_DENSE_BYTES = 2**30  # what a few numbers from a peer may be made into


class PackingError(ValueError):
    """Arrays that are no packed rows: field, expected, found."""


def pack(name: str, rows: AnyArray) -> dict[str, AnyArray]:
    """Rows ``[R, D]`` of integers as ``name.positions`` uint16 or uint32 ``[n]``, ``.values`` ``[n]``, ``.offsets``
    uint32 ``[R + 1]``."""
    count, width = rows.shape
    flat = rows.reshape(-1)
    places = np.flatnonzero(flat != 0)  # the comparison first: a tenth of the time
    offsets = np.searchsorted(places, np.arange(count + 1) * width)
    columns = places % width if count else places
    return {
        f"{name}.positions": columns.astype(position_dtype(width)),
        f"{name}.values": flat[places],
        f"{name}.offsets": offsets.astype(np.uint32),
    }


def unpack(name: str, arrays: Mapping[str, AnyArray], *, rows: int, width: int, dtype: str) -> AnyArray:
    """What ``pack`` was given: ``dtype`` ``[rows, width]``. Raises PackingError for anything else; it is a peer's."""
    positions, values, offsets = (arrays.get(f"{name}.{part}") for part in PARTS)
    count = 0 if positions is None or positions.ndim != 1 else len(positions)
    positions = _expected(f"{name}.positions", positions, position_dtype(width), (count,))
    values = _expected(f"{name}.values", values, dtype, (count,))
    offsets = _expected(f"{name}.offsets", offsets, "uint32", (rows + 1,)).astype(np.int64)
    if rows * width * np.dtype(dtype).itemsize > MAX_DENSE_BYTES:
        found = f"{rows} of {width} {dtype}"
        raise PackingError(
            f"{name}: expected rows of {MAX_DENSE_BYTES:,} bytes at most in all, found {found}"
        )
    lengths = _lengths(name, offsets, count)
    if count and positions.max() >= width:
        raise PackingError(f"{name}.positions: expected 0 to below {width}, found {positions.max()}")
    places = positions + np.repeat(np.arange(rows) * width, lengths)
    if (places[1:] <= places[:-1]).any():
        raise PackingError(
            f"{name}.positions: expected them to rise within each row, found {_fall(places, width)}"
        )
    dense = np.zeros(rows * width, dtype)
    dense[places] = values
    return dense.reshape(rows, width)


def position_dtype(width: int) -> str:
    """The smaller of two dtypes that holds every column."""
    return "uint16" if width <= 2**16 else "uint32"


def _expected(name: str, found: AnyArray | None, dtype: str, shape: tuple[int, ...]) -> AnyArray:
    if found is None or found.dtype != dtype or found.shape != shape:
        shown = "nothing" if found is None else f"{found.dtype} {list(found.shape)}"
        raise PackingError(f"{name}: expected {dtype} {list(shape)}, found {shown}")
    return found


def _lengths(name: str, offsets: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """How many elements each row has."""
    lengths = np.diff(offsets)
    if offsets[0] != 0 or offsets[-1] != count or (lengths < 0).any():
        raise PackingError(
            f"{name}.offsets: expected a rise from 0 to {count}, found {offsets[0]} to {offsets[-1]}"
            f"{' with a fall between' if (lengths < 0).any() else ''}"
        )
    return lengths


def _fall(places: NDArray[np.int64], width: int) -> str:
    at = int(np.argmax(places[1:] <= places[:-1]))
    return f"{places[at + 1] % width} after {places[at] % width} in row {places[at] // width}"
