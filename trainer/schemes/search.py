"""Searching without gradients: random draws around the best so far (documents 001c and 003).

What is enumerated instead, a grid or all assignments of activation functions, is in ``enumeration``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from touchline.configs import Config
from touchline.targets.numbered import START, drawn
from touchline.trainer.scheme import Arrays, Merged, Returned, Scheme, Task
from touchline.trainer.schemes.enumeration import Activations, GridSearch
from touchline.trainer.schemes.on_episodes import target_of
from touchline.trainer.schemes.on_points import TableTarget, Target, check_best, numbers_of
from touchline.trainer.schemes.on_table import parts_of

FloatArray = NDArray[np.float64]


def search_of(config: Config, spaces: Mapping[str, Any], facts: Mapping[str, Any]) -> Scheme:
    """The search that ``search.over`` names. Raises SchemeError, TargetError, SpaceError."""
    match config.search.over:
        case "draws":
            return Draws(config, target_of(config, spaces, facts))
        case "grid":
            return GridSearch(config, target_of(config, spaces, facts))
        case "activations":
            return Activations(config, TableTarget.of(config, spaces))
        case _:
            assert_never(config.search.over)


class Draws:
    """Monte-Carlo: ``search.draws`` random points a round, the best is taken if it is better than what there is.

    The value never grows. A candidate is a point, whatever version it was drawn around: one that comes late is as good
    as it is, so that staleness costs nothing but the distance from what is live. Of equals the smaller number is taken.
    """

    bears_staleness = True
    ageless = False
    rounds_in_all = None

    def __init__(self, config: Config, target: Target) -> None:
        """Raises SchemeError for more parts than draws."""
        self._config, self._target = config, target
        self._w = target.first()
        self._value = math.inf  # nobody has told it yet
        self._parts = parts_of(config.search.draws, config, what="draws")
        self._rounds = 0

    def arrays(self) -> Arrays:
        return self._target.arrays(self._w)

    def round(self) -> Sequence[Task]:
        """The very first task evaluates the first weights as well."""
        tasks = [self._task(part) for part in self._parts]
        self._rounds += 1
        return tasks

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
        best = min(results, key=lambda result: float(result.arrays["best"][0]))  # the first of equals
        value, number = best.arrays["best"].tolist()
        better, before = value < self._value, self._w
        if better:
            self._value, self._w = value, self._point(best, int(number))
        work = self._target.work(results, sum(len(numbers_of(result.task)) for result in results))
        done = self._target.reached(self._value)
        return Merged(
            changed=not np.array_equal(self._w, before),
            evaluations=work.evaluations,
            error=self._value,
            of_new=True,
            measures={"candidate": value, "accepted": float(better)},
            returns=work.returns,
            lengths=work.lengths,
            done=done,
            solved=done is not None,
        )

    def weights(self) -> Arrays:
        return self._target.weights(self._w)

    def state(self) -> Arrays:
        return {"value": np.array([self._value]), "rounds": np.array([self._rounds])}

    def facts(self) -> Mapping[str, Any]:
        return {}

    def _task(self, part: range) -> Task:
        start = START if self._rounds == 0 and part.start == 0 else part.start
        numbers = {"start": start, "stop": part.stop, "iteration": self._rounds}
        return Task("points", {"what": "draws", **numbers})

    def _point(self, result: Returned, number: int) -> FloatArray:
        (point,) = drawn(
            self._target.base(result.base),
            radius=self._config.search.radius,
            seed=self._config.seed,
            iteration=result.task.arguments["iteration"],
            numbers=range(number, number + 1),
        )
        return np.asarray(point, np.float64)
