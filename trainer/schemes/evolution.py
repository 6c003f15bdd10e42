"""Evolution strategies: a gradient from the scores of random perturbations (Salimans et al. 2017).

theta += rate 1/(n sigma) sum_k rank(F_k) eps_k, with antithetic pairs and centred ranks, through any of the rules.
Players and Trainer draw the same perturbations by number: what crosses the wire is the numbers and the scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.configs import Config
from touchline.configs.rule_arguments import rule_arguments
from touchline.targets.draws import normal_draws
from touchline.targets.evolution import centred_ranks, es_gradient
from touchline.targets.many import chunks
from touchline.targets.rule_state import carried
from touchline.targets.rules import make_rule
from touchline.trainer.optimizers import clip_by_norm, scheduled
from touchline.trainer.scheme import Arrays, Merged, Returned, Task, expect
from touchline.trainer.schemes.on_episodes import target_of
from touchline.trainer.schemes.on_points import Target, Work, numbers_of
from touchline.trainer.schemes.on_table import parts_of

FloatArray = NDArray[np.float64]
PAIRS_AT_ONCE = 64  # perturbations in memory


class Evolution:
    """Each round is a step of ``optimizer.rule`` along the gradient that the scores of all perturbations give.

    Under lag a score belongs to a perturbation of the version it was made with, so that its part of the gradient is
    that version's, applied to the live one late. Scores of several versions are ranked among each other.

    Over a table the error is that at the weights a round began with; over an environment it is minus the mean return
    of the perturbations, which is what their episodes tell.
    """

    bears_staleness = True
    ageless = False
    rounds_in_all = None

    def __init__(self, config: Config, target: Target) -> None:
        """Raises SchemeError for more parts than pairs."""
        self._config, self._target = config, target
        self._w = target.first()  # in float64, of which a policy's snapshot is the rounding
        self._rule = make_rule(config.optimizer.rule, target.size, **rule_arguments(config))
        self._parts = parts_of(config.evolution.pairs, config, what="pairs")
        self._rounds = self._updates = self._evaluations = 0

    @classmethod
    def of(cls, config: Config, spaces: Mapping[str, Any], facts: Mapping[str, Any]) -> Evolution:
        """On what READY announced. Raises SchemeError, TargetError, SpaceError."""
        return cls(config, target_of(config, spaces, facts))

    def arrays(self) -> Arrays:
        return self._target.arrays(self._w)

    def round(self) -> Sequence[Task]:
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
        points = len(numbers_of(task))
        expect(arrays, "values", shape=(points,))
        if task.arguments["centre"]:
            expect(arrays, "centre", shape=(1,))
        self._target.check(arrays, points)

    def merge(self, results: Sequence[Returned]) -> Merged:
        scores = np.concatenate([result.arrays["values"] for result in results])
        centres = [result for result in results if "centre" in result.arrays]
        work = self._target.work(results, len(scores) + len(centres))
        self._evaluations += work.evaluations
        for result in centres:
            error = float(result.arrays["centre"][0])
            solved = self._target.reached(error)
            if solved is not None:
                # by the weights that this was told of, which under lag are not the live ones
                changed = self._take(self._target.base(result.base))
                told = _merged(work, scores, error=error)
                return replace(told, changed=changed, of_new=True, done=solved, solved=True)
        self._step(self._gradient(results, centred_ranks(scores)))
        return _merged(work, scores, error=self._error(scores, centres))

    def weights(self) -> Arrays:
        return self._target.weights(self._w)

    def state(self) -> Arrays:
        counters = np.array([self._rounds, self._updates, self._evaluations])
        return {**carried(self._rule.state()), "parameters": self._w.copy(), "counters": counters}

    def facts(self) -> Mapping[str, Any]:
        return {}

    def _task(self, part: range) -> Task:
        arguments = {"what": "evolution", "start": 2 * part.start, "stop": 2 * part.stop}
        centre = self._target.on_table and part.start == 0
        return Task("points", {**arguments, "iteration": self._rounds, "centre": centre})

    def _error(self, scores: FloatArray, centres: Sequence[Returned]) -> float | None:
        if self._target.on_table:
            return float(centres[-1].arrays["centre"][0]) if centres else None
        return -float(scores.mean())

    def _take(self, w: FloatArray) -> bool:
        """Whether these are other weights than the live ones were."""
        before, self._w = self._w, w.copy()
        return not np.array_equal(before, w)

    def _gradient(self, results: Sequence[Returned], ranks: FloatArray) -> FloatArray:
        """Of F, over all perturbations of these results; ``ranks`` ``[n]`` in their order."""
        gradient, done = np.zeros(self._target.size), 0
        for result in results:
            pairs = range(result.task.arguments["start"] // 2, result.task.arguments["stop"] // 2)
            for some in chunks(pairs, PAIRS_AT_ONCE):
                part = ranks[done : done + 2 * len(some)]
                done += len(part)
                eps = normal_draws(
                    seed=self._config.seed,
                    iteration=result.task.arguments["iteration"],
                    numbers=some,
                    size=self._target.size,
                )
                share = result.weight * len(part) / len(ranks)
                gradient += share * es_gradient(ranks=part, eps=eps, sigma=self._config.evolution.sigma)
        return gradient

    def _step(self, gradient: FloatArray) -> None:
        """Up F, with ``optimizer.max_gradient_norm`` and ``evolution.weight_decay``."""
        optimizer, stop = self._config.optimizer, self._config.stop
        downhill = self._config.evolution.weight_decay * self._w - gradient
        clip_by_norm(downhill, optimizer.max_gradient_norm)
        total = stop.evaluations if self._target.on_table else stop.steps
        made = [(self._updates, stop.rounds), (self._evaluations, total)]
        rate = min(
            scheduled(optimizer.learning_rate, schedule=optimizer.schedule, steps=steps, total=total)
            for steps, total in made
        )
        self._rule.step(self._w, downhill, learning_rate=rate)
        self._updates += 1


def _merged(work: Work, scores: FloatArray, *, error: float | None) -> Merged:
    return Merged(
        changed=True,
        evaluations=work.evaluations,
        error=error,
        measures={"score_mean": float(scores.mean()), "score_max": float(scores.max())},
        returns=work.returns,
        lengths=work.lengths,
    )
