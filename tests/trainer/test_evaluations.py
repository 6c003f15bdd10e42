"""What evaluations leave: a line each, the best, and its checkpoint."""

from __future__ import annotations

import math

import pytest

from touchline.policy.evaluation import Evaluation
from touchline.record import EvaluationLine, RunDirectory, read_lines
from touchline.trainer.evaluations import Evaluations


def report(version: int) -> dict[str, int]:
    return {
        "steps": 100 * version,
        "updates": version,
        "gradient_steps": 4 * version,
        "version": version,
    }


def played(*returns: float) -> Evaluation:
    return Evaluation(returns, tuple(range(1, len(returns) + 1)), tuple(range(len(returns))))


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    return RunDirectory.create(tmp_path, env="e", seed=0)


@pytest.fixture
def evaluations(run) -> Evaluations:
    made = Evaluations(run.evaluations)
    made.asked(0)
    for version in range(10):
        made.published(report(version))
    return made


def add(evaluations: Evaluations, version: int, *returns: float) -> bool:
    return evaluations.add(played(*returns), version=version, seed=5, player="player-0", seconds=2.5)


def test_a_line_says_what_was_found_and_of_which_version(evaluations, run):
    add(evaluations, 3, 1.0, 2.0, 6.0)
    run.flush()
    (line,) = read_lines(run.path / "evaluations.jsonl", EvaluationLine)
    assert line == EvaluationLine(
        seconds=2.5,
        steps=300,
        version=3,
        player="player-0",
        episodes=3,
        mean=3.0,
        std=line.std,
        min=1.0,
        max=6.0,
        length_mean=2.0,
        seed=5,
    )
    assert line.std == pytest.approx(math.sqrt(14 / 3))


def test_the_best_is_the_highest_and_the_first_of_equals(evaluations):
    means = [1.0, 3.0, 2.0, 3.0, 4.0]
    assert [add(evaluations, version, mean) for version, mean in enumerate(means)] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert (evaluations.best.version, evaluations.last.version) == (4, 4)


def test_what_is_no_number_is_never_the_best(evaluations, run):
    assert not add(evaluations, 0, math.nan)
    assert evaluations.best is None
    assert add(evaluations, 1, -5.0)
    assert not add(evaluations, 2, math.nan, 100.0)
    assert not add(evaluations, 3, math.inf)
    run.flush()
    assert [line["mean"] for line in read_lines(run.path / "evaluations.jsonl")] == [None, -5.0, None, None]


def test_the_status_has_the_last_and_the_best(evaluations):
    assert evaluations.status is None
    add(evaluations, 2, 7.0)
    add(evaluations, 5, 6.0)
    status = evaluations.status
    assert (status.version, status.steps, status.episodes, status.mean) == (5, 500, 1, 6.0)
    assert (status.best_version, status.best_mean) == (2, 7.0)


def test_without_an_evaluation_that_is_awaited_the_live_versions_counts_are_kept_alone(evaluations, run):
    never = Evaluations(run.evaluations)
    for made in (never, evaluations):
        add(evaluations, 8, 1.0)
        assert evaluations.counts_of(8)["steps"] == 800  # its checkpoint is still to be written
        for version in range(10, 13):
            made.published(report(version))
        assert made.counts_of(12) == {"steps": 1200, "updates": 12, "gradient_steps": 48}
        for version in range(12):
            with pytest.raises(KeyError):
                made.counts_of(version)


def test_counts_are_kept_from_the_version_live_when_it_is_asked(evaluations):
    evaluations.asked(6)
    assert evaluations.counts_of(6) == {"steps": 600, "updates": 6, "gradient_steps": 24}
    with pytest.raises(KeyError):
        evaluations.counts_of(5)
