"""What every local training shares: the rule, first weights, the order of minibatches, and the measure at the end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.configs import Config
from touchline.configs.rule_arguments import rule_arguments
from touchline.player.bench import Bench
from touchline.targets.draws import BATCHES, FIRST, stream
from touchline.targets.errors import TargetError
from touchline.targets.initial import initial_weights
from touchline.targets.local import train_epochs
from touchline.targets.network import TableNetwork
from touchline.targets.rules import make_rule

Array = NDArray[Any]  # float64, but the rows of byte images, which are float32
ROWS_BETWEEN = 20_000  # rows trained on between two questions whether to go on
MEASURED_AT_ONCE = 2_048  # rows: what a layer makes of them stays in the cache


def own_weights(config: Config, network: TableNetwork, number: int) -> Array:
    """First weights of the network of this number, float64 [size]: other ones for each number."""
    rng = stream(FIRST, seed=config.seed, iteration=0, number=number)
    return initial_weights(network, rng, how=config.model.initialization, scale=config.model.scale)


def trained(
    bench: Bench,
    network: TableNetwork,
    w: Array,
    x: Array,
    y: Array,
    *,
    epochs: int,
    batch_rows: int | None,
    number: int,
) -> Array | None:
    """``w`` float64 [size] after ``epochs`` over rows x [N, inputs], y [N, outputs]; None where told to stop.

    The config's rule begins anew with every order: what it remembers would be of other weights. ``number``: of the
    order, which the order of minibatches goes by. Whether the weights stayed finite is the caller's to look at.
    """
    rule = make_rule(bench.config.optimizer.rule, network.size, **rule_arguments(bench.config))
    rng = stream(BATCHES, seed=bench.config.seed, iteration=0, number=number)
    rate, each = bench.config.optimizer.learning_rate, max(1, ROWS_BETWEEN // len(x))
    for begun in range(0, epochs, each):
        if not bench.goes_on():
            return None
        some = min(each, epochs - begun)
        w, _ = train_epochs(
            network, w, x, y, rule=rule, learning_rate=rate, epochs=some, batch_rows=batch_rows, rng=rng
        )
    return w


def sums_over(bench: Bench, network: TableNetwork, w: Array, x: Array, y: Array) -> Array:
    """float64 [3]: error, rows that are right (0 where rows are of no class), rows."""
    total = np.zeros(3)
    for start in range(0, len(x), MEASURED_AT_ONCE):
        rows = slice(start, start + MEASURED_AT_ONCE)
        forward = network.forward(w, x[rows])
        right = network.right(forward, y[rows]) if bench.table.classes else 0
        total += (network.head.errors(forward.z[-1], y[rows]).sum(), right, len(y[rows]))
    return total


def finite(w: Array, *, learning_rate: float) -> Array:
    """``w``, which is finite. Raises TargetError."""
    if np.isfinite(w).all():
        return w
    raise TargetError(
        f"weights: training left the finite numbers with optimizer.learning_rate {learning_rate:g}. "
        f"Set a smaller one, such as --optimizer.learning_rate {learning_rate / 10:g}"
    )
