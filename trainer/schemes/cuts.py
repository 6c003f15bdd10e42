"""The two ways to cut one step of descent into tasks: by rows, and by weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.configs import Config
from touchline.targets.costs import FORWARD, GRADIENT
from touchline.targets.minibatches import Blocks
from touchline.targets.rule_state import PREFIX, carried, joined_states, state_in, state_shapes
from touchline.targets.rules import Rule
from touchline.trainer.optimizers import clip_by_norm
from touchline.trainer.scheme import Arrays, Returned, SchemeError, Task, expect
from touchline.trainer.schemes.on_rows import check_rows, check_sums_over, evaluations_of
from touchline.trainer.schemes.on_table import TableFacts, parts_of, rows_task

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """What a step needs beside the results. ``grew``: whether the error did since the step before."""

    weights: FloatArray  # float64 [size], not to be written
    rule: Rule
    learning_rate: float
    grew: bool


class Stepped(NamedTuple):
    """The weights after a step, new ones, and what is worth noting of it."""

    weights: FloatArray  # float64 [size]
    measures: Mapping[str, float]


class Cut(Protocol):
    """How the work of one step is shared, and put together again."""

    pieces: int
    """How many pieces the rows are cut into, whose sums results tell of."""

    def beside(self, rule: Rule, before: float) -> Arrays:
        """What the snapshot holds beside the weights. ``before``: the mean error of the version before."""
        ...

    def tasks(self, number: int, *, learning_rate: float) -> Sequence[Task]:
        """Those of round ``number``."""
        ...

    def check(self, task: Task, arrays: Arrays) -> None:
        """Raises ResultError where these are no result of this task."""
        ...

    def sums(self, results: Sequence[Returned]) -> Mapping[int, FloatArray]:
        """float64 [3] of each piece, by number, that the results tell of: error, rows right, rows."""
        ...

    def evaluations(self, results: Sequence[Returned]) -> int:
        """The work they took, in row evaluations."""
        ...

    def stepped(self, results: Sequence[Returned], step: Step) -> Stepped:
        """The next weights; the step's rule has the next state."""
        ...


class ByRows:
    """Each part has some rows and gives their gradient: the sum over the parts is that of all.

    The step takes the gradient of the *mean* error: Σ weight · gradient / Σ rows, where a weight below 1, of a result
    that is too old, makes the step shorter. Rules that read the learning rate have this gradient clipped to
    ``optimizer.max_gradient_norm``; RPROP, for which scale means nothing, and QuickProp, whose parabola would be bent,
    have not. With ``batch_rows`` a round is one minibatch, shared among the parts. Where results of older versions are
    merged each part stands for itself, a minibatch of batch_rows / parts rows.
    """

    def __init__(self, config: Config, facts: TableFacts, rule: Rule) -> None:
        parts_of(facts.rows, config)
        batch, parts = config.descent.batch_rows, config.tasks.parts
        if batch is not None and batch < parts:
            raise SchemeError(
                f"descent.batch_rows: expected {parts} or more, one row for each of tasks.parts, found {batch}. "
                f"Set --tasks.parts {batch}, or --descent.batch_rows {parts}"
            )
        self._minibatches = batch is not None
        self._blocks = Blocks(facts.rows, min(batch or facts.rows, facts.rows), parts, config.tasks.remainder)
        self._how = config.descent.how
        self._max_norm = None if rule.exact_gradients else config.optimizer.max_gradient_norm
        self._size = rule.size
        an_epoch = range(self._blocks.an_epoch)
        starts = [piece.start for number in an_epoch for piece in self._blocks.pieces(number)]
        self._numbers = {start: number for number, start in enumerate(starts)}
        self.pieces = len(starts)

    def beside(self, rule: Rule, before: float) -> Arrays:
        return {}

    def tasks(self, number: int, *, learning_rate: float) -> Sequence[Task]:
        more: dict[str, Any] = {"epoch": self._blocks.epoch_of(number)} if self._minibatches else {}
        pieces = self._blocks.pieces(number)
        return [rows_task(piece, what="gradient", how=self._how, **more) for piece in pieces]

    def check(self, task: Task, arrays: Arrays) -> None:
        check_rows(task, arrays, size=self._size)

    def sums(self, results: Sequence[Returned]) -> Mapping[int, FloatArray]:
        return {self._numbers[result.task.arguments["start"]]: result.arrays["sums"] for result in results}

    def evaluations(self, results: Sequence[Returned]) -> int:
        return evaluations_of(results, size=self._size)

    def stepped(self, results: Sequence[Returned], step: Step) -> Stepped:
        gradient, rows = np.zeros(self._size), 0.0
        for result in results:
            gradient += result.weight * result.arrays["gradient"]
            rows += result.arrays["sums"][2]
        gradient /= rows
        norm = clip_by_norm(gradient, self._max_norm)
        weights = np.array(step.weights, np.float64)
        step.rule.step(weights, gradient, learning_rate=step.learning_rate, grew=step.grew)
        return Stepped(weights, {"gradient_norm": norm})


class ByWeights:
    """Each part has all rows and a slice of the weights: it differentiates by them and makes their step.

    What a part did is final, so that the gradient is never whole and never clipped. By back-propagation every part
    makes the whole backward pass and keeps its slice; numerically the work is divided.
    """

    pieces = 1

    def __init__(self, config: Config, facts: TableFacts, rule: Rule) -> None:
        self._parts = parts_of(rule.size, config, what="weights")
        self._first_state = rule.state()
        self._how = config.descent.how
        self._rows = facts.rows

    def beside(self, rule: Rule, before: float) -> Arrays:
        return {"before": np.array([before]), **carried(rule.state())}

    def tasks(self, number: int, *, learning_rate: float) -> Sequence[Task]:
        more = {"what": "slice", "how": self._how, "learning_rate": learning_rate}
        return [Task("rows", {"start": part.start, "stop": part.stop, **more}) for part in self._parts]

    def check(self, task: Task, arrays: Arrays) -> None:
        check_sums_over(arrays, self._rows)
        length = task.arguments["stop"] - task.arguments["start"]
        expect(arrays, "weights", shape=(length,))
        for name, shape in state_shapes(self._first_state, length).items():
            expect(arrays, PREFIX + name, shape=shape)

    def sums(self, results: Sequence[Returned]) -> Mapping[int, FloatArray]:
        return {0: results[0].arrays["sums"]}  # everybody has seen all rows

    def evaluations(self, results: Sequence[Returned]) -> int:
        if self._how == "backprop":
            return len(results) * self._rows * GRADIENT
        weights = sum(len(result.arrays["weights"]) for result in results)
        return self._rows * (len(results) + 2 * weights) * FORWARD

    def stepped(self, results: Sequence[Returned], step: Step) -> Stepped:
        slices = [result.arrays for result in results]
        step.rule.restore(joined_states([state_in(arrays) for arrays in slices]))
        return Stepped(np.concatenate([arrays["weights"] for arrays in slices]), {})
