"""RPROP in its four forms: the sign of the gradient alone decides, each weight has a step size of its own.

Riedmiller & Braun 1993 (RPROP+), Igel & Hüsken 2003 (the other three). With s = g(t−1) g(t), each weight for itself:

    s > 0   Delta = min(1.2 Delta, 50);    dw = −sign(g) Delta;  w += dw
    s < 0   Delta = max(0.5 Delta, 1e-6);  then
            rprop_plus    w −= dw(t−1), the last step is taken back;           g := 0
            rprop_minus   dw = −sign(g) Delta;  w += dw
            irprop_plus   the last step is taken back where the error grew;    g := 0
            irprop_minus  no move;                                             g := 0
    s = 0   dw = −sign(g) Delta;  w += dw
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
Variant = Literal["rprop_plus", "rprop_minus", "irprop_plus", "irprop_minus"]

FIRST, LARGEST, SMALLEST = 0.1, 50.0, 1e-6  # of the step sizes Delta
UP, DOWN = 1.2, 0.5


class Rprop:
    """One variant over float64 ``[size]``. It needs the gradient of all rows: noise in its signs wrecks it."""

    def __init__(self, size: int, *, variant: Variant) -> None:
        self._variant = variant
        self._deltas = np.full(size, FIRST)
        self._gradient, self._moves = np.zeros(size), np.zeros(size)

    def step(
        self, parameters: FloatArray, gradient: FloatArray, *, learning_rate: float, grew: bool = False
    ) -> None:
        """``grew``: the error of these parameters exceeds that of the step before. ``learning_rate`` is not read."""
        # Of the signs, not of the gradients: the product of two small ones would underflow to 0.
        signs = np.sign(self._gradient) * np.sign(gradient)
        self._deltas[signs > 0] *= UP
        self._deltas[signs < 0] *= DOWN
        np.clip(self._deltas, SMALLEST, LARGEST, out=self._deltas)
        moves = -np.sign(gradient) * self._deltas
        self._gradient[...] = gradient
        if self._variant == "rprop_minus":
            parameters += moves
            self._moves = moves
            return
        turned = signs < 0
        back = self._variant == "rprop_plus" or (self._variant == "irprop_plus" and grew)
        parameters += np.where(turned, -self._moves if back else 0.0, moves)
        self._moves = np.where(turned, 0.0, moves)
        self._gradient[turned] = 0

    def state(self) -> dict[str, NDArray[Any]]:
        """Step sizes, gradient and moves of the step before, copied."""
        return {
            "deltas": self._deltas.copy(),
            "gradient": self._gradient.copy(),
            "moves": self._moves.copy(),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what ``state`` gave."""
        self._deltas[...], self._gradient[...] = state["deltas"], state["gradient"]
        self._moves = np.array(state["moves"], np.float64)
