"""A run by rounds as it is kept: what is best, what is saved, and when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from touchline.configs import load
from touchline.record import RunDirectory, UpdateLine, checkpoint_versions, load_checkpoint, read_lines
from touchline.trainer.campaign import Campaign
from touchline.trainer.failures import RunFailed
from touchline.trainer.method import Delivery, Order
from touchline.trainer.scheme import Merged, Returned, Task, expect

TABLE = {"name": "t", "rows": 4, "test_rows": 2, "inputs": 3, "outputs": 2, "classes": True}
SPACES = {"table": TABLE}


class Script:
    """One task a round; what each merge says is written down beforehand."""

    bears_staleness = True
    ageless = False
    rounds_in_all = 7

    def __init__(self, *said: Merged, tests: int = 1) -> None:
        self._said, self._tests = list(said), tests
        self.value = 0.0

    def arrays(self) -> dict[str, Any]:
        return {"weights": np.array([self.value])}

    def round(self) -> Sequence[Task]:
        return [Task("rows", {})]

    def test(self) -> Sequence[Task]:
        return [Task("rows", {"split": "test"}, evaluates=True)] * self._tests

    def tested(self, results: Sequence[Returned]) -> dict[str, float]:
        value = float(results[0].base["weights"][0])
        return {"test_error": value, "test_return": 100 * value}

    def check(self, task: Task, arrays: Any) -> None:
        expect(arrays, "x", shape=())

    def merge(self, results: Sequence[Returned]) -> Merged:
        merged = self._said.pop(0)
        if merged.changed:
            self.value += 1.0
        if merged.error == np.inf:
            self.value = np.inf
        return merged

    def weights(self) -> dict[str, Any]:
        return self.arrays()

    def state(self) -> dict[str, Any]:
        return {"m": np.array([self.value])}

    def facts(self) -> dict[str, Any]:
        return {"value": self.value}


class Kept:
    """A campaign over a script, its clock, and Players played by hand."""

    def __init__(self, run: RunDirectory, script: Script, **overrides: object) -> None:
        values = {"method": "evolution", "tasks.parts": 1, "table.test_every": None}
        values |= {} if "env.id" in overrides else {"table.source": "xor"}
        self.now, self._seq = 0.0, 0
        self.campaign = Campaign(
            load(values={**values, **overrides}).config,
            script,
            spaces=SPACES,
            facts={},
            run=run,
            epoch=1,
            clock=lambda: self.now,
        )
        self.campaign.begin()

    def order(self) -> Order | None:
        return self.campaign.method.order(0, self.now)

    def bring(self, order: Order, live: Any = None) -> None:
        live = live or self.campaign.method.live
        self._seq += 1
        delivery = Delivery(
            0, self._seq, live.version, {"x": np.array(0.0)}, 0, order=order.number, base=live.arrays
        )
        self.campaign.take(delivery, player="p", may_publish=lambda: True)

    def step(self) -> None:
        order = self.order()
        assert order is not None
        self.bring(order)


@pytest.fixture
def run(tmp_path):
    return RunDirectory.create(tmp_path, env="t", seed=0)


def errors(*values: float, **more: Any) -> list[Merged]:
    return [Merged(changed=True, evaluations=4, error=value, **more) for value in values]


def test_an_error_of_a_round_is_that_of_the_version_it_worked_with(run):
    kept = Kept(run, Script(*errors(3.0, 1.0, 2.0)))
    for _ in range(3):
        kept.step()
    best = kept.campaign.best
    assert (best.version, best.error, best.weights["weights"]) == (1, 1.0, [1.0])
    assert kept.campaign.error == 2.0


def test_an_error_of_the_new_version_is_that_versions(run):
    kept = Kept(run, Script(*errors(3.0, 1.0, of_new=True)))
    kept.step()
    kept.step()
    assert (kept.campaign.best.version, kept.campaign.best.weights["weights"]) == (2, [2.0])


def test_the_error_of_what_came_late_is_no_versions_own(run):
    kept = Kept(run, Script(*errors(3.0, 1.0)), **{"staleness.max_lag": 4})
    first, second = kept.order(), kept.order()
    old = kept.campaign.method.live
    kept.bring(first, old)
    kept.bring(second, old)
    assert kept.campaign.error == 1.0
    assert kept.campaign.best.error == 3.0


def test_the_best_version_is_saved_beside_the_last(run):
    kept = Kept(run, Script(*errors(3.0, 1.0, 2.0)))
    for _ in range(3):
        kept.step()
    kept.campaign.finish()
    assert load_checkpoint(run, "best").version == 1
    assert load_checkpoint(run, "best").weights["weights"] == [1.0]
    latest = load_checkpoint(run, "latest")
    assert (latest.version, latest.weights["weights"], latest.optimizer["m"]) == (3, [3.0], [3.0])
    assert latest.state["found"] == {"value": 3.0}
    assert latest.state["method"] == "evolution"


def test_a_version_that_is_not_finite_ends_the_run_and_the_last_good_one_is_kept(run):
    kept = Kept(run, Script(*errors(3.0, np.inf)))
    kept.step()
    kept.step()
    assert kept.campaign.hopeless
    with pytest.raises(RunFailed, match="update 2: weights: 1 of 1 numbers are not finite") as failed:
        kept.campaign.check()
    assert "optimizer.learning_rate" in failed.value.detail
    kept.campaign.finish()
    assert checkpoint_versions(run) == [0, 1]
    assert load_checkpoint(run, "latest").weights["weights"] == [1.0]


def test_the_scheme_alone_says_when_it_is_solved(run):
    kept = Kept(run, Script(*errors(0.1)), **{"stop.error": 0.5})
    kept.step()
    kept.campaign.tick()
    assert kept.campaign.ending is None


def test_what_is_done_is_tested_before_the_run_ends(run):
    kept = Kept(run, Script(*errors(0.1, done="solved: yes", solved=True)))
    kept.step()
    assert kept.campaign.ending is None
    kept.step()
    assert kept.campaign.ending.solved
    assert kept.campaign.tested == {"test_error": 1.0, "test_return": 100.0}
    assert kept.campaign.objective.measures == {"test_error": 1.0, "test_return": 100.0}


def test_with_nothing_to_test_it_ends_at_once(run):
    kept = Kept(run, Script(*errors(0.1, done="enough"), tests=0))
    kept.step()
    assert kept.campaign.ending.reason == "enough"


def test_a_test_that_nobody_answers_is_not_waited_for(run):
    kept = Kept(run, Script(*errors(0.1)), **{"stop.minutes": 1, "tasks.lease": "20s"})
    kept.step()
    kept.now = 60.0
    kept.campaign.tick()
    assert kept.campaign.ending is None
    kept.now = 80.0
    kept.campaign.tick()
    kept.campaign.tick()
    assert kept.campaign.ending.reason == "minutes: 1.0 of 1"


def test_with_no_player_a_run_that_is_to_end_does_not_wait(run):
    kept = Kept(run, Script(), **{"stop.minutes": 1})
    kept.campaign.nobody_is_there()
    kept.campaign.tick()
    assert kept.campaign.ending is None
    kept.now = 60.0
    kept.campaign.tick()
    kept.campaign.nobody_is_there()
    kept.campaign.tick()
    assert kept.campaign.ending is not None


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("stop.rounds", 2, "rounds: 2 of 2"),
        ("stop.evaluations", 8, "row evaluations: 8 of 8"),
    ],
)
def test_it_ends_at_its_limits(run, key, value, reason):
    kept = Kept(run, Script(*errors(3.0, 2.0, 1.0), tests=0), **{key: value})
    kept.step()
    assert kept.campaign.ending is None
    kept.step()
    assert kept.campaign.ending.reason == reason


def test_each_merge_is_a_line_with_what_was_measured(run):
    kept = Kept(run, Script(*errors(3.0, measures={"accuracy": 0.5}), tests=0))
    kept.step()
    kept.campaign.finish()
    [line] = read_lines(run.metrics.path, UpdateLine)
    assert (line.update, line.version, line.steps) == (1, 1, 4)
    assert line.loss == {"error": 3.0, "accuracy": 0.5}
    assert line.lag.values == [0]


def test_each_test_is_a_line_of_its_own(run):
    kept = Kept(run, Script(*errors(3.0, done="enough")))
    kept.step()
    kept.step()
    kept.campaign.finish()
    merged, tested = read_lines(run.metrics.path, UpdateLine)
    assert (merged.version, merged.loss) == (1, {"error": 3.0})
    assert (tested.version, tested.loss) == (1, {"test_error": 1.0, "test_return": 100.0})


def test_ten_results_in_a_row_that_are_none_end_it_with_advice(run):
    kept = Kept(run, Script())
    for _ in range(10):
        assert not kept.campaign.hopeless
        order = kept.order()
        delivery = Delivery(0, 0, 0, {"x": np.array(np.nan)}, 0, order=order.number, base={})
        kept.campaign.take(delivery, player="p", may_publish=lambda: True)
    with pytest.raises(RunFailed, match="10 results in a row were unusable: x: expected finite") as failed:
        kept.campaign.check()
    assert "table.scale" in failed.value.detail


def test_it_says_what_is_trained_on_what(run):
    assert Kept(run, Script()).campaign.about == (
        "t: 4 rows and 2 to test, 3 inputs, 2 classes; network 3-16-2, 98 weights"
    )


def test_the_nearer_end_is_the_last_round(run):
    assert Kept(run, Script()).campaign.last_round == 7
    assert Kept(run, Script(), **{"stop.rounds": 3}).campaign.last_round == 3


def test_tests_are_counted_apart_from_what_was_trained_on(run):
    kept = Kept(run, Script(*errors(3.0, done="enough")))
    kept.step()
    kept.step()
    objective = kept.campaign.objective
    assert (objective.results, objective.tests) == (1, 1)


def evolving(run, script: Script, **overrides: object) -> Kept:
    return Kept(run, script, **{"env.id": "CartPole-v1", "table.test_every": 1, **overrides})


def test_evolution_strategies_on_an_environment_are_judged_by_their_tests(run):
    """The episodes of a round are those of perturbed policies."""
    lucky = errors(-500.0, -10.0, -20.0, returns=[500.0] * 100, lengths=[500] * 100)
    kept = evolving(run, Script(*lucky), **{"stop.mean_return": 250})
    for _ in range(4):  # two rounds, each with its test
        kept.step()
    assert kept.campaign.ending is None
    assert (kept.campaign.best.version, kept.campaign.best.error) == (2, -200.0)
    kept.step()
    kept.step()
    assert kept.campaign.ending is not None
    assert kept.campaign.ending.solved
    assert "greedy test" in kept.campaign.ending.reason


def test_without_tests_they_are_judged_by_their_episodes(run):
    lucky = errors(-500.0, returns=[500.0] * 100, lengths=[500] * 100)
    script = Script(*lucky, tests=0)
    kept = evolving(run, script, **{"stop.mean_return": 250})
    kept.step()
    assert kept.campaign.ending.solved
