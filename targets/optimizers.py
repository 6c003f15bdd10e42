"""Optimisers over one flat vector. Each step is a handful of array operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]


class Optimizer(Protocol):
    """Moves parameters against a gradient. ``state`` is what a checkpoint holds, by name."""

    def step(self, parameters: FloatArray, gradient: FloatArray, *, learning_rate: float) -> None: ...

    def state(self) -> dict[str, NDArray[Any]]: ...

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None: ...


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1).

    m = b1 m + (1 − b1) g;  v = b2 v + (1 − b2) g²;  w −= rate m / (1 − b1^t) / (sqrt(v / (1 − b2^t)) + eps)
    """

    def __init__(self, size: int, *, beta1: float, beta2: float, epsilon: float, dtype: str = "float32"):
        self._beta1, self._beta2, self._epsilon = beta1, beta2, epsilon
        self._m, self._v = np.zeros(size, dtype), np.zeros(size, dtype)
        self._scratch, self._update = np.empty(size, dtype), np.empty(size, dtype)
        self._steps = 0

    def step(self, parameters: FloatArray, gradient: FloatArray, *, learning_rate: float) -> None:
        self._steps += 1
        scratch, update = self._scratch, self._update
        _decay_towards(self._m, gradient, self._beta1, scratch)
        np.square(gradient, out=update)
        _decay_towards(self._v, update, self._beta2, scratch)
        np.divide(self._v, 1 - self._beta2**self._steps, out=scratch)
        np.sqrt(scratch, out=scratch)
        scratch += self._epsilon
        np.divide(self._m, scratch, out=update)
        update *= learning_rate / (1 - self._beta1**self._steps)
        parameters -= update

    def state(self) -> dict[str, NDArray[Any]]:
        return {"m": self._m.copy(), "v": self._v.copy(), "steps": np.array([self._steps])}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._m[...], self._v[...] = state["m"], state["v"]
        self._steps = int(state["steps"][0])


class RMSProp:
    """RMSProp as in *Pong from Pixels*: c = d c + (1 − d) g²;  w −= rate g / (sqrt(c) + eps); c from 0, uncorrected.

    No weight moves more than rate / sqrt(1 − d) a step.
    """

    def __init__(self, size: int, *, decay: float, epsilon: float, dtype: str = "float32"):
        self._decay, self._epsilon = decay, epsilon
        self._c = np.zeros(size, dtype)
        self._scratch, self._update = np.empty(size, dtype), np.empty(size, dtype)

    def step(self, parameters: FloatArray, gradient: FloatArray, *, learning_rate: float) -> None:
        np.square(gradient, out=self._update)
        _decay_towards(self._c, self._update, self._decay, self._scratch)
        np.sqrt(self._c, out=self._scratch)
        self._scratch += self._epsilon
        np.divide(gradient, self._scratch, out=self._update)
        self._update *= learning_rate
        parameters -= self._update

    def state(self) -> dict[str, NDArray[Any]]:
        return {"c": self._c.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._c[...] = state["c"]


class SGD:
    """Gradient descent, with heavy-ball momentum (Polyak 1964) where asked: d = mu d + g;  w −= rate d."""

    def __init__(self, size: int, *, momentum: float = 0.0, dtype: str = "float32"):
        self._momentum = momentum
        self._d = np.zeros(size, dtype)

    def step(self, parameters: FloatArray, gradient: FloatArray, *, learning_rate: float) -> None:
        self._d *= self._momentum
        self._d += gradient
        parameters -= learning_rate * self._d

    def state(self) -> dict[str, NDArray[Any]]:
        return {"d": self._d.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._d[...] = state["d"]


def _decay_towards(average: FloatArray, sample: FloatArray, decay: float, scratch: FloatArray) -> None:
    average *= decay
    np.multiply(sample, 1 - decay, out=scratch)
    average += scratch
