"""Whether weights, rows and activations fit a network: each refusal names field, expected and found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from touchline.targets.activations import KINDS, Choice, Layer, unknown_kind
from touchline.targets.errors import TargetError

FloatArray = NDArray[np.floating[Any]]


def checked_weights(w: FloatArray, size: int, *, name: str = "weights") -> FloatArray:
    """``w``, which is float64 ``[size]``."""
    if w.shape != (size,) or w.dtype != np.float64:
        raise TargetError(f"{name}: expected float64 [{size}], found {w.dtype} {list(w.shape)}")
    return w


def checked_inputs(x: FloatArray, inputs: int) -> FloatArray:
    """``x`` as float64 ``[N, inputs]``: tables of byte images may be held as float32."""
    if x.ndim != 2 or x.shape[1] != inputs:
        raise TargetError(f"x: expected [rows, {inputs}], found {list(x.shape)}")
    return np.asarray(x, np.float64)


def checked_targets(y: FloatArray, rows: int, outputs: int) -> FloatArray:
    """``y`` as float64 ``[rows, outputs]``."""
    if y.shape != (rows, outputs):
        raise TargetError(
            f"y: expected [{rows}, {outputs}], one row for each of x and one column for each output, "
            f"found {list(y.shape)}"
        )
    return np.asarray(y, np.float64)


def checked_layers(
    choices: Sequence[Choice | Sequence[Choice]], hidden: tuple[int, ...]
) -> tuple[Layer, ...]:
    """The activations of the hidden layers, in tuples."""
    if len(choices) != len(hidden):
        raise TargetError(f"activations: expected {len(hidden)}, one a hidden layer, found {len(choices)}")
    return tuple(_layer(choice, number, hidden[number]) for number, choice in enumerate(choices))


def _layer(given: Choice | Sequence[Choice], number: int, neurons: int) -> Layer:
    if given and isinstance(given[0], str):
        return (_choice(cast(Choice, given)),)
    if len(given) != neurons:
        raise TargetError(
            f"activations of hidden layer {number}: expected one, or {neurons}, one a neuron, found {len(given)}"
        )
    return tuple(_choice(choice) for choice in cast(Sequence[Choice], given))


def _choice(given: Choice) -> Choice:
    kind, scale = given
    if kind not in KINDS:
        raise unknown_kind(kind)
    if not math.isfinite(scale):
        raise TargetError(f"activation {kind}: expected a finite coefficient, found {scale}")
    return kind, float(scale)
