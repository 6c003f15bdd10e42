"""Basin hopping (Wales & Doye 1997): leap from the weights held, descend, and go there if it is better.

Without temperature every part hops from the same weights and the best hop is taken if it is lower: a search that only
descends, and a hop from older weights is still a candidate. With one the hops are a Markov chain, one after another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.configs import Config
from touchline.targets.costs import GRADIENT
from touchline.targets.hops import accepts, adapted_step, hop_chance
from touchline.trainer.scheme import Arrays, Merged, ResultError, Returned, SchemeError, Task, expect
from touchline.trainer.schemes.on_rows import check_sums_over, rows_of, solved_at
from touchline.trainer.schemes.on_table import (
    TableFacts,
    first_weights,
    network_for,
    test_tasks,
    tested_on,
)

FloatArray = NDArray[np.float64]
DESCENT = -1  # the number of the descent from the first weights, which is no hop


class Hopping:
    """``weights()`` are the best ever, ``arrays()`` those that are hopped from."""

    def __init__(self, config: Config, facts: TableFacts) -> None:
        """Raises SchemeError, TargetError."""
        self._config, self._facts = config, facts
        self._temperature = config.hopping.temperature
        self.bears_staleness = self._temperature == 0
        self.ageless, self.rounds_in_all = False, None
        _check_chain(config)
        self._network = network_for(config, facts)
        self._w = self._best = first_weights(config, self._network)
        self._error = self._best_error = math.inf
        self._step = config.hopping.step
        self._next = DESCENT
        self._hops = self._accepted = 0

    @staticmethod
    def of(config: Config, spaces: Mapping[str, Any], facts: Mapping[str, Any]) -> Hopping:
        """For the table that a Player announced. Raises SchemeError, TargetError."""
        return Hopping(config, TableFacts.of(spaces))

    def arrays(self) -> Arrays:
        return {"weights": self._w}

    def round(self) -> Sequence[Task]:
        return [self._hop() for _ in range(self._config.tasks.parts)]

    def _hop(self) -> Task:
        number, self._next = self._next, self._next + 1
        step = 0.0 if number == DESCENT else self._step
        return Task("fit", {"what": "hop", "number": number, "step": step})

    def test(self) -> Sequence[Task]:
        return test_tasks(self._facts)

    def tested(self, results: Sequence[Returned]) -> Mapping[str, float]:
        return tested_on(self._facts, results)

    def check(self, task: Task, arrays: Arrays) -> None:
        if task.verb == "rows":
            check_sums_over(arrays, rows_of(task))
            return
        expect(arrays, "weights", shape=(self._network.size,))
        expect(arrays, "error", shape=(1,))
        if expect(arrays, "evaluations", shape=(1,))[0] < 0:
            raise ResultError(f"evaluations: expected 0 or more, found {arrays['evaluations'][0]:g}")

    def merge(self, results: Sequence[Returned]) -> Merged:
        taken = self._taken(results)
        if taken is not None:
            self._w, self._error = taken.arrays["weights"], _error_of(taken)
        if self._error < self._best_error:
            self._best, self._best_error = self._w, self._error
        solved = solved_at(self._best_error, self._config.stop.error)
        gradients = sum(int(result.arrays["evaluations"][0]) for result in results)
        return Merged(
            changed=taken is not None,
            evaluations=gradients * self._facts.rows * GRADIENT,
            error=self._error,
            of_new=True,
            measures={"best_error": self._best_error, "step": self._step, "accepted": self._share()},
            done=solved,
            solved=solved is not None,
        )

    def _taken(self, results: Sequence[Returned]) -> Returned | None:
        """The best of those that may be gone to, the first of equals; each hop counts for the step."""
        taken: Returned | None = None
        for result in results:
            accepted = self._accepts(result)
            if accepted and (taken is None or _error_of(result) < _error_of(taken)):
                taken = result
            self._adapt(result, accepted)
        return taken

    def _accepts(self, result: Returned) -> bool:
        u = hop_chance(seed=self._config.seed, number=result.task.arguments["number"])
        return accepts(_error_of(result), self._error, temperature=self._temperature, u=u)

    def _adapt(self, result: Returned, accepted: bool) -> None:
        if result.task.arguments["number"] == DESCENT or math.isinf(self._error):
            return  # no hop, or none that could be refused
        self._hops += 1
        self._accepted += accepted
        interval = self._config.hopping.interval
        self._step = adapted_step(self._step, accepted=self._accepted, hops=self._hops, interval=interval)

    def _share(self) -> float:
        """Hops accepted, 0 to 1."""
        return self._accepted / max(1, self._hops)

    def weights(self) -> Arrays:
        return {name: array.copy() for name, array in self._network.views(self._best).items()}

    def state(self) -> Arrays:
        return {
            "current": self._w,
            "errors": np.array([self._error, self._best_error]),
            "step": np.array([self._step]),
            "counts": np.array([self._next, self._hops, self._accepted]),
        }

    def facts(self) -> Mapping[str, Any]:
        return {"hidden": list(self._network.hidden), "hops": self._hops, "accepted": self._accepted}


def _error_of(result: Returned) -> float:
    return float(result.arrays["error"][0])


def _check_chain(config: Config) -> None:
    parts, lag = config.tasks.parts, config.staleness.max_lag
    if config.hopping.temperature > 0 and (parts, lag) != (1, 0):
        raise SchemeError(
            f"hopping.temperature: above 0 each hop begins where the one before ended, and found tasks.parts {parts} "
            f"and staleness.max_lag {lag}. Set --tasks.parts 1 --staleness.max_lag 0, or --hopping.temperature 0"
        )
