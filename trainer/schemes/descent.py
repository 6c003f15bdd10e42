"""Gradient descent in parallel: by rows, by minibatches or by weights, with any of the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.configs import Config
from touchline.configs.rule_arguments import rule_arguments
from touchline.targets.rule_state import carried
from touchline.targets.rules import make_rule
from touchline.trainer.optimizers import scheduled
from touchline.trainer.scheme import Arrays, Merged, Returned, Task
from touchline.trainer.schemes.cuts import ByRows, ByWeights, Cut, Step
from touchline.trainer.schemes.on_rows import check_rows, solved_at
from touchline.trainer.schemes.on_table import (
    SUMS,
    TableFacts,
    first_weights,
    network_for,
    test_tasks,
    tested_on,
)

FloatArray = NDArray[np.floating[Any]]
NONE_BEFORE = float(np.finfo(np.float64).max)  # no error has grown beyond it


class Descent:
    """Each round is a step of ``optimizer.rule`` along the gradient of the mean error.

    RPROP reads the signs of the gradient alone, so that mean and sum are one to it; QuickProp's step is eps times the
    gradient of the mean. The error that a round tells is that of the weights it began with; of minibatches it is the
    mean over the last epoch's. Where it is within ``stop.error`` no further step is made.
    """

    def __init__(self, config: Config, facts: TableFacts) -> None:
        """Raises SchemeError for more parts than rows or weights, TargetError for a network that makes no sense."""
        self._config, self._table = config, facts
        self._network = network_for(config, facts)
        self._weights: FloatArray = first_weights(config, self._network)
        self._rule = make_rule(config.optimizer.rule, self._network.size, **rule_arguments(config))
        by_rows = config.descent.by == "rows"
        self._cut: Cut = (ByRows if by_rows else ByWeights)(config, facts, self._rule)
        heavy = config.optimizer.rule == "sgd" and config.optimizer.momentum > 0
        self.bears_staleness = by_rows and not self._rule.exact_gradients and not heavy
        self.ageless, self.rounds_in_all = False, None
        self._rounds = self._updates = self._evaluations = 0
        self._before = NONE_BEFORE
        self._latest = np.zeros((self._cut.pieces, SUMS))  # what was last told of each piece of the rows

    @classmethod
    def of(cls, config: Config, spaces: Mapping[str, Any], facts: Mapping[str, Any]) -> Descent:
        """Over the table that READY announced. Raises SchemeError, TargetError."""
        return cls(config, TableFacts.of(spaces))

    def arrays(self) -> Arrays:
        return {"weights": self._weights, **self._cut.beside(self._rule, self._before)}

    def round(self) -> Sequence[Task]:
        tasks = self._cut.tasks(self._rounds, learning_rate=self._learning_rate())
        self._rounds += 1
        return tasks

    def test(self) -> Sequence[Task]:
        return test_tasks(self._table)

    def tested(self, results: Sequence[Returned]) -> Mapping[str, float]:
        return tested_on(self._table, results)

    def check(self, task: Task, arrays: Arrays) -> None:
        if task.evaluates:
            check_rows(task, arrays, size=self._network.size)
        else:
            self._cut.check(task, arrays)

    def merge(self, results: Sequence[Returned]) -> Merged:
        evaluations, rate = self._cut.evaluations(results), self._learning_rate()
        self._evaluations += evaluations
        error, measures, whole = self._measured(results)
        done = solved_at(error, self._config.stop.error) if whole else None
        if done is not None:
            return Merged(
                changed=False, evaluations=evaluations, error=error, measures=measures, done=done, solved=True
            )
        step = Step(self._weights, self._rule, rate, grew=error > self._before)
        self._weights, noted = self._cut.stepped(results, step)
        self._before = error
        self._updates += 1
        return Merged(changed=True, evaluations=evaluations, error=error, measures={**measures, **noted})

    def weights(self) -> Arrays:
        return self._network.views(self._weights)

    def state(self) -> Arrays:
        counters = [self._rounds, self._updates, self._evaluations]
        return {
            **carried(self._rule.state()),
            "before": np.array([self._before]),
            "latest": self._latest.copy(),
            "counters": np.array(counters, np.int64),
        }

    def facts(self) -> Mapping[str, Any]:
        return {}

    def _measured(self, results: Sequence[Returned]) -> tuple[float, dict[str, float], bool]:
        """The mean error of the rows last told of, what else they say, and whether they are all rows of the table."""
        for piece, sums in self._cut.sums(results).items():
            self._latest[piece] = sums
        error, right, rows = self._latest.sum(axis=0).tolist()
        measures = {"accuracy": right / rows} if self._table.classes else {}
        return error / rows, measures, rows == self._table.rows

    def _learning_rate(self) -> float:
        """By the schedule: 0 at ``stop.rounds`` or ``stop.evaluations``, whichever is nearer."""
        optimizer, stop = self._config.optimizer, self._config.stop
        made = [(self._updates, stop.rounds), (self._evaluations, stop.evaluations)]
        return min(
            scheduled(optimizer.learning_rate, schedule=optimizer.schedule, steps=steps, total=total)
            for steps, total in made
        )
