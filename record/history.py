"""A run read back as arrays: what plots and comparisons start from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.record.directory import RunDirectory
from touchline.record.lines import EvaluationLine, ResultLine, UpdateLine, read_lines
from touchline.record.status import Objective, Summary, return_goal_of

TESTED_RETURNS = ("test_return", "test_mean")  # of greedy episodes, as a line of metrics.jsonl names them

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Episodes:
    """The E episodes of a run, in the order in which the Trainer heard of them."""

    returns: FloatArray  # float64 [E]
    lengths: IntArray  # int64 [E]
    steps: FloatArray  # float64 [E], steps trained when it was heard of; never falls
    seconds: FloatArray  # float64 [E], since the run began; never falls


@dataclass(frozen=True)
class Drifts:
    """What U updates say of the way from the policies that played to the live one; NaN where not recorded."""

    kl: FloatArray  # float64 [U]
    effective_fraction: FloatArray  # float64 [U]
    cut_fraction: FloatArray  # float64 [U]
    weight_distance: FloatArray  # float64 [U]


@dataclass(frozen=True)
class Updates:
    """The U updates of a run, and the lag of the R results that they used."""

    seconds: FloatArray  # float64 [U]
    steps: FloatArray  # float64 [U], trained so far
    wait_seconds: FloatArray  # float64 [U], NaN where not recorded
    update_seconds: FloatArray  # float64 [U], NaN where not recorded
    lags: IntArray  # int64 [R], in versions
    drift: Drifts


@dataclass(frozen=True)
class Evaluated:
    """The K evaluations of a run, or tests by rounds, each of a version's greedy episodes."""

    means: FloatArray  # float64 [K], of the returns
    steps: FloatArray  # float64 [K], trained when the version was made
    seconds: FloatArray  # float64 [K], since the run began


@dataclass(frozen=True)
class Tested:
    """One test of a run by rounds in an environment."""

    mean: float | None  # of the returns
    steps: int
    seconds: float


@dataclass(frozen=True)
class Rounds:
    """What M rounds of a run by rounds measured, and its last test. Each round may say something of anything."""

    steps: FloatArray  # float64 [M], row evaluations or steps so far; never falls
    seconds: FloatArray  # float64 [M], since the run began; never falls
    measures: Mapping[
        str, FloatArray
    ]  # by name, error and test_accuracy among them: float64 [M], NaN where not said
    goal: float | None  # of the error


@dataclass(frozen=True)
class History:
    """All that was recorded of one run, and what it was to reach and to show."""

    run: RunDirectory
    env: str
    episodes: Episodes
    updates: Updates
    evaluated: Evaluated
    goal: float | None
    over_episodes: int
    law: float | None  # the mean lag that the law predicts
    lag_bound: float | None
    method: str = "policy_gradient"
    unit: str = "steps"  # of what was trained: of a table row evaluations
    rounds: Rounds | None = None  # of a run on a table


def read_history(run: RunDirectory) -> History:
    """Read a run, finished or not. Raises RecordError for a damaged file; files not yet there are empty."""
    status, summary = run.read_status(), run.read_summary()
    lines = list(read_lines(run.metrics.path, UpdateLine))
    objective = status.objective if status else None
    return History(
        run=run,
        env=summary.env if summary else status.env if status else run.name,
        episodes=_episodes(list(read_lines(run.episodes.path, ResultLine))),
        updates=_updates(lines),
        evaluated=_evaluated([*read_lines(run.evaluations.path, EvaluationLine), *_tests(lines)]),
        goal=return_goal_of(status) if status else None,
        over_episodes=status.over_episodes if status else 100,
        law=summary.lag.law if summary else status.lag.law if status else None,
        lag_bound=status.lag_bound if status else None,
        method=status.method if status else "policy_gradient",
        unit=objective.unit if objective else "steps",
        rounds=_rounds(lines, objective, summary) if objective and objective.name == "error" else None,
    )


def _episodes(lines: Sequence[ResultLine]) -> Episodes:
    counts = [len(line.returns) for line in lines]
    return Episodes(
        returns=_floats([value for line in lines for value in line.returns]),
        lengths=np.array([value for line in lines for value in line.lengths], np.int64),
        steps=_never_falling(np.repeat(_floats([line.steps for line in lines]), counts)),
        seconds=_never_falling(np.repeat(_floats([line.seconds for line in lines]), counts)),
    )


def _updates(lines: Sequence[UpdateLine]) -> Updates:
    return Updates(
        seconds=_never_falling(_floats([line.seconds for line in lines])),
        steps=_never_falling(_floats([line.steps for line in lines])),
        wait_seconds=_floats([line.wait_seconds for line in lines]),
        update_seconds=_floats([line.update_seconds for line in lines]),
        lags=np.array([lag for line in lines for lag in line.lag.values], np.int64),
        drift=Drifts(
            kl=_floats([line.drift.kl for line in lines]),
            effective_fraction=_floats([line.drift.effective_fraction for line in lines]),
            cut_fraction=_floats([line.drift.cut_fraction for line in lines]),
            weight_distance=_floats([line.drift.weight_distance for line in lines]),
        ),
    )


def _rounds(lines: Sequence[UpdateLine], objective: Objective, summary: Summary | None) -> Rounds:
    """Of the lines, and of the test that the run ended with, where that has no line."""
    said: list[tuple[int, float, Mapping[str, float | None]]] = [
        (line.steps, line.seconds, line.loss) for line in lines
    ]
    if summary is not None:
        last = {name: value for name, value in objective.measures.items() if name.startswith("test_")}
        if last != _last_test(said):
            said.append((summary.steps, summary.wall_seconds, last))
    names = {name: None for _, _, loss in said for name in loss}
    return Rounds(
        steps=_never_falling(_floats([steps for steps, _, _ in said])),
        seconds=_never_falling(_floats([seconds for _, seconds, _ in said])),
        measures={name: _floats([loss.get(name) for _, _, loss in said]) for name in names},
        goal=objective.goal,
    )


def _last_test(said: Sequence[tuple[int, float, Mapping[str, float | None]]]) -> Mapping[str, float | None]:
    tests = [{name: value for name, value in loss.items() if name.startswith("test_")} for _, _, loss in said]
    return next((test for test in reversed(tests) if test), {})


def _tests(lines: Sequence[UpdateLine]) -> Iterator[Tested]:
    """The mean returns of greedy episodes that a run by rounds tests its versions with."""
    for line in lines:
        for name in TESTED_RETURNS:
            if line.loss.get(name) is not None:
                yield Tested(line.loss[name], line.steps, line.seconds)


def _evaluated(lines: Sequence[EvaluationLine | Tested]) -> Evaluated:
    return Evaluated(
        means=_floats([line.mean for line in lines]),
        steps=_floats([line.steps for line in lines]),
        seconds=_floats([line.seconds for line in lines]),
    )


def _floats(values: Sequence[Any]) -> FloatArray:
    return np.array(values, np.float64)  # None becomes NaN


def _never_falling(values: FloatArray) -> FloatArray:
    return np.maximum.accumulate(values)
