"""A table as a function of a network's weights: snapshots are new arrays, and work is counted by rows."""

from __future__ import annotations

import numpy as np
import pytest
from driving import results_of
from point_runs import on_xor

from touchline.configs import Config
from touchline.trainer.scheme import ResultError, SchemeError, Task
from touchline.trainer.schemes.on_points import MULTIPLY_ADDS_PER_SECOND, TableTarget, check_best, numbers_of
from touchline.trainer.schemes.on_table import first_weights

TABLE = {"name": "t", "rows": 200, "test_rows": 5, "inputs": 3, "outputs": 1, "classes": False}
ORDER = Task("points", {"what": "draws", "start": -1, "stop": 4, "iteration": 0})


def target(**sections):
    config = Config.model_validate(
        {"method": "search", "table": {"source": "any"}, "model": {"hidden": (2,)}, **sections}
    )
    return TableTarget.of(config, {"table": TABLE})


def test_a_run_begins_with_the_first_weights_of_its_seed():
    one, other = target(seed=1), target(seed=2)
    np.testing.assert_array_equal(one.first(), first_weights(one.config, one.network))
    assert not np.array_equal(one.first(), other.first())
    assert one.size == len(one.first()) == 11


def test_a_snapshot_is_a_copy_of_the_weights():
    at = target()
    w = at.first()
    for arrays in (at.arrays(w), at.weights(w)):
        assert not any(np.shares_memory(array, w) for array in arrays.values())
    np.testing.assert_array_equal(at.base(at.arrays(w)), w)


def test_each_row_of_each_point_is_an_evaluation():
    assert target().work([], 7) == (7 * 200, (), ())


def test_larger_tables_and_networks_take_longer():
    small, large = target(), target(model={"hidden": (200,)})
    assert small.seconds_a_point == pytest.approx(200 * 11 / MULTIPLY_ADDS_PER_SECOND, rel=0.05)
    assert large.seconds_a_point > 80 * small.seconds_a_point


def test_the_goal_is_the_error_to_stop_at():
    assert target().reached(0.0) is None
    assert target(stop={"error": 0.1}).reached(0.2) is None
    assert target(stop={"error": 0.1}).reached(0.1) == "solved: mean error 0.1 is within 0.1"


def test_the_test_rows_are_one_task_whose_sums_are_looked_at():
    at = target()
    (task,) = at.test()
    assert (task.verb, task.arguments["split"], task.arguments["stop"], task.evaluates) == (
        "rows",
        "test",
        5,
        True,
    )
    at.check_test(task, {"sums": np.array([0.5, 0.0, 5.0])})
    with pytest.raises(ResultError, match="sums: expected 5 rows"):
        at.check_test(task, {"sums": np.array([0.5, 0.0, 6.0])})


def test_without_a_table_there_is_nothing_to_be_minimised():
    config = target().config
    with pytest.raises(SchemeError, match="spaces: expected a table, found observation"):
        TableTarget.of(config, {"observation": {}})


@pytest.mark.parametrize("number", [-1, 0, 3])
def test_the_best_is_one_of_the_numbers_asked_for(number):
    assert numbers_of(ORDER) == range(-1, 4)
    check_best(ORDER, {"best": np.array([0.5, number])})


@pytest.mark.parametrize("number", [-2, 4, 0.5])
def test_another_number_is_refused(number):
    with pytest.raises(ResultError, match=f"best: expected a number from -1 to 3, found {number}"):
        check_best(ORDER, {"best": np.array([0.5, number])})


def test_a_scheme_over_a_table_is_carried_out_by_a_player_of_tables():
    scheme, work = on_xor("search")
    results = results_of(scheme, work, scheme.round(), version=0)
    assert [set(result.arrays) for result in results] == [{"best"}] * 4
