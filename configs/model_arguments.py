"""What a config says of a network over a table, for whoever builds one."""

from __future__ import annotations

from typing import TypedDict

from touchline.configs.schema import Config
from touchline.configs.table_sections import Loss, ModelActivation, Output


class ModelArguments(TypedDict):
    """The form of a network; its inputs and outputs are the table's."""

    hidden: tuple[int, ...]
    activation: ModelActivation
    output: Output
    loss: Loss
    bias: bool


def model_arguments(config: Config) -> ModelArguments:
    """The network's form, as every side builds it."""
    model = config.model
    return ModelArguments(
        hidden=model.hidden,
        activation=model.activation,
        output=model.output,
        loss=model.loss,
        bias=model.bias,
    )
