"""J. Ott's local training (*Neural-Network-Parallelization*): many steps with momentum on one sample after another.

Two layers of sigmoids, no biases, squared error. On each sample, with velocities that begin at 0, ``inner`` times:

    o2 = σ(x W1)                   o3 = σ(o2 W2)
    t3 = o3 (1 − o3) (y − o3)      t2 = o2 (1 − o2) (W2 t3)
    d2 = rate o2ᵀ t3 + mu d2       W2 += d2
    d1 = rate xᵀ t2 + mu d1        W1 += d1

x is fixed meanwhile, so that d1 = xᵀ d and W1 moves along x alone: x W1 += |x|² d. The steps below keep x W1, d and
the sum of the d's, and touch W1 once a sample. The same numbers at a twentieth of the work.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.targets.errors import TargetError

FloatArray = NDArray[np.floating[Any]]


def ott_exact(
    w1: FloatArray,
    w2: FloatArray,
    x: FloatArray,
    y: FloatArray,
    *,
    inner: int = 512,
    learning_rate: float = 1e-3,
    momentum: float = 0.9,
) -> tuple[FloatArray, FloatArray]:
    """One pass over the samples: new (w1 float64 ``[D, H]``, w2 float64 ``[H, O]``).

    x ``[n, D]``, y ``[n, O]``. Raises TargetError for shapes that do not fit.
    """
    (w1,), (w2,) = ott_exact_many(
        w1[None], w2[None], x[None], y[None], inner=inner, learning_rate=learning_rate, momentum=momentum
    )
    return w1, w2


def ott_exact_many(
    w1: FloatArray,
    w2: FloatArray,
    x: FloatArray,
    y: FloatArray,
    *,
    inner: int = 512,
    learning_rate: float = 1e-3,
    momentum: float = 0.9,
) -> tuple[FloatArray, FloatArray]:
    """K networks in lockstep, each on samples of its own: new (w1 float64 ``[K, D, H]``, w2 float64 ``[K, H, O]``).

    x ``[K, n, D]``, y ``[K, n, O]``. Each network gets what it would get alone; together they share the cost of the
    calls, which is most of it for one network. Samples follow each other, so that a pass may be cut anywhere:
    the rest goes on from the weights returned. Raises TargetError for shapes that do not fit.
    """
    _check(w1, w2, x, y)
    w1 = w1.astype(np.float64)
    w2_t = np.array(np.swapaxes(w2, 1, 2), np.float64, order="C")  # [K, O, H]: the long axis is contiguous
    steps = _Lockstep(w2_t, learning_rate=learning_rate, momentum=momentum)
    for row in range(x.shape[1]):
        given, wanted = x[:, row].astype(np.float64), y[:, row].astype(np.float64)
        active = [np.flatnonzero(one) for one in given]  # most pixels of a digit are 0
        sums = np.stack([one[at] @ w[at] for one, at, w in zip(given, active, w1, strict=True)])
        moved = steps.descend(sums, np.square(given).sum(axis=1), wanted, inner=inner)
        for one, at, w, along in zip(given, active, w1, moved, strict=True):
            w[at] += one[at][:, None] * along
    return w1, np.ascontiguousarray(np.swapaxes(w2_t, 1, 2))


class _Lockstep:
    """The steps on one sample of K networks at once. ``w2_t`` ``[K, O, H]`` is moved in place.

    Every array of the loop is made once: at this size allocating costs as much as computing.
    """

    def __init__(self, w2_t: FloatArray, *, learning_rate: float, momentum: float) -> None:
        networks, outputs, hidden = w2_t.shape
        self._w2_t, self._rate, self._momentum = w2_t, learning_rate, momentum
        self._d2, self._step = np.empty_like(w2_t), np.empty_like(w2_t)
        self._o2, self._t2 = np.empty((networks, hidden)), np.empty((networks, hidden))
        self._o3, self._t3 = np.empty((networks, outputs)), np.empty((networks, outputs))
        self._slope2, self._slope3 = np.empty_like(self._o2), np.empty_like(self._o3)

    def descend(
        self, sums: FloatArray, squared_norm: FloatArray, wanted: FloatArray, *, inner: int
    ) -> FloatArray:
        """How far each W1 has moved along x, float64 ``[K, H]``.

        ``sums`` ``[K, H]`` is x W1 (moved in place), ``squared_norm`` ``[K]`` |x|², ``wanted`` ``[K, O]`` y.
        """
        w2_t, d2, step, momentum = self._w2_t, self._d2, self._step, self._momentum
        o2, t2, o3, t3, slope2, slope3 = self._o2, self._t2, self._o3, self._t3, self._slope2, self._slope3
        norm = squared_norm[:, None]
        d, moved = np.zeros_like(sums), np.zeros_like(sums)
        d2[...] = 0
        for _ in range(inner):
            _sigmoid(sums, o2, slope2)
            np.matmul(w2_t, o2[:, :, None], out=o3[:, :, None])
            _sigmoid(o3, o3, slope3)
            np.subtract(wanted, o3, out=t3)
            t3 *= slope3
            t3 *= self._rate
            np.matmul(t3[:, None], w2_t, out=t2[:, None])  # with W2 as it was before this step
            t2 *= slope2
            np.multiply(t3[:, :, None], o2[:, None], out=step)
            d2 *= momentum
            d2 += step
            w2_t += d2
            d *= momentum
            d += t2
            moved += d
            np.multiply(d, norm, out=t2)
            sums += t2
        return moved


def _sigmoid(z: FloatArray, out: FloatArray, slope: FloatArray) -> None:
    """σ(z) and σ (1 − σ), into ``out`` and ``slope``."""
    np.multiply(z, 0.5, out=out)
    np.tanh(out, out=out)
    out += 1
    out *= 0.5
    np.subtract(1, out, out=slope)
    slope *= out


def _check(w1: FloatArray, w2: FloatArray, x: FloatArray, y: FloatArray) -> None:
    networks, inputs, hidden = w1.shape
    expected = {
        "w2": (w2, (networks, hidden, w2.shape[-1])),
        "x": (x, (networks, x.shape[1], inputs)),
        "y": (y, (networks, x.shape[1], w2.shape[-1])),
    }
    for name, (found, shape) in expected.items():
        if found.shape != shape:
            raise TargetError(f"{name}: expected {list(shape)}, found {list(found.shape)}")
