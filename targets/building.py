"""From a config's words to a network over a table: what ``auto`` stands for is said here, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from touchline.targets.network import TableNetwork

Output = Literal["linear", "sigmoid", "softmax"]
Loss = Literal["squared", "cross_entropy"]


def model_of(
    *,
    inputs: int,
    outputs: int,
    classes: bool,
    hidden: Sequence[int],
    activation: str,
    output: Literal["auto", "linear", "sigmoid", "softmax"],
    loss: Literal["auto", "squared", "cross_entropy"],
    bias: bool,
) -> TableNetwork:
    """The network of this form for a table. ``classes``: whether its outputs are one-hot.

    Outputs ``auto`` are softmax for classes, else linear; a loss ``auto`` is cross entropy with softmax, else squared.
    Raises TargetError for an output and a loss that do not go together.
    """
    said: Output = output if output != "auto" else "softmax" if classes else "linear"
    least: Loss = loss if loss != "auto" else "cross_entropy" if said == "softmax" else "squared"
    return TableNetwork.build(
        inputs=inputs,
        hidden=tuple(hidden),
        outputs=outputs,
        activation=activation,
        output=said,
        loss=least,
        bias=bias,
    )
