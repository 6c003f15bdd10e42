"""What a config says of a policy, for whoever builds one: a Player, a Trainer, or a reader of runs."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any, TypedDict

from touchline.configs.schema import Activation, Binary, Config, Initialization, Recurrent, Std

VALUELESS = ("trpo", "evolution", "search")


class PolicyArguments(TypedDict):
    """The fields of ``policy.form.Form``."""

    hidden: tuple[int, ...]
    activation: Activation
    shared: bool
    layer_norm: bool
    convolutions: tuple[tuple[int, int, int, int], ...]
    recurrent: Recurrent
    recurrent_size: int
    sparse: bool
    network: str | None
    network_kwargs: dict[str, Any]
    bias: bool
    initialization: Initialization
    value: bool
    binary: Binary
    std: Std
    log_std: float
    squash: bool
    noise_correlation: float
    normalize: bool


def has_value(config: Config) -> bool:
    """Whether the policy has a value function: trpo's baseline is no part of the network, and searches have none."""
    return config.policy.value and config.method not in VALUELESS


def policy_arguments(config: Config) -> PolicyArguments:
    """The policy's form, as every side builds it."""
    policy = config.policy
    return PolicyArguments(
        hidden=policy.hidden,
        activation=policy.activation,
        shared=policy.shared,
        layer_norm=policy.layer_norm,
        convolutions=tuple(astuple(layer) for layer in policy.convolutions),
        recurrent=policy.recurrent,
        recurrent_size=policy.recurrent_size,
        sparse=policy.sparse,
        network=policy.network,
        network_kwargs=policy.network_kwargs,
        bias=policy.bias,
        initialization=policy.initialization,
        value=has_value(config),
        binary=policy.binary,
        std=policy.std,
        log_std=policy.log_std,
        squash=policy.squash,
        noise_correlation=policy.noise_correlation,
        normalize=config.env.normalize,
    )
