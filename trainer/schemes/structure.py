"""Growing a network (Kryuchin): candidates widen a layer or add one, each is trained by one Player, the best goes on.

With a barrier a level is closed before the next is opened from its best: the outcome does not depend on who did what.
Without one a free Player gets the next candidate of the best so far: nobody waits, and the order of arrival decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.configs import Config
from touchline.configs.model_arguments import model_arguments
from touchline.targets.building import model_of
from touchline.targets.costs import FORWARD, GRADIENT
from touchline.targets.growth import candidates, score
from touchline.targets.many import WORST
from touchline.targets.network import TableNetwork
from touchline.trainer.scheme import Arrays, Merged, Returned, Task, expect
from touchline.trainer.schemes.on_rows import check_sums_over, solved_at
from touchline.trainer.schemes.on_table import TableFacts, first_weights, network_for

FloatArray = NDArray[np.float64]
Hidden = tuple[int, ...]
Rank = tuple[float, int]  # score and number: smaller is better, of equals the one that was opened first


@dataclass(frozen=True, slots=True)
class Trained:
    """A candidate that came back."""

    number: int
    hidden: Hidden
    weights: FloatArray  # float64 [size of this structure]
    sums: tuple[float, float, float]  # over the training rows: error, rows that are right, rows
    test_sums: tuple[float, float, float]  # over the test rows, zeros where there are none
    score: float  # what is minimised

    @property
    def rank(self) -> Rank:
        """What it is compared by."""
        return self.score, self.number


class Structure:
    """Begins with ``model.hidden``. ``arrays()`` are the best so far: their size changes with the structure."""

    def __init__(self, config: Config, facts: TableFacts) -> None:
        """Raises SchemeError, TargetError."""
        self._config, self._facts, self._bounds = config, facts, config.structure
        self._by_level = config.structure.barrier == "level"
        self.bears_staleness = self.ageless = not self._by_level
        self.rounds_in_all = None
        self._opened: dict[Hidden, int] = {}
        self._trained: dict[Hidden, Rank] = {}  # all that came back, without their weights
        self._front: Trained | None = None  # the best of the level closed last
        self._best: Trained | None = None
        self._without = 0  # levels, or candidates, since there was a better one
        self._network = network_for(config, facts)
        self._w = first_weights(config, self._network)

    @staticmethod
    def of(config: Config, spaces: Mapping[str, Any], facts: Mapping[str, Any]) -> Structure:
        """For the table that a Player announced. Raises SchemeError, TargetError."""
        return Structure(config, TableFacts.of(spaces))

    def arrays(self) -> Arrays:
        return {"weights": self._w}

    def round(self) -> Sequence[Task]:
        if self._by_level:
            return [self._open(hidden) for hidden in tuple(self._level())]
        found: list[Task] = []
        while len(found) < self._config.tasks.parts and (hidden := self._next()) is not None:
            found.append(self._open(hidden))
        return found

    def _level(self) -> Iterator[Hidden]:
        """All that is new from the best of the last level."""
        if self._front is None:
            yield self._config.model.hidden
        else:
            yield from self._new_from(self._front.hidden)

    def _next(self) -> Hidden | None:
        """The next of the best so far that has one, None where all that the bounds allow were opened."""
        if not self._opened:
            return self._config.model.hidden
        grown = (hidden for parent in self._parents() for hidden in self._new_from(parent))
        return next(grown, None)

    def _parents(self) -> list[Hidden]:
        """What has been trained, the best first; then what is being trained, so that nobody waits for it."""
        ranked = sorted(self._trained, key=lambda hidden: self._trained[hidden])
        return [*ranked, *(hidden for hidden in self._opened if hidden not in self._trained)]

    def _new_from(self, hidden: Hidden) -> Iterator[Hidden]:
        bounds = self._bounds
        for grown in candidates(hidden, max_layers=bounds.max_layers, max_width=bounds.max_width):
            if grown not in self._opened:
                yield grown

    def _open(self, hidden: Hidden) -> Task:
        number = self._opened[hidden] = len(self._opened)
        return Task("fit", {"what": "structure", "hidden": list(hidden), "number": number})

    def test(self) -> Sequence[Task]:
        """None: each candidate was tried on the test rows already, which are what it is chosen by."""
        return []

    def tested(self, results: Sequence[Returned]) -> Mapping[str, float]:
        return {}

    def check(self, task: Task, arrays: Arrays) -> None:
        expect(arrays, "weights", shape=(self._network_of(tuple(task.arguments["hidden"])).size,))
        check_sums_over(arrays, self._facts.rows)
        check_sums_over(arrays, self._facts.test_rows, name="test_sums")

    def merge(self, results: Sequence[Returned]) -> Merged:
        came = [self._judged(result) for result in results]
        self._trained |= {one.hidden: one.rank for one in came}
        before = self._best
        if self._by_level:
            self._close(came)
        else:
            for trained in came:
                self._without = 0 if self._consider(trained) else self._without + 1
        best = self._best
        assert best is not None, "a merge holds one result or more"
        error = best.sums[0] / best.sums[2]
        solved = solved_at(error, self._config.stop.error)
        return Merged(
            changed=best is not before,
            evaluations=len(came) * self._evaluations(),
            error=error,
            of_new=True,
            measures=self._measures(best),
            done=solved or self._exhausted(),
            solved=solved is not None,
        )

    def _close(self, level: Sequence[Trained]) -> None:
        """The level's best is grown from next, whether or not it is the best of all."""
        self._front = min(level, key=lambda one: one.rank)
        self._without = 0 if self._consider(self._front) else self._without + 1

    def _consider(self, trained: Trained) -> bool:
        """Whether it is the best so far, and then it is taken."""
        if self._best is not None and trained.score >= self._best.score:
            return False
        self._best, self._w = trained, trained.weights
        self._network = self._network_of(trained.hidden)
        return True

    def _exhausted(self) -> str | None:
        """Why the search should end, where it was long without a better structure."""
        bound, unit = (
            self._bounds.patience * (1 if self._by_level else 2),
            "levels" if self._by_level else "candidates",
        )
        if self._without < bound:
            return None
        if self._best is None or self._best.sums[0] >= WORST:
            rate = self._config.optimizer.learning_rate
            return (
                f"finished: no structure's training stayed finite with optimizer.learning_rate {rate:g}. "
                f"Set a smaller one, such as --optimizer.learning_rate {rate / 10:g}"
            )
        return f"finished: {bound} {unit} without a better structure"

    def _judged(self, result: Returned) -> Trained:
        arguments, arrays = result.task.arguments, result.arrays
        error, right, rows = arrays["sums"].tolist()
        test_error, test_right, test_rows = arrays["test_sums"].tolist()
        mean = test_error / test_rows if self._facts.test_rows else error / rows
        weights = arrays["weights"]
        return Trained(
            number=arguments["number"],
            hidden=tuple(arguments["hidden"]),
            weights=weights,
            sums=(error, right, rows),
            test_sums=(test_error, test_right, test_rows),
            score=score(mean, weights.size, self._bounds.penalty),
        )

    def _network_of(self, hidden: Hidden) -> TableNetwork:
        form = model_arguments(self._config)
        form["hidden"] = hidden
        table = self._facts
        return model_of(inputs=table.inputs, outputs=table.outputs, classes=table.classes, **form)

    def _evaluations(self) -> int:
        """Of one candidate: its training, and one pass over all rows."""
        table = self._facts
        return self._bounds.epochs * table.rows * GRADIENT + (table.rows + table.test_rows) * FORWARD

    def _measures(self, best: Trained) -> dict[str, float]:
        found = {
            "score": best.score,
            "size": float(best.weights.size),
            "candidates": float(len(self._trained)),
        }
        # The test rows chose the structure: what it does on them is no test of it any longer.
        for prefix, (error, right, rows) in (("", best.sums), ("validation_", best.test_sums)):
            if prefix and rows:
                found["validation_error"] = error / rows
            if self._facts.classes and rows:
                found[f"{prefix}accuracy"] = right / rows
        return found

    def weights(self) -> Arrays:
        return {name: array.copy() for name, array in self._network.views(self._w).items()}

    def state(self) -> Arrays:
        return {"counts": np.array([len(self._opened), len(self._trained), self._without])}

    def facts(self) -> Mapping[str, Any]:
        return {"hidden": list(self._network.hidden), "candidates": len(self._trained)}
