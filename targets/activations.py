"""Activation functions of a neuron, each with its first and second derivative, and layers whose neurons differ.

A neuron's activation is a *choice*: a kind and a coefficient c, phi(c z). Derivatives come from the scaled sum and
the value together, so that none is computed twice.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.targets.errors import TargetError

FloatArray = NDArray[np.floating[Any]]
Choice = tuple[str, float]  # kind, coefficient
Layer = tuple[Choice, ...]  # one choice that all neurons of a layer share, or one for each
KINDS = ("linear", "sigmoid", "tanh", "gauss", "sin", "relu")


def sigmoid(z: FloatArray) -> FloatArray:
    """1 / (1 + e^−z) = (1 + tanh(z / 2)) / 2, which cannot overflow."""
    p: FloatArray = np.tanh(0.5 * z)
    p += 1
    p *= 0.5
    return p


def value(kind: str, z: FloatArray) -> FloatArray:
    """phi(z), elementwise, a new array but for ``linear``. gauss: exp(−z²). Raises TargetError for another kind."""
    match kind:
        case "linear":
            return z
        case "sigmoid":
            return sigmoid(z)
        case "tanh":
            return np.tanh(z)
        case "gauss":
            return np.exp(-np.square(z))
        case "sin":
            return np.sin(z)
        case "relu":
            return np.maximum(z, 0)
        case _:
            raise unknown_kind(kind)


def derivative(kind: str, z: FloatArray, h: FloatArray) -> FloatArray:
    """phi'(z), where h = phi(z). That of relu at 0 is 0."""
    match kind:
        case "linear":
            return np.ones_like(z)
        case "sigmoid":
            return h * (1 - h)
        case "tanh":
            return 1 - np.square(h)
        case "gauss":
            return -2 * z * h
        case "sin":
            return np.cos(z)
        case "relu":
            return (z > 0).astype(z.dtype)
        case _:
            raise unknown_kind(kind)


def second_derivative(kind: str, z: FloatArray, h: FloatArray) -> FloatArray:
    """phi''(z), where h = phi(z). That of relu is 0 everywhere."""
    match kind:
        case "linear" | "relu":
            return np.zeros_like(z)
        case "sigmoid":
            return h * (1 - h) * (1 - 2 * h)
        case "tanh":
            return -2 * h * (1 - h * h)
        case "gauss":
            return (4 * np.square(z) - 2) * h
        case "sin":
            return -h
        case _:
            raise unknown_kind(kind)


def activate(layer: Layer, z: FloatArray) -> FloatArray:
    """phi(c z) of every neuron: z ``[N, H]`` -> ``[N, H]``."""
    return _by_group(layer, lambda group, at: value(group.kind, at), z)


def slope(layer: Layer, z: FloatArray, h: FloatArray) -> FloatArray:
    """c phi'(c z) of every neuron ``[N, H]``, where h = phi(c z)."""
    return _by_group(layer, lambda group, at, of: group.scale * derivative(group.kind, at, of), z, h)


def bend(layer: Layer, z: FloatArray, h: FloatArray) -> FloatArray:
    """c² phi''(c z) of every neuron ``[N, H]``, where h = phi(c z)."""
    return _by_group(
        layer, lambda group, at, of: group.scale**2 * second_derivative(group.kind, at, of), z, h
    )


def unknown_kind(kind: object) -> TargetError:
    """The error for a kind that does not exist."""
    return TargetError(f"activation: expected one of {', '.join(KINDS)}, found {kind!r}")


@dataclass(frozen=True, slots=True)
class _Group:
    """The neurons of one kind in a layer."""

    kind: str
    columns: NDArray[np.intp] | None  # None: all of them
    scale: float | FloatArray  # c, or float64 [neurons of the group]


@functools.lru_cache(maxsize=1024)
def _groups(layer: Layer) -> tuple[_Group, ...]:
    if len(layer) == 1:
        return (_Group(layer[0][0], None, layer[0][1]),)
    kinds, scales = np.array([kind for kind, _ in layer]), np.array([scale for _, scale in layer])
    places = {kind: np.flatnonzero(kinds == kind) for kind in dict.fromkeys(kinds.tolist())}
    return tuple(_Group(kind, columns, scales[columns]) for kind, columns in places.items())


def _by_group(
    layer: Layer, function: Callable[..., FloatArray], z: FloatArray, *values: FloatArray
) -> FloatArray:
    """``function(group, c z, *values)`` of each group's columns, put back where they were."""
    out = np.empty_like(z)
    for group in _groups(layer):
        columns = group.columns
        if columns is None:
            return function(group, z if group.scale == 1 else group.scale * z, *values)
        out[:, columns] = function(group, group.scale * z[:, columns], *(v[:, columns] for v in values))
    return out
