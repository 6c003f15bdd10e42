"""idx files, the format of MNIST and its kin, and the folders they stand in.

A file is two zero bytes, a type code, the number of axes, the axes as big-endian uint32, and the numbers,
big-endian. After http://yann.lecun.com/exdb/mnist.
"""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.envs.errors import TableError
from touchline.envs.tables.faults import check_rows
from touchline.envs.tables.table import Found

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP = b"\x1f\x8b"
NAME = re.compile(r"(.*?)(train|t10k|test)[-_](images|labels)[-._]idx\d[-._]ubyte(?:\.gz)?", re.IGNORECASE)
EXPECTED = "train-images-idx3-ubyte and train-labels-idx1-ubyte, with or without .gz"

Files = dict[tuple[str, str], Path]  # by (train or test, images or labels)


def is_idx(path: Path) -> bool:
    """Whether a file is named as the parts of MNIST are."""
    return NAME.fullmatch(path.name) is not None


def read_idx(path: Path) -> Found:
    """The set of a folder, or the one that a file belongs to; images flattened, ``[N, D]`` of the file's type.

    Raises TableError: no such set, a file cut short, images without labels.
    """
    files = _files(path)
    x, y = _pair(files, "train", path)
    if not any(part == "test" for part, _ in files):
        return Found(x, y)
    test_x, test_y = _pair(files, "test", path)
    if test_x.shape[1] != x.shape[1]:
        raise TableError(
            f"{path}: expected images of {x.shape[1]} numbers to test on, found {test_x.shape[1]}"
        )
    return Found(x, y, test_x, test_y)


def parse_idx(data: bytes, *, place: str) -> NDArray[Any]:
    """The array of one file, in the machine's byte order. Raises TableError."""
    data = _unpacked(data, place)
    dtype = DTYPES.get(data[2]) if len(data) >= 4 and data[:2] == b"\0\0" else None
    if dtype is None:
        raise TableError(
            f"{place}: expected an idx file, which begins with 0, 0 and a type code, found {_start(data)}"
        )
    axes, start = data[3], 4 + 4 * data[3]
    if len(data) < start:
        raise TableError(f"{place}: cut short: expected a header of {start} bytes, the file has {len(data)}")
    shape = tuple(int(size) for size in np.frombuffer(data, ">u4", axes, 4))
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if len(data) - start != size:
        fault = "cut short" if len(data) - start < size else "too long"
        header = " x ".join(map(str, shape))
        raise TableError(
            f"{place}: {fault}: the header says {header}, {size} bytes, and {len(data) - start} follow it"
        )
    array = np.frombuffer(data, dtype, offset=start).reshape(shape)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _unpacked(data: bytes, place: str) -> bytes:
    if not data.startswith(GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise TableError(
            f"{place}: expected a whole gzip file, found one that does not unpack: {error}"
        ) from None


def _start(data: bytes) -> str:
    return "the bytes " + ", ".join(map(str, data[:4])) if data else "an empty file"


def _files(path: Path) -> Files:
    """The files of one set. A folder may hold several, told apart by what precedes ``train``: then a file names one."""
    named = NAME.fullmatch(path.name) if path.is_file() else None
    folder = path.parent if named else path
    by_prefix: dict[str, Files] = {}
    # Sorted, so that a file comes before its .gz and is the one that is read.
    for entry in sorted(folder.iterdir()):
        if match := NAME.fullmatch(entry.name):
            prefix, part, kind = match.groups()
            files = by_prefix.setdefault(prefix, {})
            files.setdefault(("train" if part.lower() == "train" else "test", kind.lower()), entry)
    if named:
        return by_prefix[named[1]]
    if len(by_prefix) == 1:
        return next(iter(by_prefix.values()))
    if by_prefix:
        sets = ", ".join(repr(prefix) for prefix in by_prefix)
        raise TableError(
            f"{path}: expected one set of idx files, found those of {sets}. Give one of the files"
        )
    raise TableError(f"{path}: expected idx files named {EXPECTED}, found none")


def _pair(files: Mapping[tuple[str, str], Path], part: str, path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Images ``[N, D]`` and labels int64 ``[N]`` of training or test."""
    images, labels = (_array(files, part, kind, path) for kind in ("images", "labels"))
    if images.ndim < 2:
        raise TableError(f"{path}: {part} images: expected two axes or more, found {images.ndim}")
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise TableError(
            f"{path}: {part} labels: expected whole numbers on one axis, found {labels.ndim} axes"
        )
    x = images.reshape(len(images), math.prod(images.shape[1:]))
    check_rows(str(path), x=x, y=labels, test=part == "test")
    return x, labels.astype(np.int64)


def _array(files: Mapping[tuple[str, str], Path], part: str, kind: str, path: Path) -> NDArray[Any]:
    file = files.get((part, kind))
    if file is None:
        raise TableError(f"{path}: no file of {part} {kind}. A set is files named {EXPECTED}")
    return parse_idx(file.read_bytes(), place=str(file))
