"""Training on one spot: epochs of a rule over a table, and a local search to a minimum."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchline.targets.errors import TargetError, scipy_missing
from touchline.targets.network import TableNetwork
from touchline.targets.rules import Rule

FloatArray = NDArray[np.float64]


class Minimum(NamedTuple):
    """Where a local search ended."""

    w: FloatArray  # float64 [size]
    f: float
    evaluations: int  # of f with its gradient


def train_epochs(
    network: TableNetwork,
    w: FloatArray,
    x: NDArray[np.floating[Any]],
    y: NDArray[np.floating[Any]],
    *,
    rule: Rule,
    learning_rate: float,
    epochs: int,
    batch_rows: int | None,
    rng: np.random.Generator | None,
) -> tuple[FloatArray, float]:
    """Train a copy of ``w`` float64 ``[size]`` on rows x ``[N, inputs]``, y ``[N, outputs]``.

    Every step takes the *mean* gradient over its rows: all of them where ``batch_rows`` is None, else so many of an
    order that ``rng`` shuffles each epoch (the last batch may be smaller). Returns the weights and their error,
    summed over the rows. ``rule`` goes on from where it is: two calls are one of all their epochs.
    TargetError: minibatches for a rule that needs exact gradients.
    """
    _check(rule, batch_rows, len(x), rng)
    w = w.copy()
    for _ in range(epochs):
        for rows in _batches(len(x), batch_rows, rng):
            error, gradient = network.gradient(w, x[rows], y[rows])
            rule.step(w, gradient / len(x[rows]), learning_rate=learning_rate, grew=error > rule.last_error)
            rule.last_error = error
    return w, network.error(w, x, y)


def minimize(
    f_and_grad: Callable[[FloatArray], tuple[float, NDArray[np.floating[Any]]]],
    w: FloatArray,
    *,
    iterations: int,
) -> Minimum:
    """A local minimum from ``w`` by L-BFGS-B, within so many iterations. TargetError: scipy is not installed.

    ``f_and_grad``: float64 ``[size]`` -> (f, its gradient float64 ``[size]``).
    """
    found = minimizer()(f_and_grad, w, jac=True, method="L-BFGS-B", options={"maxiter": iterations})
    return Minimum(np.array(found.x, np.float64), float(found.fun), int(found.nfev))


def minimizer() -> Callable[..., Any]:
    """scipy's function, which one may ask for beforehand. Raises TargetError: scipy is not installed."""
    try:
        from scipy import optimize
    except ImportError as error:
        raise scipy_missing("L-BFGS-B") from error
    found: Callable[..., Any] = optimize.minimize
    return found


def _check(rule: Rule, batch_rows: int | None, rows: int, rng: np.random.Generator | None) -> None:
    if batch_rows is None:
        return
    if batch_rows < 1:
        raise TargetError(f"batch_rows: expected 1 or more, or null for all rows, found {batch_rows}")
    if rule.exact_gradients and batch_rows < rows:
        raise TargetError(
            f"batch_rows: this rule needs the gradient of all {rows} rows, found batches of {batch_rows}: "
            "leave it null, or choose sgd, momentum, rmsprop or adam"
        )
    if rng is None:
        raise TargetError("rng: minibatches are drawn in a random order, and no generator was given")


def _batches(
    rows: int, batch_rows: int | None, rng: np.random.Generator | None
) -> Iterator[slice | NDArray[np.intp]]:
    if rows == 0:
        return
    if batch_rows is None or rng is None:
        yield slice(None)
        return
    order = rng.permutation(rows)
    for start in range(0, rows, batch_rows):
        yield order[start : start + batch_rows]
