"""Everything is tried, each once, by whoever; the best is kept; and too much is refused before anything runs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from driving import results_of
from point_runs import assert_same_bits, on_cartpole, on_xor, run

from touchline.targets.activations import KINDS
from touchline.trainer.scheme import ResultError, SchemeError
from touchline.trainer.schemes import enumeration
from touchline.trainer.schemes.enumeration import duration

SMALL = {"hidden": (1,), "bias": False}  # 3 weights
GRID = {"over": "grid", "low": -2.0, "high": 2.0, "step": 1.0}
ASSIGNED = {"over": "activations", "epochs": 20}
DEEP = {"hidden": (2, 2)}


def grid(**sections):
    return on_xor("search", **{"model": SMALL, "search": GRID, **sections})


def assigned(**sections):
    search = {**ASSIGNED, **sections.pop("search", {})}
    return on_xor(
        "search", **{"model": DEEP, "optimizer": {"learning_rate": 0.05}, "search": search, **sections}
    )


def numbers(tasks):
    return [n for task in tasks for n in range(task.arguments["start"], task.arguments["stop"])]


def error_at(work, w, network=None):
    table = work._bench.table
    return (network or work._bench.network).error(w, table.x, table.y) / len(table.x)


# -- a grid


def test_the_best_point_of_the_grid_becomes_the_weights():
    scheme, work = grid()
    points = [np.array(point) for point in itertools.product(np.arange(-2.0, 3.0), repeat=3)]
    least = min(error_at(work, point) for point in points)
    _, (merged,) = run((scheme, work), 5)
    assert merged.error == least == error_at(work, scheme.arrays()["weights"])
    assert (merged.changed, merged.of_new, merged.solved) == (True, True, False)
    assert merged.done == "finished: all 125 points were tried"
    assert merged.evaluations == 125 * 4
    assert scheme.facts() == {"points": 125}


@pytest.mark.parametrize("parts", [1, 3, 7, 200])
@pytest.mark.parametrize("remainder", ["lead", "spread"])
def test_each_point_is_tried_once_whatever_the_parts(parts, remainder):
    scheme, _ = grid(tasks={"parts": parts, "remainder": remainder})
    assert numbers(scheme.round()) == list(range(125))
    assert scheme.round() == []
    reference, _ = run(grid(), 1)
    again, _ = run(grid(tasks={"parts": parts, "remainder": remainder}), 1)
    assert_same_bits(again, reference)


def test_the_result_does_not_depend_on_who_did_what_when():
    one, other = run(grid(), 1), run(grid(), 1, shuffled=5)
    assert_same_bits(one[0], other[0])
    assert one[1] == other[1]


def test_of_equals_the_smaller_number_is_taken():
    _, (merged,) = run(grid(search={**GRID, "low": 0.0, "high": 0.0}), 1)
    assert merged.measures == {"number": 0}
    scheme, work = grid(search=GRID)
    results = results_of(scheme, work, scheme.round(), version=0)
    for result in results:
        result.arrays["best"][0] = 0.5
    assert scheme.merge(results).measures["number"] == results[0].arrays["best"][1]


def test_a_player_reports_every_few_seconds(monkeypatch):
    monkeypatch.setattr(enumeration, "MOST_OF_AN_ORDER", 10)
    scheme, _ = grid()
    tasks = scheme.round()
    assert len(tasks) == 16  # the least multiple of 4 parts
    assert max(len(numbers([task])) for task in tasks) <= 10
    assert numbers(tasks) == list(range(125))


def test_a_grid_that_is_too_large_is_refused_with_its_size():
    with pytest.raises(SchemeError) as refused:
        grid(search={**GRID, "limit": 100})
    assert str(refused.value) == (
        "search.limit: expected at most 100 points, found 125, about 0 seconds with one Player. "
        "Set --search.limit 125 to try them all, or take a wider --search.step, or a smaller network"
    )


def test_a_grid_of_just_so_many_points_is_not():
    scheme, _ = grid(search={**GRID, "limit": 125})
    assert scheme.facts() == {"points": 125}
    with pytest.raises(SchemeError, match="expected at most 124 points, found 125"):
        grid(search={**GRID, "limit": 124})


def test_so_is_one_beyond_all_bounds():
    with pytest.raises(
        SchemeError, match=r"found 10\^\d+, about 10\^\d+ years with one Player. Take a wider"
    ):
        grid(model={"hidden": (100, 100)}, search={**GRID, "step": 1e-3})


@pytest.mark.parametrize(
    ("total", "each", "said"),
    [(100, 0.5, "50 seconds"), (1000, 0.5, "8 minutes"), (10**6, 0.5, "6 days"), (10**9, 3.0, "95 years")],
)
def test_a_duration_is_told_in_its_own_unit(total, each, said):
    assert duration(total, each) == said


def test_a_grid_of_policies():
    sections = {
        "policy": {"hidden": (), "value": False, "bias": False, "binary": "sigmoid"},
        "search": {"over": "grid", "low": -1, "high": 1, "step": 1.0},
        "stop": {"mean_return": 100},
    }
    scheme, (merged,) = run(on_cartpole("search", **sections), 2)
    assert len(merged.returns) == 3**4
    assert merged.evaluations == sum(merged.lengths)
    assert merged.error == -max(merged.returns)
    assert merged.done == f"solved: mean return {-merged.error:.1f} reached 100"
    assert set(scheme.arrays()["parameters"].tolist()) <= {-1.0, 0.0, 1.0}


# -- activation functions


def test_every_assignment_is_trained_once_and_the_best_is_kept():
    scheme, work = assigned()
    tasks = scheme.round()
    assert numbers(tasks) == list(range(36))
    results = results_of(scheme, work, tasks, version=0)
    (merged, least) = scheme.merge(results), min(result.arrays["best"][0] for result in results)
    assert merged.error == least
    assert merged.done == "finished: all 36 assignments were tried"
    choices = [tuple(choice) for choice in scheme.facts()["activations"]]
    assert len(choices) == 2
    assert all(kind in KINDS for kind, _ in choices)
    network = work._bench.network.with_activations(choices)
    assert error_at(work, scheme.arrays()["weights"], network) == least
    assert merged.evaluations == 36 * 4 * (1 + 3 * 20)


def test_the_assignment_does_not_depend_on_parts_or_order():
    reference, expected = run(assigned(), 1)
    for parts, shuffled in ((1, None), (5, None), (4, 2)):
        scheme, merged = run(assigned(tasks={"parts": parts}), 1, shuffled=shuffled)
        assert_same_bits(scheme, reference)
        assert merged == expected
        assert scheme.facts() == reference.facts()


def test_per_neuron_the_number_explodes_and_is_refused():
    with pytest.raises(
        SchemeError, match=r"at most 1,000,000 assignments, found 60,466,176, .*--search.per layer"
    ):
        assigned(model={"hidden": (5, 5)}, search={"per": "neuron"})


def test_before_any_is_chosen_there_is_nothing_to_test():
    sections = {
        "table": {"source": "sine", "rows": 20, "test": 10},
        "search": {"activations": ("tanh", "sin")},
    }
    scheme, work = assigned(**sections)
    assert scheme.test() == []
    assert scheme.facts() == {"assignments": 4}
    run((scheme, work), 1)
    (result,) = results_of(scheme, work, scheme.test(), version=1)
    table = work._bench.table
    network = work._bench.network.with_activations([tuple(one) for one in scheme.facts()["activations"]])
    expected = network.error(scheme.arrays()["weights"], table.test_x, table.test_y) / 10
    assert scheme.tested([result]) == {"test_error": pytest.approx(expected)}


def test_without_test_rows_nothing_is_tested():
    scheme, _ = run(assigned(search={"activations": ("tanh",)}), 1)
    assert scheme.test() == []


def test_the_weights_of_an_assignment_are_looked_at():
    scheme, _ = assigned()
    task = scheme.round()[0]
    with pytest.raises(ResultError, match="weights: expected float64"):
        scheme.check(task, {"best": np.array([0.1, 0.0]), "weights": np.zeros(3)})


def test_it_solves_xor_by_the_right_functions():
    _, (merged,) = run(assigned(search={"epochs": 300}, stop={"error": 0.01}), 1)
    assert merged.solved
    assert merged.error < 0.01
