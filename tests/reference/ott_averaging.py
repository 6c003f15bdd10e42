"""One thread of Ott's program, straight through: written from its source, nothing of touchline's.

J. Ott, *Neural-Network-Parallelization* (after Hy Truong Son's MNIST perceptron): on each sample ``inner`` forward and
backward passes with momentum, whose buffers begin at 0 for the sample.
"""

from __future__ import annotations

import numpy as np


def trained(
    w1: np.ndarray,
    w2: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    *,
    inner: int,
    learning_rate: float = 1e-3,
    momentum: float = 0.9,
) -> tuple[np.ndarray, np.ndarray]:
    """w1 [D, H] and w2 [H, O] after one pass over x [n, D], y [n, O]."""
    w1, w2 = w1.copy(), w2.copy()
    for sample, wanted in zip(x, y, strict=True):
        delta1, delta2 = np.zeros_like(w1), np.zeros_like(w2)
        for _ in range(inner):
            out2 = 1 / (1 + np.exp(-(sample @ w1)))
            out3 = 1 / (1 + np.exp(-(out2 @ w2)))
            theta3 = out3 * (1 - out3) * (wanted - out3)
            theta2 = out2 * (1 - out2) * (w2 @ theta3)
            delta2 = learning_rate * np.outer(out2, theta3) + momentum * delta2
            w2 += delta2
            delta1 = learning_rate * np.outer(sample, theta2) + momentum * delta1
            w1 += delta1
    return w1, w2
