"""Raw observations to the rows of numbers that a network reads: of one leaf, or of all leaves side by side."""

from __future__ import annotations

import math
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from touchline.policy.kinds import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple, leaves
from touchline.policy.records import Record

FloatArray = NDArray[np.floating[Any]]


def feature_size(space: Space) -> int:
    """How many numbers a network reads of one observation of the space."""
    match space:
        case Box():
            return space.size
        case Discrete():
            return space.n
        case MultiDiscrete():
            return sum(space.nvec)
        case MultiBinary():
            return math.prod(space.shape)
        case Tuple() | Dict():
            return sum(feature_size(leaf) for _, leaf in leaves(space))
        case _:
            assert_never(space)


def encode(space: Space, raw: NDArray[Any], out: FloatArray | None = None) -> FloatArray:
    """Rows ``[N, D]`` of raw observations ``[N, ...]``: numbers flattened, choices one-hot, leaves side by side.

    A float32 Box is returned as a view of ``raw`` when ``out`` is None.
    """
    n = raw.shape[0]
    match space:
        case Box() | MultiBinary():
            flat = raw.reshape(n, feature_size(space))  # not -1, which no rows at all would leave open
            if out is None:
                return flat.astype(np.float32, copy=False)
            np.copyto(out, flat, casting="unsafe")
            return out
        case Discrete():
            return _one_hot(raw.reshape(n, 1) - space.start, (space.n,), out)
        case MultiDiscrete():
            choices = raw.reshape(n, len(space.nvec))
            return _one_hot(choices - np.array(space.start) if space.start else choices, space.nvec, out)
        case Tuple() | Dict():
            return _side_by_side(space, raw, out)
        case _:
            assert_never(space)


def _side_by_side(space: Tuple | Dict, raw: NDArray[Any], out: FloatArray | None) -> FloatArray:
    rows = np.empty((len(raw), feature_size(space)), np.float32) if out is None else out
    start = 0
    for leaf, view in Record.of(space).views(raw):
        stop = start + feature_size(leaf.space)
        encode(leaf.space, view, rows[:, start:stop])
        start = stop
    return rows


def _one_hot(choices: NDArray[Any], sizes: tuple[int, ...], out: FloatArray | None) -> FloatArray:
    n = choices.shape[0]
    rows = np.zeros((n, sum(sizes)), np.float32) if out is None else out
    rows[...] = 0
    offsets = np.concatenate([[0], np.cumsum(sizes[:-1])]).astype(np.int64)
    np.put_along_axis(rows, choices.astype(np.int64) + offsets, 1, axis=1)
    return rows
