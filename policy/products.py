"""The product of a layer's inputs and its weights, as one of several ways to compute it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.dense import dense, dense_backward

AnyArray = NDArray[Any]
FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Product:
    """``x W + b`` and its backward pass, as ``dense`` and ``dense_backward`` say them."""

    forward: Callable[[AnyArray, FloatArray, FloatArray | None, FloatArray | None], FloatArray]
    backward: Callable[[AnyArray, FloatArray, FloatArray, FloatArray | None], None]


DENSE = Product(dense, dense_backward)
