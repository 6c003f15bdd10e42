"""A dense layer whose inputs are integers and mostly 0: forward and backward over the columns that are used.

The rows stay dense, which costs nothing but their bytes. A few of them at a time use few columns between them: those
are gathered and multiplied, the rest would have added 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.products import Product
from touchline.policy.spaces import Box, Space, SpaceError

AnyArray = NDArray[Any]
FloatArray = NDArray[np.floating[Any]]
ROWS = 64  # more share fewer columns a row, and use more; for 6,400 pixels 64 to 128 are quickest


def sparse_dense(
    x: AnyArray, w: FloatArray, b: FloatArray | None, out: FloatArray | None = None
) -> FloatArray:
    """``x W + b``. x integers ``[N, I]``, w ``[I, O]``, b ``[O]``, ``[N, O]`` or None -> ``[N, O]`` of w's dtype."""
    z = np.empty((len(x), w.shape[1]), w.dtype) if out is None else out
    for part in _parts(len(x)):
        rows = x[part]
        used = used_columns(rows)
        np.dot(rows[:, used].astype(w.dtype), w[used], z[part])
    if b is not None:
        z += b
    return z


def sparse_dense_backward(x: AnyArray, d: FloatArray, dw: FloatArray, db: FloatArray | None) -> None:
    """Add the gradient to ``dw`` ``[I, O]`` and ``db`` ``[O]``: ``xᵀ d`` and ``1ᵀ d``, for integers x ``[N, I]``."""
    for part in _parts(len(x)):
        rows = x[part]
        used = used_columns(rows)
        dw[used] += rows[:, used].astype(d.dtype).T @ d[part]
    if db is not None:
        db += d.sum(axis=0)


def used_columns(x: AnyArray) -> NDArray[np.intp]:
    """The columns of integers ``[N, I]`` that are not 0 everywhere, ascending."""
    return np.flatnonzero(np.bitwise_or.reduce(x, axis=0) != 0)  # the comparison first: six times as quick


def check_sparse(space: Space) -> None:
    """Raises SpaceError where the space is not one that ``policy.sparse`` serves."""
    if isinstance(space, Box) and np.dtype(space.dtype).kind in "iu":
        return
    found = f"a Box of {space.dtype}" if isinstance(space, Box) else type(space).__name__
    raise SpaceError(
        f"policy.sparse: expected observations in a Box of integers, such as int8, found {found}. "
        "A wrapper can give them so; policy.sparse: false serves every space"
    )


def _parts(rows: int) -> Iterator[slice]:
    return (slice(start, start + ROWS) for start in range(0, rows, ROWS))


SPARSE = Product(sparse_dense, sparse_dense_backward)
