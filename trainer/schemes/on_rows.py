"""What schemes that give ``rows`` orders share: whether a result is one, what it cost, when the error is low enough."""

from __future__ import annotations

from collections.abc import Sequence

from touchline.targets.costs import FORWARD, GRADIENT, PRODUCT
from touchline.trainer.scheme import Arrays, ResultError, Returned, Task, expect
from touchline.trainer.schemes.on_table import SUMS

VECTORS = {"gradient": "gradient", "fisher": "product", "hessian": "product"}


def rows_of(task: Task) -> int:
    """How many rows its range holds."""
    count: int = task.arguments["stop"] - task.arguments["start"]
    return count


def check_rows(task: Task, arrays: Arrays, *, size: int) -> None:
    """Raises ResultError where these do not belong to an error, a gradient or a product of the task's rows."""
    what = task.arguments["what"]
    if what in VECTORS:
        expect(arrays, VECTORS[what], shape=(size,))
    if what not in ("fisher", "hessian"):
        check_sums_over(arrays, rows_of(task))


def check_sums_over(arrays: Arrays, rows: int, *, name: str = "sums") -> None:
    """Raises ResultError where the sums of that name are not those of so many rows."""
    _, right, counted = expect(arrays, name, shape=(SUMS,)).tolist()
    if counted != rows or not 0 <= right <= rows:
        raise ResultError(
            f"{name}: expected {rows} rows, some of them right, found {counted:g} rows, {right:g} right"
        )


def evaluations_of(results: Sequence[Returned], *, size: int) -> int:
    """The work of these results in row evaluations. Numeric gradients take two forward passes for each weight."""
    return sum(rows_of(result.task) * _each(result.task, size) for result in results)


def _each(task: Task, size: int) -> int:
    match task.arguments["what"]:
        case "gradient" if task.arguments.get("how") == "numeric":
            return (1 + 2 * size) * FORWARD
        case "gradient":
            return GRADIENT
        case "fisher" | "hessian":
            return PRODUCT
    return FORWARD


def solved_at(error: float, bound: float | None) -> str | None:
    """Why the run should end, where the mean error of the training rows is within ``stop.error``."""
    if bound is None or error > bound:
        return None
    return f"solved: mean error {error:.4g} is within {bound:g}"
