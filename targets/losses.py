"""Outputs and losses: the last layer's function of its sums, what a row's error is, and both derivatives.

With p = o(z) the outputs of one row and J = dp/dz, which is symmetric here:

    squared:       E = ½ Σ (p − y)²     dE/dz = J (p − y)     G = J J
    cross-entropy: E = −Σ y log p       dE/dz = p Σ y − y     G = J       (softmax)
                   E of each output     dE/dz = p − y         G = J       (sigmoid)

G is the generalised Gauss-Newton matrix, which for the cross-entropies is the Fisher matrix of the distribution that
the outputs are (Martens 2020, *New insights and perspectives on the natural gradient method*).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, assert_never, get_args

import numpy as np
from numpy.typing import NDArray

from touchline.targets.activations import sigmoid
from touchline.targets.errors import TargetError

FloatArray = NDArray[np.floating[Any]]
Output = Literal["linear", "sigmoid", "softmax"]
Loss = Literal["squared", "cross_entropy"]


@dataclass(frozen=True, slots=True)
class Head:
    """An output function with a loss. Every array is ``[N, P]``: z the sums, y what was wanted, u a direction.

    Raises TargetError for an unknown name, for cross-entropy of linear outputs, and for softmax of one output.
    """

    outputs: int  # P
    output: Output
    loss: Loss

    def __post_init__(self) -> None:
        _known("output", self.output, get_args(Output))
        _known("loss", self.loss, get_args(Loss))
        if self.loss == "cross_entropy" and self.output == "linear":
            raise TargetError(
                "loss: cross_entropy needs outputs that are probabilities, found output linear. "
                "Take output softmax (classes) or sigmoid (each output by itself), or loss squared"
            )
        if self.output == "softmax" and self.outputs < 2:
            raise TargetError(
                f"output: softmax expects 2 outputs or more, found {self.outputs}, which is always 1. "
                "Take output sigmoid"
            )

    def values(self, z: FloatArray) -> FloatArray:
        """p, the outputs; z itself where they are linear."""
        match self.output:
            case "linear":
                return z
            case "sigmoid":
                return sigmoid(z)
            case "softmax":
                return np.exp(_log_softmax(z))
            case _:
                assert_never(self.output)

    def errors(self, z: FloatArray, y: FloatArray) -> FloatArray:
        """E of each row, float64 ``[N]``, from the sums: no logarithm of a rounded probability."""
        if self.loss == "squared":
            terms = 0.5 * np.square(self.values(z) - y)
        elif self.output == "softmax":
            terms = -y * _log_softmax(z)
        else:  # −y log σ(z) − (1 − y) log(1 − σ(z)) = log(1 + e^z) − y z
            terms = np.logaddexp(0, z) - y * z
        errors: FloatArray = terms.sum(axis=1)
        return errors

    def gradient(self, z: FloatArray, y: FloatArray) -> FloatArray:
        """dE/dz."""
        p = self.values(z)
        return self._jacobian(p, p - y) if self.loss == "squared" else p * self._total(y) - y

    def fisher(self, z: FloatArray, u: FloatArray) -> FloatArray:
        """G u: positive semidefinite, and no y enters it."""
        p = self.values(z)
        once = self._jacobian(p, u)
        return self._jacobian(p, once) if self.loss == "squared" else once

    def hessian(self, z: FloatArray, y: FloatArray, u: FloatArray) -> FloatArray:
        """d²E/dz² u."""
        p = self.values(z)
        once = self._jacobian(p, u)
        if self.loss == "cross_entropy":
            return once * self._total(y)
        return self._jacobian(p, once) + self._jacobian_along(p, p - y, once)

    def _total(self, y: FloatArray) -> FloatArray | float:
        """What the wanted probabilities of a row sum to: 1 for classes."""
        return y.sum(axis=1, keepdims=True) if self.output == "softmax" else 1.0

    def _jacobian(self, p: FloatArray, u: FloatArray) -> FloatArray:
        """J u."""
        match self.output:
            case "linear":
                return u
            case "sigmoid":
                return p * (1 - p) * u
            case "softmax":
                return p * (u - _dot(p, u))
            case _:
                assert_never(self.output)

    def _jacobian_along(self, p: FloatArray, e: FloatArray, q: FloatArray) -> FloatArray:
        """(dJ) e as p moves by q, e held."""
        match self.output:
            case "linear":
                return np.zeros_like(e)
            case "sigmoid":
                return (1 - 2 * p) * q * e
            case "softmax":
                return q * (e - _dot(p, e)) - p * _dot(q, e)
            case _:
                assert_never(self.output)


def _known(field: str, found: str, names: tuple[str, ...]) -> None:
    if found not in names:
        raise TargetError(f"{field}: expected one of {', '.join(names)}, found {found!r}")


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """The scalar product of each row, ``[N, 1]``."""
    products: FloatArray = (a * b).sum(axis=1, keepdims=True)
    return products


def _log_softmax(z: FloatArray) -> FloatArray:
    shifted: FloatArray = z - z.max(axis=1, keepdims=True)  # the largest exponent is 0: no overflow
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted
