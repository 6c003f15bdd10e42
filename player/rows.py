"""The verb ``rows``: error, gradient or curvature product over some rows of a table; or a slice of a whole update.

Everything is summed over the rows in chunks whose bounds depend on the order alone, so that any Player makes the same
of it, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.configs.rule_arguments import rule_arguments
from touchline.player.bench import Bench
from touchline.player.work import Arrays, Held, UnknownOrder
from touchline.targets.curvature import fisher_product, hessian_product
from touchline.targets.many import WORST
from touchline.targets.minibatches import epoch_order
from touchline.targets.network import Forward
from touchline.targets.rule_state import carried, state_in, state_of
from touchline.targets.rules import make_rule

FloatArray = NDArray[np.floating[Any]]
CHUNK_ROWS = 2_048  # what a layer makes of so many stays in the cache
WEIGHTS_BETWEEN = 64  # weights differentiated numerically between two questions whether to go on


class _ToldToStop(Exception):
    """The result is not wanted any longer."""


def carry_out(bench: Bench, arguments: Mapping[str, Any], held: Held) -> Arrays | None:
    """One order's result, None where it was told to stop on the way. All arrays are float64.

    The rows are [``start``, ``stop``) of the ``split``: train or test; with ``epoch``, what stands at these positions
    of that epoch's order of the training rows. The snapshot holds ``weights`` [size]. By ``what``:

    ``error``: sends ``sums`` [3]: error, rows that are right (0 where there are no classes), rows. With ``scale``,
    those of the weights moved by so much of the snapshot's ``direction`` [size]; an error that does not stay finite so
    far away is the greatest there is.
    ``gradient``: sends ``sums``, and ``gradient`` [size] summed over the rows; ``how``: backprop or numeric.
    ``fisher``, ``hessian``: send ``product`` [size], of the matrix summed over the rows with ``direction``.
    ``slice``: start and stop are of the weights. Sends ``sums`` of all training rows, these ``weights``
    [stop − start] after a step by the config's rule, and their slice of its state as ``rule/<name>``. The gradient is
    of the mean error over all training rows, by ``how``; ``learning_rate`` is the step's. The snapshot holds the
    state of all weights as ``rule/<name>``, and ``before`` [1], the mean error one step earlier. The state travels
    with the snapshot instead of staying with the slice's owner: a Player that is lost takes nothing with it, and
    whoever is free may carry any slice on.

    Raises UnknownOrder, TargetError.
    """
    try:
        match arguments.get("what"):
            case "error":
                return _error(bench, arguments, held)
            case "gradient":
                return _gradient(bench, arguments, held)
            case "fisher" | "hessian":
                return _product(bench, arguments, held)
            case "slice":
                return _slice(bench, arguments, held)
            case other:
                known = "error, gradient, fisher, hessian or slice"
                raise UnknownOrder(f"what: expected {known} with the verb rows, found {other}")
    except _ToldToStop:
        return None


def _error(bench: Bench, arguments: Mapping[str, Any], held: Held) -> Arrays:
    w = held.arrays["weights"]
    if "scale" not in arguments:
        return {"sums": _summed(bench, arguments, w)}
    with np.errstate(over="ignore", invalid="ignore"):  # a trial may well lead too far: it is then halved
        sums = _summed(bench, arguments, w + arguments["scale"] * held.arrays["direction"])
    if not np.isfinite(sums[0]):
        sums[0] = WORST
    return {"sums": sums}


def _summed(bench: Bench, arguments: Mapping[str, Any], w: FloatArray) -> FloatArray:
    sums = np.zeros(3)
    for x, y in _chunks(bench, arguments):
        sums += _sums(bench, bench.network.forward(w, x), y)
    return sums


def _gradient(bench: Bench, arguments: Mapping[str, Any], held: Held) -> Arrays:
    every = range(bench.network.size)
    sums, gradient = _differentiated(
        bench, held.arrays["weights"], _chunks(bench, arguments), every, arguments
    )
    return {"sums": sums, "gradient": gradient}


def _product(bench: Bench, arguments: Mapping[str, Any], held: Held) -> Arrays:
    network, w, v = bench.network, held.arrays["weights"], held.arrays["direction"]
    product = np.zeros(network.size)
    for x, y in _chunks(bench, arguments):
        if arguments["what"] == "fisher":
            product += fisher_product(network, w, x, v)
        else:
            product += hessian_product(network, w, x, y, v)
    return {"product": product}


def _slice(bench: Bench, arguments: Mapping[str, Any], held: Held) -> Arrays:
    part = _range_of(arguments, bench.network.size, "weights")
    rows = len(bench.table.x)
    chunks = _chunks(bench, {"start": 0, "stop": rows})
    sums, gradient = _differentiated(bench, held.arrays["weights"], chunks, part, arguments)
    rule = make_rule(bench.config.optimizer.rule, len(part), **rule_arguments(bench.config))
    rule.restore(state_of(state_in(held.arrays), part))
    weights = held.arrays["weights"][part.start : part.stop].copy()
    # iRPROP+ alone asks; every owner answers alike, having seen all rows.
    grew = bool(sums[0] / rows > held.arrays["before"][0])
    rule.step(weights, gradient / rows, learning_rate=arguments["learning_rate"], grew=grew)
    return {"sums": sums, "weights": weights, **carried(rule.state())}


def _differentiated(
    bench: Bench,
    w: FloatArray,
    chunks: Iterator[tuple[FloatArray, FloatArray]],
    indices: range,
    arguments: Mapping[str, Any],
) -> tuple[FloatArray, FloatArray]:
    """``sums``, and the gradient at these weights, both summed over the rows."""
    network, sums, gradient = bench.network, np.zeros(3), np.zeros(len(indices))
    for x, y in chunks:
        forward = network.forward(w, x)
        sums += _sums(bench, forward, y)
        if arguments.get("how") == "numeric":
            gradient += _numeric(bench, w, x, y, indices)
        else:
            d = network.head.gradient(forward.z[-1], y)
            gradient += network.backward(w, forward, d)[indices.start : indices.stop]
    return sums, gradient


def _numeric(bench: Bench, w: FloatArray, x: FloatArray, y: FloatArray, indices: range) -> FloatArray:
    gradient = np.empty(len(indices))
    for first in range(0, len(indices), WEIGHTS_BETWEEN):
        _ask(bench)
        some = indices[first : first + WEIGHTS_BETWEEN]
        gradient[first : first + len(some)] = bench.network.numeric_gradient(w, x, y, indices=some)
    return gradient


def _sums(bench: Bench, forward: Forward, y: FloatArray) -> FloatArray:
    network = bench.network
    error = network.head.errors(forward.z[-1], y).sum()
    right = network.right(forward, y) if bench.table.classes else 0
    return np.array([error, right, len(y)], np.float64)


def _chunks(bench: Bench, arguments: Mapping[str, Any]) -> Iterator[tuple[FloatArray, FloatArray]]:
    """The order's rows x ``[n, inputs]`` and y ``[n, outputs]``, float64, some at a time."""
    x, y = _split(bench, arguments.get("split", "train"))
    part = _range_of(arguments, len(x), "rows")
    order = None
    if "epoch" in arguments:
        order = epoch_order(seed=bench.config.seed, epoch=arguments["epoch"], rows=len(x))
    for start in range(part.start, part.stop, CHUNK_ROWS):
        _ask(bench)
        positions = slice(start, min(start + CHUNK_ROWS, part.stop))
        rows = positions if order is None else order[positions]
        yield np.asarray(x[rows], np.float64), np.asarray(y[rows], np.float64)


def _split(bench: Bench, name: str) -> tuple[FloatArray, FloatArray]:
    table = bench.table
    match name:
        case "train":
            return table.x, table.y
        case "test":
            return table.test_x, table.test_y
    raise UnknownOrder(f"split: expected train or test, found {name}")


def _range_of(arguments: Mapping[str, Any], total: int, what: str) -> range:
    start, stop = arguments["start"], arguments["stop"]
    if not 0 <= start <= stop <= total:
        raise UnknownOrder(f"{what}: expected a range within the {total} there are, found {start} to {stop}")
    return range(start, stop)


def _ask(bench: Bench) -> None:
    if not bench.goes_on():
        raise _ToldToStop
