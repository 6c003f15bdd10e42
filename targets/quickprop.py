"""QuickProp (Fahlman 1988): a jump to the minimum of the parabola through the last two slopes, each weight for itself.

With s = −dE/dw, p that of the step before, d the step before, mu the greatest growth of a step, eps the learning rate:

    d > 0   step = (eps s if s > 0 else 0) + (mu d if s > p mu / (1 + mu) else d s / (p − s))
    d < 0   step = (eps s if s < 0 else 0) + (mu d if s < p mu / (1 + mu) else d s / (p − s))
    d = 0   step = eps s
    w += step;  where p = s leaves no parabola, step = eps s
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]


def quickprop_step(
    *, slopes: FloatArray, previous: FloatArray, steps: FloatArray, epsilon: float, growth: float
) -> FloatArray:
    """The next step float64 ``[n]`` from s, p and d, each float64 ``[n]``."""
    # Where the last step was negative all signs are turned, which is exact: one case is left of two.
    sign = np.sign(steps)
    growing = sign * slopes > growth / (1 + growth) * (sign * previous)
    bend = previous - slopes
    jumping = ~growing & (bend != 0)
    jump = np.divide(steps * slopes, bend, out=np.zeros_like(slopes), where=jumping)
    downhill = epsilon * slopes
    step = np.where(sign * slopes > 0, downhill, 0.0) + np.where(growing, growth * steps, jump)
    return np.where((sign == 0) | (~growing & ~jumping), downhill, step)


class QuickProp:
    """The rule over float64 ``[size]``. It needs the gradient of all rows, at every step."""

    def __init__(self, size: int, *, growth: float) -> None:
        self._growth = growth
        self._slopes: FloatArray = np.zeros(size)
        self._moves: FloatArray = np.zeros(size)

    def step(
        self, parameters: FloatArray, gradient: FloatArray, *, learning_rate: float, grew: bool = False
    ) -> None:
        """``learning_rate`` is eps; ``grew`` is not read."""
        slopes = -gradient
        self._moves = quickprop_step(
            slopes=slopes,
            previous=self._slopes,
            steps=self._moves,
            epsilon=learning_rate,
            growth=self._growth,
        )
        self._slopes = slopes
        parameters += self._moves

    def state(self) -> dict[str, NDArray[Any]]:
        """Slopes and moves of the step before, copied."""
        return {"slopes": self._slopes.copy(), "moves": self._moves.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what ``state`` gave."""
        self._slopes = np.array(state["slopes"], np.float64)
        self._moves = np.array(state["moves"], np.float64)
