"""Networks trained apart, each on its rows, and merged: document 004's mean and sum, and federated averaging.

A round of fits gives one network a part; their merge is the next version. A round of rows then measures it: what the
parts were each able to do says nothing of what they are together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from touchline.configs import Config
from touchline.targets.combining import combine
from touchline.targets.costs import FORWARD, GRADIENT
from touchline.trainer.scheme import Arrays, Merged, Returned, Task, expect
from touchline.trainer.schemes.on_rows import check_sums_over, rows_of, solved_at
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


class Averaging:
    """``averaging.rounds`` merges of ``tasks.parts`` networks. ``init: own`` is of the first round alone."""

    bears_staleness = False
    ageless = False

    def __init__(self, config: Config, facts: TableFacts) -> None:
        """Raises SchemeError, TargetError."""
        self._config, self._averaging, self._facts = config, config.averaging, facts
        self._network = network_for(config, facts)
        self._parts = parts_of(facts.rows, config)
        self._w = first_weights(config, self._network)
        self._merges = 0
        self._measured = True
        self.rounds_in_all = 2 * config.averaging.rounds  # each merge, and the measuring of what it made

    @staticmethod
    def of(config: Config, spaces: Mapping[str, Any], facts: Mapping[str, Any]) -> Averaging:
        """For the table that a Player announced. Raises SchemeError, TargetError."""
        return Averaging(config, TableFacts.of(spaces))

    def arrays(self) -> Arrays:
        return {"weights": self._w}

    def round(self) -> Sequence[Task]:
        if not self._measured:
            return [rows_task(part, what="error") for part in self._parts]
        if self._merges == self._averaging.rounds:
            return []
        return [self._fit(index) for index in range(len(self._parts))]

    def _fit(self, index: int) -> Task:
        part, first = self._parts[index], self._merges == 0
        arguments = {
            "what": self._averaging.local,
            "init": "own" if first and self._averaging.init == "own" else "shared",
            "start": part.start,
            "stop": part.stop,
            "part": index,
            "number": self._merges * len(self._parts) + index,
        }
        return Task("fit", arguments)

    def test(self) -> Sequence[Task]:
        return test_tasks(self._facts)

    def tested(self, results: Sequence[Returned]) -> Mapping[str, float]:
        return tested_on(self._facts, results)

    def check(self, task: Task, arrays: Arrays) -> None:
        check_sums_over(arrays, rows_of(task))
        if task.verb == "fit":
            expect(arrays, "weights", shape=(self._network.size,))

    def merge(self, results: Sequence[Returned]) -> Merged:
        return self._combined(results) if self._measured else self._found(results)

    def _combined(self, results: Sequence[Returned]) -> Merged:
        self._w = combine([r.arrays["weights"] for r in results], how=self._averaging.combine, start=self._w)
        self._merges += 1
        self._measured = False
        steps = self._averaging.inner if self._averaging.local == "ott" else self._averaging.local_epochs
        return Merged(
            changed=True,
            evaluations=self._facts.rows * (steps * GRADIENT + FORWARD),
            measures=self._means(results, prefix="single_"),
        )

    def _found(self, results: Sequence[Returned]) -> Merged:
        self._measured = True
        means = self._means(results)
        error, rounds = means.pop("error"), self._averaging.rounds
        solved = solved_at(error, self._config.stop.error)
        finished = f"finished: {rounds} merges were made" if self._merges == rounds else None
        return Merged(
            changed=False,
            evaluations=self._facts.rows * FORWARD,
            error=error,
            measures=means,
            done=solved or finished,
            solved=solved is not None,
        )

    def _means(self, results: Sequence[Returned], *, prefix: str = "") -> dict[str, float]:
        """Error and, of classes, accuracy over the training rows; ``single_``: of each part's network on its own."""
        error, correct, rows = sums_of(results).tolist()
        found = {f"{prefix}error": error / rows}
        return {**found, f"{prefix}accuracy": correct / rows} if self._facts.classes else found

    def weights(self) -> Arrays:
        return {name: array.copy() for name, array in self._network.views(self._w).items()}

    def state(self) -> Arrays:
        return {"merges": np.array([self._merges]), "measured": np.array([self._measured])}

    def facts(self) -> Mapping[str, Any]:
        return {"hidden": list(self._network.hidden), "merges": self._merges}
