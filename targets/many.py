"""The error of one network at many points of its weights at once.

A small network on a small table costs more in calls than in arithmetic, so that thousands of points go through each
call together. Every product is still made point by point, with the shapes that it has for one point alone: the values
are those of ``TableNetwork.error``, whatever the points beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.targets.activations import activate
from touchline.targets.checking import checked_inputs, checked_targets
from touchline.targets.errors import TargetError
from touchline.targets.network import TableNetwork

FloatArray = NDArray[np.floating[Any]]
NUMBERS_AT_ONCE = 32_768  # of the widest layer, 256 KiB: what one layer makes of them stays in the cache
WORST = float(np.finfo(np.float64).max)


def mean_errors(
    network: TableNetwork, points: FloatArray, x: FloatArray, y: FloatArray
) -> NDArray[np.float64]:
    """The mean error over rows x ``[N, inputs]``, y ``[N, outputs]`` at points float64 ``[P, size]``, float64 ``[P]``.

    One that is no number, or infinite, counts as the greatest there is, so that any two can be compared.
    TargetError: the shapes do not fit the network.
    """
    x, y = checked_inputs(x, network.inputs), checked_targets(y, len(x), network.head.outputs)
    if points.ndim != 2 or points.shape[1] != network.size or points.dtype != np.float64:
        raise TargetError(
            f"points: expected float64 [points, {network.size}], found {points.dtype} {list(points.shape)}"
        )
    found = np.empty(len(points))
    at_once = points_at_once(network, len(x))
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(points), at_once):
            some = slice(start, start + at_once)
            found[some] = _errors(network, points[some], x, y) / len(x)
    np.nan_to_num(found, copy=False, nan=WORST, posinf=WORST)
    return found


def points_at_once(network: TableNetwork, rows: int) -> int:
    """How many points share one call, 1 or more."""
    widest = max(network.inputs, *network.hidden, network.head.outputs)
    return max(1, NUMBERS_AT_ONCE // (rows * widest))


def chunks(numbers: range, at_once: int) -> Iterator[range]:
    """Consecutive parts of ``numbers``, of at most so many each."""
    for start in range(numbers.start, numbers.stop, at_once):
        yield range(start, min(start + at_once, numbers.stop))


def _errors(network: TableNetwork, points: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """Summed over the rows, float64 ``[P]``. h and z are ``[P, N, width]``."""
    p = {
        slot.name: points[:, slot.start : slot.stop].reshape(len(points), *slot.shape)
        for slot in network.layout.slots
    }
    h = np.broadcast_to(x, (len(points), *x.shape))
    for layer in network.layers:
        z = h @ p[f"{layer}/weight"]
        if network.bias:
            z += p[f"{layer}/bias"][:, None]
        rows = z.reshape(-1, z.shape[-1])
        if layer < len(network.hidden):
            h = activate(network.activations[layer], rows).reshape(z.shape)
    errors = network.head.errors(rows, np.tile(y, (len(points), 1)))
    summed: FloatArray = errors.reshape(len(points), -1).sum(axis=1)
    return summed
