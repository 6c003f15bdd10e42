"""The form of a policy, as a config describes it: everything but the spaces and the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from touchline.policy.dense import Activation

Recurrent = Literal["none", "gru", "lstm"]
Initialization = Literal["orthogonal", "scaled_normal"]
Std = Literal["independent", "state"]
Binary = Literal["softmax", "sigmoid"]


@dataclass(frozen=True, slots=True)
class Form:
    """Fields as the keys of the same names under ``policy:`` in a config; ``normalize`` is ``env.normalize``."""

    hidden: tuple[int, ...] = (64, 64)
    activation: Activation = "tanh"
    shared: bool = False
    layer_norm: bool = False
    convolutions: tuple[tuple[int, int, int, int], ...] = ()  # (filters, size, stride, padding) each
    recurrent: Recurrent = "none"
    recurrent_size: int = 64
    sparse: bool = False
    network: str | None = None
    network_kwargs: Mapping[str, Any] = field(default_factory=dict)
    bias: bool = True
    initialization: Initialization = "orthogonal"
    value: bool = True
    binary: Binary = "softmax"
    std: Std = "independent"
    log_std: float = 0.0
    squash: bool = False
    noise_correlation: float = 0.0
    normalize: bool = False
