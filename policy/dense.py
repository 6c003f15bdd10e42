"""Dense layers: the forward and the backward pass side by side, and their initialisation.

The backward pass needs the activations alone, never the sums before them: every activation here has a
derivative that its own value gives. That is why a Player can push its hidden states and the Trainer can
differentiate without a forward pass.
"""

from __future__ import annotations

from typing import Any, Literal, assert_never

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
Activation = Literal["tanh", "relu", "elu"]


def activate(kind: Activation, z: FloatArray) -> None:
    """Apply the activation to ``z`` in place."""
    match kind:
        case "tanh":
            np.tanh(z, out=z)
        case "relu":
            np.maximum(z, 0, out=z)
        case "elu":
            # expm1 of the negative part is 0 where z is positive, so the sum has no branch.
            positive = np.maximum(z, 0)
            np.minimum(z, 0, out=z)
            np.expm1(z, out=z)
            z += positive
        case _:
            assert_never(kind)


def times_derivative(kind: Activation, d: FloatArray, h: FloatArray) -> None:
    """Multiply ``d`` in place by the derivative of the activation, from its value ``h`` alone.

    tanh: 1 − h². relu: [h > 0]. elu: 1 where h > 0, else h + 1.
    """
    match kind:
        case "tanh":
            slope = np.square(h)
            np.subtract(1, slope, out=slope)
            d *= slope
        case "relu":
            d *= h > 0
        case "elu":
            d *= np.minimum(h, 0) + h.dtype.type(1)
        case _:
            assert_never(kind)


def dense(x: FloatArray, w: FloatArray, b: FloatArray | None, out: FloatArray | None = None) -> FloatArray:
    """``x W + b``. x ``[N, I]``, w ``[I, O]``, b ``[O]``, ``[N, O]`` or None -> ``[N, O]``."""
    z: FloatArray = np.dot(x, w, out)  # half the call's cost of matmul for few rows
    if b is not None:
        np.add(z, b, z)
    return z


def dense_backward(x: FloatArray, d: FloatArray, dw: FloatArray, db: FloatArray | None) -> None:
    """Add the gradient of a dense layer to ``dw`` ``[I, O]`` and ``db`` ``[O]``: ``xᵀ d`` and ``1ᵀ d``."""
    dw += x.T @ d
    if db is not None:
        db += d.sum(axis=0)


def orthogonal(
    shape: tuple[int, int], *, gain: float, rng: np.random.Generator, dtype: str = "float32"
) -> FloatArray:
    """A matrix ``[I, O]`` whose shorter side is orthogonal, times ``gain`` (Saxe et al. 2014)."""
    rows, columns = max(shape), min(shape)
    q, r = np.linalg.qr(rng.standard_normal((rows, columns)))
    q = q * np.sign(np.diag(r))  # makes the distribution uniform: QR alone fixes the signs
    matrix = q if shape[0] >= shape[1] else q.T
    return np.ascontiguousarray(gain * matrix, dtype=dtype)
