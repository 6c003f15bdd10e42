"""The verb ``fit``: train a network here, for itself, and send back what it came to.

What is random comes from counters of the run's seed and the order's number, so that any Player makes the same of an
order, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.configs.model_arguments import model_arguments
from touchline.player.bench import Bench
from touchline.player.fitting import finite, own_weights, sums_over, trained
from touchline.player.work import Arrays, Held, UnknownOrder
from touchline.targets.building import model_of
from touchline.targets.errors import TargetError
from touchline.targets.hops import hop_start
from touchline.targets.local import minimize
from touchline.targets.many import WORST
from touchline.targets.network import TableNetwork
from touchline.targets.ott import ott_exact

Array = NDArray[Any]  # float64, but the rows of byte images, which are float32
WHATS = ("epochs", "ott", "structure", "hop")
OTT_ROWS_BETWEEN = 8  # rows between two questions whether to go on: each is some hundred steps


def carry_out(bench: Bench, arguments: Mapping[str, Any], held: Held) -> Arrays | None:
    """One order's result, None where it was told to stop on the way. ``arguments`` are by ``what``:

    ``epochs``, ``ott``: train on the rows [``start``, ``stop``), from the snapshot's weights (``init`` shared) or from
    first ones of ``part``'s own. Sends ``weights`` float64 [size] and ``sums`` float64 [3] over those rows: error,
    rows that are right, rows.
    ``structure``: train a network with these ``hidden`` sizes on all training rows. Sends ``weights``, ``sums`` over
    the training rows and ``test_sums`` over the test rows, zeros where there are none. Where that does not stay finite
    the errors are the greatest there is, and the weights zeros.
    ``hop``: leap ``step`` far from the snapshot's weights and descend. Sends ``weights``, ``error`` float64 [1], the
    mean over training rows, and ``evaluations`` float64 [1], of the error with its gradient. Where that does not stay
    finite the error is the greatest there is, and the weights are the snapshot's.

    ``number``, of the order, is what its random numbers go by. Raises UnknownOrder, TargetError: a shard's weights do
    not stay finite.
    """
    match arguments.get("what"):
        case "epochs":
            return _on_shard(bench, arguments, _epochs(bench, arguments, held))
        case "ott":
            return _on_shard(bench, arguments, _ott(bench, arguments, held))
        case "structure":
            return _structure(bench, arguments)
        case "hop":
            return _hop(bench, arguments, held)
        case other:
            raise UnknownOrder(f"what: expected {', '.join(WHATS)} with the verb fit, found {other}")


def _epochs(bench: Bench, arguments: Mapping[str, Any], held: Held) -> Array | None:
    averaging, rows = bench.config.averaging, _rows(bench, arguments)
    w = trained(
        bench,
        bench.network,
        _first(bench, arguments, held),
        *(bench.table.x[rows], bench.table.y[rows]),
        epochs=averaging.local_epochs,
        batch_rows=averaging.batch_rows,
        number=arguments["number"],
    )
    return None if w is None else finite(w, learning_rate=bench.config.optimizer.learning_rate)


def _ott(bench: Bench, arguments: Mapping[str, Any], held: Held) -> Array | None:
    network, optimizer, rows = bench.network, bench.config.optimizer, _rows(bench, arguments)
    _check_ott(network)
    w1, w2 = network.views(_first(bench, arguments, held)).values()
    for start in range(rows.start, rows.stop, OTT_ROWS_BETWEEN):
        if not bench.goes_on():
            return None
        some = slice(start, min(start + OTT_ROWS_BETWEEN, rows.stop))
        w1, w2 = ott_exact(
            *(w1, w2, bench.table.x[some], bench.table.y[some]),
            inner=bench.config.averaging.inner,
            learning_rate=optimizer.learning_rate,
            momentum=optimizer.momentum,
        )
    w = np.concatenate([w1.reshape(-1), w2.reshape(-1)])
    return finite(w, learning_rate=optimizer.learning_rate)


def _check_ott(network: TableNetwork) -> None:
    head = network.head
    found = (len(network.hidden), network.bias, network.activations, head.output, head.loss)
    if found != (1, False, ((("sigmoid", 1.0),),), "sigmoid", "squared"):
        raise TargetError(
            "averaging.local: ott expects one hidden layer, sigmoid hidden and output, squared error and no biases. "
            "Set model: {hidden: [128], activation: sigmoid, output: sigmoid, loss: squared, bias: false}"
        )


def _on_shard(bench: Bench, arguments: Mapping[str, Any], w: Array | None) -> Arrays | None:
    if w is None:
        return None
    rows = _rows(bench, arguments)
    return {
        "weights": w,
        "sums": sums_over(bench, bench.network, w, bench.table.x[rows], bench.table.y[rows]),
    }


def _structure(bench: Bench, arguments: Mapping[str, Any]) -> Arrays | None:
    config, table, number = bench.config, bench.table, arguments["number"]
    form = model_arguments(config)
    form["hidden"] = tuple(arguments["hidden"])
    network = model_of(inputs=table.x.shape[1], outputs=table.y.shape[1], classes=table.classes, **form)
    with np.errstate(over="ignore", invalid="ignore"):  # it may well diverge: it is then no candidate
        w = trained(
            bench,
            network,
            own_weights(config, network, number),
            *(table.x, table.y),
            epochs=config.structure.epochs,
            batch_rows=None,
            number=number,
        )
        if w is None:
            return None
        found = {
            "weights": w,
            "sums": sums_over(bench, network, w, table.x, table.y),
            "test_sums": sums_over(bench, network, w, table.test_x, table.test_y),
        }
    if all(np.isfinite(array).all() for array in found.values()):
        return found
    return {
        "weights": np.zeros_like(w),
        "sums": _worst(len(table.x)),
        "test_sums": _worst(len(table.test_x)),
    }


def _worst(rows: int) -> Array:
    """Sums that every other beats, float64 [3]; zeros of no rows."""
    return np.array([WORST if rows else 0.0, 0.0, rows])


class _Stopped(Exception):
    """Told to stop in the middle of a descent that another library drives."""


def _hop(bench: Bench, arguments: Mapping[str, Any], held: Held) -> Arrays | None:
    network, table, rows = bench.network, bench.table, len(bench.table.x)

    def mean(w: Array) -> tuple[float, Array]:
        if not bench.goes_on():
            raise _Stopped
        error, gradient = network.gradient(w, table.x, table.y)
        return error / rows, gradient / rows

    first = held.arrays["weights"]
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # a hop may well lead too far: it then loses
            start = hop_start(
                first, step=arguments["step"], seed=bench.config.seed, number=arguments["number"]
            )
            w, error, evaluations = minimize(mean, start, iterations=bench.config.hopping.iterations)
    except _Stopped:
        return None
    if not (np.isfinite(error) and np.isfinite(w).all()):
        w, error = first, WORST
    return {"weights": w, "error": np.array([error]), "evaluations": np.array([evaluations], np.float64)}


def _first(bench: Bench, arguments: Mapping[str, Any], held: Held) -> Array:
    if arguments["init"] == "own":
        return own_weights(bench.config, bench.network, arguments["part"])
    return held.arrays["weights"]


def _rows(bench: Bench, arguments: Mapping[str, Any]) -> slice:
    start, stop, rows = arguments["start"], arguments["stop"], len(bench.table.x)
    if not 0 <= start < stop <= rows:
        raise UnknownOrder(f"start, stop: expected some of the {rows} training rows, found [{start}, {stop})")
    return slice(start, stop)
