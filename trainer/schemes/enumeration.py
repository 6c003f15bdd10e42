"""Trying everything: each point of a grid, or each assignment of activation functions (documents 001b and 001e).

One round, cut into so many orders that a Player reports every few seconds. It is a baseline and an oracle, not a
trainer: how much there is to try is a product over the weights, and is refused before anything runs where it is more
than ``search.limit``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from touchline.configs import Config
from touchline.targets.assignments import Assignments
from touchline.targets.costs import FORWARD, GRADIENT
from touchline.targets.grid import Grid
from touchline.targets.numbered import assignments_of
from touchline.targets.splitting import split
from touchline.trainer.scheme import Arrays, Merged, Returned, SchemeError, Task, expect
from touchline.trainer.schemes.on_points import TableTarget, Target, check_best, numbers_of
from touchline.trainer.schemes.on_table import check_sums, tested_on

MOST_OF_AN_ORDER = 100_000  # points
SECONDS_OF_AN_ORDER = 3.0
SECONDS_PER_PASS = 1e-4  # of training, beside its arithmetic
UNITS = (("years", 31_557_600.0), ("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0), ("seconds", 1.0))


class GridSearch:
    """Every point of the grid; the best one is what comes of it. Of equals the smaller number is taken."""

    bears_staleness = False
    ageless = False
    rounds_in_all = 1

    def __init__(self, config: Config, target: Target) -> None:
        """Raises SchemeError for a grid of more than ``search.limit`` points."""
        self._config, self._target = config, target
        search = config.search
        self._grid = Grid.of(search.low, search.high, search.step, target.size)
        hint = "a wider --search.step, or a smaller network"
        check_limit(config, self._grid.total, "points", seconds_each=target.seconds_a_point, hint=hint)
        self._w = target.first()
        self._begun = False

    def arrays(self) -> Arrays:
        return self._target.arrays(self._w)

    def round(self) -> Sequence[Task]:
        if self._begun:
            return []
        self._begun = True
        return orders("grid", self._grid.total, self._config, seconds_each=self._target.seconds_a_point)

    def test(self) -> Sequence[Task]:
        return self._target.test()

    def tested(self, results: Sequence[Returned]) -> Mapping[str, float]:
        return self._target.tested(results)

    def check(self, task: Task, arrays: Arrays) -> None:
        if task.evaluates:
            self._target.check_test(task, arrays)
            return
        check_best(task, arrays)
        self._target.check(arrays, len(numbers_of(task)))

    def merge(self, results: Sequence[Returned]) -> Merged:
        value, number = best_of(results).arrays["best"].tolist()
        self._w = self._grid.point(int(number))
        work = self._target.work(results, self._grid.total)
        solved = self._target.reached(value)
        return Merged(
            changed=True,
            evaluations=work.evaluations,
            error=value,
            of_new=True,
            measures={"number": number},
            returns=work.returns,
            lengths=work.lengths,
            done=solved or f"finished: all {self._grid.total:,} points were tried",
            solved=solved is not None,
        )

    def weights(self) -> Arrays:
        return self._target.weights(self._w)

    def state(self) -> Arrays:
        return {"begun": np.array([self._begun])}

    def facts(self) -> Mapping[str, Any]:
        return {"points": self._grid.total}


class Activations:
    """Every assignment of activation functions, each trained alike from the same first weights."""

    bears_staleness = False
    ageless = False
    rounds_in_all = 1

    def __init__(self, config: Config, target: TableTarget) -> None:
        """Raises SchemeError for more than ``search.limit`` assignments."""
        self._config, self._target = config, target
        search, hidden = config.search, config.model.hidden
        self._assignments: Assignments = assignments_of(
            search.activations, search.coefficients, hidden, per=search.per
        )
        passes = search.epochs * (SECONDS_PER_PASS + GRADIENT * target.seconds_a_point)
        self._seconds_each = target.seconds_a_point + passes
        hint = "--search.per layer, fewer --search.activations or fewer --search.coefficients"
        check_limit(
            config, self._assignments.total, "assignments", seconds_each=self._seconds_each, hint=hint
        )
        self._w = target.first()
        self._chosen: int | None = None
        self._begun = False

    def arrays(self) -> Arrays:
        return self._target.arrays(self._w)

    def round(self) -> Sequence[Task]:
        if self._begun:
            return []
        self._begun = True
        total = self._assignments.total
        return orders("activations", total, self._config, seconds_each=self._seconds_each)

    def test(self) -> Sequence[Task]:
        """The test rows by the assignment that was chosen."""
        if not self._target.facts.test_rows or self._chosen is None:
            return []
        return [Task("points", {"what": "assignment", "number": self._chosen}, evaluates=True)]

    def tested(self, results: Sequence[Returned]) -> Mapping[str, float]:
        return tested_on(self._target.facts, results)

    def check(self, task: Task, arrays: Arrays) -> None:
        if task.evaluates:
            check_sums(arrays, task)
            return
        check_best(task, arrays)
        expect(arrays, "weights", shape=(self._target.size,))

    def merge(self, results: Sequence[Returned]) -> Merged:
        best = best_of(results)
        value, number = best.arrays["best"].tolist()
        self._chosen = int(number)
        self._w = np.array(best.arrays["weights"], np.float64)
        total = self._assignments.total
        each = self._target.facts.rows * (FORWARD + self._config.search.epochs * GRADIENT)
        solved = self._target.reached(value)
        return Merged(
            changed=True,
            evaluations=total * each,
            error=value,
            of_new=True,
            measures={"number": number},
            done=solved or f"finished: all {total:,} assignments were tried",
            solved=solved is not None,
        )

    def weights(self) -> Arrays:
        return self._target.weights(self._w)

    def state(self) -> Arrays:
        return {"begun": np.array([self._begun])}

    def facts(self) -> Mapping[str, Any]:
        """``activations``: kind and coefficient for each layer, or each neuron, once they are chosen."""
        if self._chosen is None:
            return {"assignments": self._assignments.total}
        choices = [list(choice) for choice in self._assignments.at(self._chosen)]
        return {
            "activations": choices,
            "per": self._config.search.per,
            "assignments": self._assignments.total,
        }


def best_of(results: Sequence[Returned]) -> Returned:
    """The result with the least value; of equals the first, whose numbers are smaller."""
    return min(results, key=lambda result: float(result.arrays["best"][0]))


def orders(what: str, total: int, config: Config, *, seconds_each: float) -> list[Task]:
    """The numbers [0, total) in a multiple of ``tasks.parts`` orders, each of a few seconds at most."""
    parts = config.tasks.parts
    most = max(1, min(MOST_OF_AN_ORDER, int(SECONDS_OF_AN_ORDER / seconds_each)))
    cuts = split(total, parts * math.ceil(total / (parts * most)), remainder=config.tasks.remainder)
    return [
        Task("points", {"what": what, "start": cut.start, "stop": cut.stop, "iteration": 0})
        for cut in cuts
        if cut
    ]


def check_limit(config: Config, total: int, things: str, *, seconds_each: float, hint: str) -> None:
    """Raises SchemeError where there is more to try than ``search.limit``, with how long it would take."""
    limit = config.search.limit
    if total <= limit:
        return
    count = f"{total:,}" if total < 10**15 else f"10^{math.log10(total):.0f}"
    lift = f"Set --search.limit {total} to try them all, or take" if total < 10**15 else "Take"
    raise SchemeError(
        f"search.limit: expected at most {limit:,} {things}, found {count}, about {duration(total, seconds_each)} "
        f"with one Player. {lift} {hint}"
    )


def duration(total: int, seconds_each: float) -> str:
    """About how long so many take, for people. ``total`` may be beyond what a float holds."""
    years = math.log10(total) + math.log10(seconds_each / UNITS[0][1])
    if years >= 6:
        return f"10^{years:.0f} years"
    seconds = total * seconds_each
    name, unit = next(((name, unit) for name, unit in UNITS if seconds >= 2 * unit), UNITS[-1])
    return f"{seconds / unit:,.0f} {name}"
