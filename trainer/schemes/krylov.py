"""Second-order descent: a Krylov solver finds each step, and Players compute its products row by row.

One outer step is (1) a round of gradients g, (2) a round of products for each v that the solver asks for, of
(C + damping I) d = −g, and (3) rounds of errors at w + s d, s = 1, ½, ¼, .., until the error falls. C is the mean
curvature over rows: with ``fisher`` and cg this is the natural gradient (Gauss-Newton for squared error), with
``hessian`` and minres Newton's method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from touchline.configs import Config
from touchline.targets.solving import Solving, solver_named
from touchline.trainer.scheme import Arrays, Merged, Returned, Task
from touchline.trainer.schemes.on_rows import check_rows, evaluations_of, solved_at
from touchline.trainer.schemes.on_table import (
    TableFacts,
    first_weights,
    network_for,
    parts_of,
    rows_task,
    sums_of,
    test_tasks,
    tested_on,
)

FloatArray = NDArray[np.float64]
LEAST_SLOPE = (
    1e-12  # cosine of direction and gradient below which the direction counts as neither up nor down
)


class Krylov:
    """Versions change with each direction as well as with the weights: both are in the snapshot.

    Sound in lockstep alone: a solve assumes that all its products are of one matrix. Where a direction does not lower
    the error after ``krylov.halvings`` the steepest descent is tried; where that does not either, the run is over.
    """

    bears_staleness = False
    ageless = False
    rounds_in_all = None

    def __init__(self, config: Config, facts: TableFacts) -> None:
        """Raises SchemeError for more parts than rows, TargetError for no such network and where scipy is missing."""
        solver_named(config.krylov.solver)
        self._config, self._table = config, facts
        self._settings = config.krylov
        self._network = network_for(config, facts)
        self._parts = parts_of(facts.rows, config)
        self._weights = first_weights(config, self._network)
        self._direction = np.zeros(self._network.size)
        self._gradient = np.zeros(self._network.size)
        self._error = np.inf
        self._solving: Solving | None = None
        self._phase: Literal["gradient", "products", "line"] = "gradient"
        self._halved = 0
        self._steepest = False  # the direction is the gradient's

    @classmethod
    def of(cls, config: Config, spaces: Mapping[str, Any], facts: Mapping[str, Any]) -> Krylov:
        """Over the table that READY announced. Raises SchemeError, TargetError."""
        return cls(config, TableFacts.of(spaces))

    def arrays(self) -> Arrays:
        return {"weights": self._weights, "direction": self._direction}

    def round(self) -> Sequence[Task]:
        match self._phase:
            case "gradient":
                return self._tasks(what="gradient", how="backprop")
            case "products":
                return self._tasks(what=self._settings.curvature)
            case "line":
                return self._tasks(what="error", scale=self._scale)

    def test(self) -> Sequence[Task]:
        return test_tasks(self._table)

    def tested(self, results: Sequence[Returned]) -> Mapping[str, float]:
        return tested_on(self._table, results)

    def check(self, task: Task, arrays: Arrays) -> None:
        check_rows(task, arrays, size=self._network.size)

    def merge(self, results: Sequence[Returned]) -> Merged:
        evaluations = evaluations_of(results, size=self._network.size)
        match self._phase:
            case "gradient":
                return self._with_gradient(results, evaluations)
            case "products":
                return self._with_product(results, evaluations)
            case "line":
                return self._with_error(results, evaluations)

    def weights(self) -> Arrays:
        return self._network.views(self._weights)

    def state(self) -> Arrays:
        """Nothing: an outer step that was cut off is begun again."""
        return {}

    def facts(self) -> Mapping[str, Any]:
        return {}

    # -- the three kinds of rounds

    def _with_gradient(self, results: Sequence[Returned], evaluations: int) -> Merged:
        """The error and the gradient of the weights: the end, or a new linear system."""
        self._error, measures = self._measured(results)
        self._gradient = self._mean(results, "gradient")
        measures["gradient_norm"] = float(np.linalg.norm(self._gradient))
        done = solved_at(self._error, self._config.stop.error)
        flat = None if self._gradient.any() else "the gradient is 0: no direction lowers the error"
        if done is None and flat is None:
            settings = self._settings
            # A run that ends in the midst of a solve lets go of it, and its thread ends: there is nothing to close.
            self._solving = Solving(
                settings.solver,
                -self._gradient,
                tolerance=settings.tolerance,
                iterations=settings.iterations,
            )
            self._go_on(self._solving)
        return Merged(
            changed=done is None and flat is None,
            evaluations=evaluations,
            error=self._error,
            measures=measures,
            done=done or flat,
            solved=done is not None,
        )

    def _with_product(self, results: Sequence[Returned], evaluations: int) -> Merged:
        """The product that the solver waits for: the next, or a direction."""
        assert self._solving is not None, "products are asked for in a solve"
        v = self._direction
        self._solving.give(self._mean(results, "product") + self._settings.damping * v)
        products = self._solving.products
        self._go_on(self._solving)
        return Merged(changed=True, evaluations=evaluations, measures={"products": float(products)})

    def _with_error(self, results: Sequence[Returned], evaluations: int) -> Merged:
        """The error a step away: take it, or halve it, or give the direction up."""
        error, measures = self._measured(results)
        if error < self._error:
            measures["step"] = self._scale
            self._weights = self._weights + self._scale * self._direction
            self._error, self._phase = error, "gradient"
            done = solved_at(error, self._config.stop.error)
            return Merged(True, evaluations, error, True, measures, done=done, solved=done is not None)
        if self._halved < self._settings.halvings:
            self._halved += 1
            return Merged(changed=False, evaluations=evaluations)
        if not self._steepest:
            self._search_along(-self._gradient, steepest=True)
            return Merged(changed=True, evaluations=evaluations)
        return Merged(
            changed=False, evaluations=evaluations, done="no step along the gradient lowers the error"
        )

    # -- what they are made of

    def _go_on(self, solving: Solving) -> None:
        """To the next product, or along the solution."""
        wanted = solving.product_wanted()
        if wanted is not None:
            self._direction, self._phase = wanted, "products"
            return
        self._solving = None
        direction, steepest = downhill(solving.solution, self._gradient)
        self._search_along(direction, steepest=steepest)

    def _search_along(self, direction: FloatArray, *, steepest: bool) -> None:
        self._direction, self._steepest = direction, steepest
        self._phase, self._halved = "line", 0

    @property
    def _scale(self) -> float:
        return 0.5**self._halved

    def _tasks(self, *, what: str, **more: Any) -> Sequence[Task]:
        return [rows_task(part, what=what, **more) for part in self._parts]

    def _mean(self, results: Sequence[Returned], name: str) -> FloatArray:
        """The mean over all rows, float64 ``[size]``, added in the order of the tasks."""
        total = np.zeros(self._network.size)
        for result in results:
            total += result.arrays[name]
        return total / self._table.rows

    def _measured(self, results: Sequence[Returned]) -> tuple[float, dict[str, float]]:
        error, right, rows = sums_of(results).tolist()
        return error / rows, {"accuracy": right / rows} if self._table.classes else {}


def downhill(direction: FloatArray, gradient: FloatArray) -> tuple[FloatArray, bool]:
    """A direction that lowers the error, float64 ``[size]``, and whether it is the steepest descent.

    Newton's step leads to where the gradient vanishes, which, with an indefinite Hessian, may lie uphill: such a
    direction is turned round. One across the gradient, or none at all, is replaced by minus the gradient.
    """
    slope = float(direction @ gradient)
    across = LEAST_SLOPE * float(np.linalg.norm(direction) * np.linalg.norm(gradient))
    if not np.isfinite(slope) or abs(slope) <= across:
        return -gradient, True
    return (direction if slope < 0 else -direction), False
