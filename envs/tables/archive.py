""".npz files: arrays x and y, and test_x and test_y where there is a test set."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.envs.errors import TableError
from touchline.envs.tables.faults import check_finite, check_rows
from touchline.envs.tables.table import Found

EXPECTED = "expected an .npz file of plain arrays, as numpy.savez writes it"
ARRAY, ARCHIVE = b"\x93NUMPY", b"PK"  # how files of numpy.save and numpy.savez begin
UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_npz(path: Path) -> Found:
    """The arrays of a file: x ``[N, ...]``, flattened; y ``[N]`` or ``[N, O]``.

    Whole numbers on one axis, or in one column, are labels. Nothing pickled is loaded. Raises TableError.
    """
    place = str(path)
    arrays = _arrays(path)
    for name in ("x", "y"):
        if name not in arrays:
            raise TableError(
                f"{place}: no array {name}. Expected x and y, found {', '.join(arrays) or 'nothing'}"
            )
    if ("test_x" in arrays) != ("test_y" in arrays):
        raise TableError(f"{place}: expected both test_x and test_y, or neither, found one")
    x, y = _inputs(place, "x", arrays["x"]), _outputs(place, "y", arrays["y"])
    check_rows(place, x=x, y=y)
    if "test_x" not in arrays:
        return Found(x, y)
    test_x, test_y = _inputs(place, "test_x", arrays["test_x"]), _outputs(place, "test_y", arrays["test_y"])
    check_rows(place, x=test_x, y=test_y, test=True)
    _check_alike(place, "test_x", x, test_x)
    _check_alike(place, "test_y", y, test_y)
    return Found(x, y, test_x, test_y)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    with path.open("rb") as file:  # opened here: numpy leaves it open where the archive is damaged
        if not zipfile.is_zipfile(file):
            file.seek(0)
            raise TableError(f"{path}: {EXPECTED}, found {_instead(file.read(len(ARRAY)))}")
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as archive:
                return {name: _array(path, archive, name) for name in archive.files}
        except UNREADABLE:
            raise TableError(f"{path}: {EXPECTED}, found one that is damaged. Write it again") from None


def _instead(start: bytes) -> str:
    """What a file that begins so is, if it is no archive."""
    if start == ARRAY:
        return "a single array. Write it by numpy.savez(FILE, x=..., y=...)"
    if start.startswith(ARCHIVE):
        return "one that is cut short. Write it again"
    return "another kind of file" if start else "an empty file"


def _array(path: Path, archive: Any, name: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = archive[name]
    except ValueError as error:
        if "Object arrays" not in str(error):
            raise
        expected = "expected rows of real numbers, found Python objects, which are not loaded"
        raise TableError(f"{path}: {name}: {expected}. Rows of one length become numbers") from None
    return array


def _inputs(place: str, name: str, array: NDArray[Any]) -> NDArray[Any]:
    _check_numbers(place, name, array)
    return array.reshape(len(array), math.prod(array.shape[1:]))


def _outputs(place: str, name: str, array: NDArray[Any]) -> NDArray[Any]:
    _check_numbers(place, name, array)
    if array.ndim > 2:
        raise TableError(f"{place}: {name}: expected [rows] or [rows, outputs], found {array.ndim} axes")
    columns = array.reshape(len(array), -1)
    if array.dtype.kind != "f" and columns.shape[1] == 1:
        return columns[:, 0].astype(np.int64)
    check_finite(place, name=name, values=columns)
    return columns.astype(np.float64)


def _check_numbers(place: str, name: str, array: NDArray[Any]) -> None:
    if array.dtype.kind not in "buif" or array.size == 0 or array.ndim == 0:
        shape = list(array.shape)
        raise TableError(f"{place}: {name}: expected rows of real numbers, found {array.dtype} {shape}")


def _check_alike(place: str, name: str, one: NDArray[Any], other: NDArray[Any]) -> None:
    """Raise TableError unless rows to test on look like rows to learn from."""
    if one.shape[1:] != other.shape[1:]:
        expected, found = _width(one), _width(other)
        raise TableError(f"{place}: {name}: expected {expected}, as in {name[5:]}, found {found}")


def _width(array: NDArray[Any]) -> str:
    return "labels" if array.ndim == 1 else f"{array.shape[1]} columns of values"
