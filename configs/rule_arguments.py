"""What a config says of the constants of an update rule, for whoever makes one."""

from __future__ import annotations

from typing import TypedDict

from touchline.configs.schema import Config


class RuleArguments(TypedDict):
    """The constants; each rule reads those that it has."""

    momentum: float
    decay: float
    beta1: float
    beta2: float
    epsilon: float


def rule_arguments(config: Config) -> RuleArguments:
    """The constants of ``optimizer.rule``, as every side makes it."""
    optimizer = config.optimizer
    return RuleArguments(
        momentum=optimizer.momentum,
        decay=optimizer.decay,
        beta1=optimizer.beta1,
        beta2=optimizer.beta2,
        epsilon=optimizer.epsilon,
    )
