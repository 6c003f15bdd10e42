"""Small networks over tables, and rows for them: every output with every loss that suits it."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.targets.losses import Head
from touchline.targets.network import TableNetwork

HEADS = [
    ("linear", "squared"),
    ("sigmoid", "squared"),
    ("softmax", "squared"),
    ("sigmoid", "cross_entropy"),
    ("softmax", "cross_entropy"),
]
every_head = pytest.mark.parametrize(("output", "loss"), HEADS)
OUTPUTS = 3


def head_of(output, loss):
    return Head(OUTPUTS, output, loss)


def network_of(output="linear", loss="squared", **changes):
    """Each layer of another width, so that no transposition goes unseen."""
    return TableNetwork.build(
        **{"inputs": 2, "hidden": (5, 4), "outputs": OUTPUTS, "output": output, "loss": loss, **changes}
    )


def one_hot(labels, outputs=OUTPUTS):
    return np.eye(outputs)[labels]


def example(network, seed=0, rows=6):
    """(w, x, y): weights with none zero, classes one-hot where the outputs are probabilities."""
    rng = np.random.default_rng(seed)
    w, x = 0.7 * rng.standard_normal(network.size), rng.standard_normal((rows, network.inputs))
    outputs = network.head.outputs
    if network.head.output == "linear":
        return w, x, rng.standard_normal((rows, outputs))
    return w, x, one_hot(rng.integers(outputs, size=rows), outputs)
