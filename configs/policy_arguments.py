"""What a config says of a policy, for whoever builds one: a Player, a Trainer, or a reader of runs."""

from __future__ import annotations

from typing import TypedDict

from touchline.configs.schema import Activation, Config


class PolicyArguments(TypedDict):
    """The arguments of ``Policy.build`` that are not spaces."""

    hidden: tuple[int, ...]
    activation: Activation
    shared: bool
    log_std: float
    normalize: bool
    centred: bool


def policy_arguments(config: Config) -> PolicyArguments:
    """The policy's form and what it must serve, as every side builds it."""
    return PolicyArguments(
        hidden=config.policy.hidden,
        activation=config.policy.activation,
        shared=config.policy.shared,
        log_std=config.policy.log_std,
        normalize=config.env.normalize,
        centred=config.staleness.correction == "centred",
    )
