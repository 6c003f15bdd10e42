"""The verb ``points``: the mean error over a table at numbered points of the weights.

A number, the snapshot and the config say all of a point, so that any Player makes the same of a number, bit for bit,
whatever numbers it is given beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.configs.rule_arguments import rule_arguments
from touchline.player.bench import Bench
from touchline.player.work import Arrays, Held, UnknownOrder
from touchline.targets.activations import Choice
from touchline.targets.assignments import by_layer
from touchline.targets.best import Scored, best_of, merged
from touchline.targets.grid import Grid
from touchline.targets.local import train_epochs
from touchline.targets.many import WORST, chunks, mean_errors, points_at_once
from touchline.targets.network import TableNetwork
from touchline.targets.numbered import START, assignments_of, drawn, perturbed
from touchline.targets.rules import make_rule

FloatArray = NDArray[np.float64]
WHATS = ("grid", "draws", "evolution", "activations", "assignment")
EPOCHS_BETWEEN = 50  # passes between two questions whether to go on


def carry_out(bench: Bench, arguments: Mapping[str, Any], held: Held) -> Arrays | None:
    """One order's result, None where it was told to stop on the way. ``arguments`` are by ``what``, over the numbers
    [``start``, ``stop``) of the round ``iteration``:

    ``grid``: points of the config's grid, which no snapshot enters. ``draws``: random points around the snapshot's
    weights, number −1 those themselves. Both send ``best`` float64 [2]: the least mean error and the number it is at,
    of equals the smallest.
    ``evolution``: perturbations of the snapshot's weights. Sends ``values`` float64 [stop − start], minus the mean
    error at each; with ``centre``, also ``centre`` float64 [1], the mean error at the weights themselves.
    ``activations``: assignments of activation functions, each trained from the snapshot's weights. Sends ``best`` and
    ``weights`` float64 [size], what the best one came to.
    ``assignment``: of ``number`` alone. Sends ``sums`` float64 [3] over the test rows: error, rows that are right (0
    where rows are of no class), rows.

    Raises UnknownOrder, TargetError.
    """
    match arguments.get("what"):
        case "grid":
            return _best(bench, _numbers(arguments), _on_grid(bench))
        case "draws":
            return _best(bench, _numbers(arguments), _around(bench, arguments, held))
        case "evolution":
            return _perturbations(bench, arguments, held)
        case "activations":
            return _activations(bench, _numbers(arguments), held)
        case "assignment":
            return _tested(bench, arguments["number"], held)
        case other:
            raise UnknownOrder(f"what: expected {', '.join(WHATS)} with the verb points, found {other}")


Points = Callable[[range], FloatArray]


def _on_grid(bench: Bench) -> Points:
    search = bench.config.search
    return Grid.of(search.low, search.high, search.step, bench.network.size).points


def _around(bench: Bench, arguments: Mapping[str, Any], held: Held) -> Points:
    w, iteration = held.arrays["weights"], arguments["iteration"]
    radius, seed = bench.config.search.radius, bench.config.seed
    return lambda numbers: drawn(w, radius=radius, seed=seed, iteration=iteration, numbers=numbers)


def _best(bench: Bench, numbers: range, points: Points) -> Arrays | None:
    found: list[Scored] = []
    for some in chunks(numbers, points_at_once(bench.network, len(bench.table.x))):
        if not bench.goes_on():
            return None
        found.append(best_of(_mean_errors(bench, points(some)), some))
    return {"best": np.array(merged(found), np.float64)}


def _perturbations(bench: Bench, arguments: Mapping[str, Any], held: Held) -> Arrays | None:
    w, numbers, iteration = held.arrays["weights"], _numbers(arguments), arguments["iteration"]
    sigma, seed = bench.config.evolution.sigma, bench.config.seed
    found: list[FloatArray] = []
    for some in chunks(numbers, points_at_once(bench.network, len(bench.table.x))):
        if not bench.goes_on():
            return None
        points = perturbed(w, sigma=sigma, seed=seed, iteration=iteration, numbers=some)
        found.append(-_mean_errors(bench, points))
    values = {"values": np.concatenate(found)}
    return {**values, "centre": _mean_errors(bench, w[None])} if arguments.get("centre") else values


def _mean_errors(bench: Bench, points: FloatArray) -> FloatArray:
    return mean_errors(bench.network, points, bench.table.x, bench.table.y)


def _activations(bench: Bench, numbers: range, held: Held) -> Arrays | None:
    best, weights = Scored(np.inf, START), held.arrays["weights"]
    for number in numbers:
        trained = _trained(bench, _with(bench, number), held.arrays["weights"])
        if trained is None:
            return None
        w, error = trained
        if error < best.value:
            best, weights = Scored(error, number), w
    return {"best": np.array(best, np.float64), "weights": weights}


def _trained(bench: Bench, network: TableNetwork, w: FloatArray) -> tuple[FloatArray, float] | None:
    """The weights after ``search.epochs`` passes over all rows, and the mean error at them."""
    optimizer, table = bench.config.optimizer, bench.table
    rule = make_rule(optimizer.rule, network.size, **rule_arguments(bench.config))
    rate, epochs = optimizer.learning_rate, bench.config.search.epochs
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # an assignment may well diverge: it is then no candidate
        for some in chunks(range(epochs), EPOCHS_BETWEEN):
            if not bench.goes_on():
                return None
            w, _ = train_epochs(
                network,
                *(w, table.x, table.y),
                rule=rule,
                learning_rate=rate,
                epochs=len(some),
                batch_rows=None,
                rng=None,
            )
    if not np.isfinite(w).all():
        return np.zeros_like(w), WORST
    return w, float(mean_errors(network, w[None], table.x, table.y)[0])


def _tested(bench: Bench, number: int, held: Held) -> Arrays:
    network, table, w = _with(bench, number), bench.table, held.arrays["weights"]
    right = network.correct(w, table.test_x, table.test_y) if table.classes else 0
    return {"sums": np.array([network.error(w, table.test_x, table.test_y), right, len(table.test_x)])}


def _with(bench: Bench, number: int) -> TableNetwork:
    search, hidden = bench.config.search, bench.network.hidden
    assignments = assignments_of(search.activations, search.coefficients, hidden, per=search.per)
    chosen: tuple[Choice, ...] = assignments.at(number)
    return bench.network.with_activations(by_layer(chosen, hidden, search.per))


def _numbers(arguments: Mapping[str, Any]) -> range:
    """The numbers of an order, at least one."""
    numbers = range(arguments["start"], arguments["stop"])
    if not numbers:
        raise UnknownOrder(
            f"start, stop: expected one number or more, found {numbers.start} to {numbers.stop}"
        )
    return numbers
