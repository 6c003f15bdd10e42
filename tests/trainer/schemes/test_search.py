"""Monte-Carlo draws: the value never grows, whoever draws what, and late candidates are as good as others."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from driving import results_of
from point_runs import assert_same_bits, on_cartpole, on_xor, run

from touchline.configs import Config
from touchline.targets.draws import draw
from touchline.trainer.scheme import ResultError, SchemeError
from touchline.trainer.schemes.enumeration import Activations, GridSearch
from touchline.trainer.schemes.search import Draws, search_of

DRAWS = {"draws": 24, "radius": 0.5}
PLAYED = {"search": {"draws": 12, "radius": 1.0}, "evolution": {"episodes": 2}}


def made(**sections):
    return on_xor("search", **{"search": DRAWS, **sections})


def errors_of(merged):
    return [one.error for one in merged]


def error_at(work, w):
    table = work._bench.table
    return work._bench.network.error(w, table.x, table.y) / len(table.x)


def test_the_error_never_grows_and_is_that_of_the_live_weights():
    scheme, work = made()
    (first,) = {error_at(work, scheme.arrays()["weights"])}
    _, merged = run((scheme, work), 30)
    errors = errors_of(merged)
    assert errors[0] <= first
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.1 * first
    assert errors[-1] == error_at(work, scheme.arrays()["weights"])
    assert all(one.of_new for one in merged)


def test_a_version_is_made_where_a_candidate_is_better_and_only_there():
    _, merged = run(made(search={"draws": 4, "radius": 2.0}), 25)
    errors = [math.inf, *errors_of(merged)]
    fell = [after < before for before, after in itertools.pairwise(errors)]
    assert [one.changed for one in merged[1:]] == fell[1:]
    assert [bool(one.measures["accepted"]) for one in merged] == fell
    assert not all(fell)


def test_where_no_draw_is_better_the_first_weights_stay():
    scheme, work = made(search={"draws": 4, "radius": 1e6})
    before = scheme.arrays()["weights"]
    _, (merged,) = run((scheme, work), 1)
    assert not merged.changed
    assert merged.error == error_at(work, before)
    np.testing.assert_array_equal(scheme.arrays()["weights"], before)


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 8])
def test_the_result_does_not_depend_on_the_parts(parts):
    scheme, merged = run(made(tasks={"parts": parts}), 15)
    reference, expected = run(made(tasks={"parts": 4}), 15)
    assert_same_bits(scheme, reference)
    assert errors_of(merged) == errors_of(expected)


def test_nor_on_who_did_what_when():
    scheme, merged = run(made(), 15, shuffled=1)
    reference, expected = run(made(), 15)
    assert_same_bits(scheme, reference)
    assert merged == expected


def test_one_round_takes_the_best_of_its_draws():
    scheme, work = made()
    base = scheme.arrays()["weights"]
    points = [base + 0.5 * draw(seed=0, iteration=0, number=k, size=len(base)) for k in range(24)]
    run((scheme, work), 1)
    best = min([base, *points], key=lambda w: error_at(work, w))
    np.testing.assert_array_equal(scheme.arrays()["weights"], best)


def test_improvement_comes_as_often_as_chance_says():
    """n draws improve with probability 1 − (1 − p)^n, p being that of one."""
    scheme, work = made()
    base, trials, n = scheme.arrays()["weights"], 2000, 6
    value = error_at(work, base)
    better = np.array(
        [
            error_at(work, base + 0.5 * draw(seed=9, iteration=0, number=k, size=len(base))) < value
            for k in range(trials * n)
        ]
    )
    p = better.mean()
    expected = 1 - (1 - p) ** n
    found = better.reshape(trials, n).any(axis=1).mean()
    assert abs(found - expected) < 4 * math.sqrt(expected * (1 - expected) / trials)
    assert 0.05 < p < 0.95


# -- streams


def test_a_late_candidate_counts_by_its_value():
    scheme, work = made()
    rounds = [scheme.round() for _ in range(3)]
    results = [results_of(scheme, work, tasks, version=0, first=10 * i) for i, tasks in enumerate(rounds)]
    numbered = [(task.arguments["iteration"], task.arguments["start"]) for tasks in rounds for task in tasks]
    assert len(set(numbered)) == 12
    merges = [
        [*results[2][:2], *results[1][1:3]],
        [*results[1][3:], *results[0]],
        [*results[2][2:], results[1][0]],
    ]
    errors = []
    for some in merges:
        merged = scheme.merge(some)
        errors.append(merged.error)
        assert merged.error == error_at(work, scheme.arrays()["weights"])
    assert errors == sorted(errors, reverse=True)
    every = [result.arrays["best"][0] for some in results for result in some]
    assert errors[-1] == min(every)


def test_the_first_weights_are_taken_back_where_they_prove_better():
    scheme, work = made(search={"draws": 4, "radius": 1e3})
    before = scheme.arrays()["weights"]
    first, *others = results_of(scheme, work, scheme.round(), version=0)
    assert scheme.merge(others).changed
    merged = scheme.merge([first])
    assert merged.changed
    np.testing.assert_array_equal(scheme.arrays()["weights"], before)


# -- ends, counts and refusals


def test_it_ends_where_the_error_is_low_enough():
    _, merged = run(made(stop={"error": 0.02}), 200)
    *others, last = merged
    assert last.solved
    assert last.error <= 0.02 < min(errors_of(others))
    assert last.done == f"solved: mean error {last.error:.4g} is within 0.02"


def test_every_row_of_every_point_is_counted():
    _, merged = run(made(), 2)
    assert [one.evaluations for one in merged] == [25 * 4, 24 * 4]


@pytest.mark.parametrize(
    ("best", "said"),
    [
        ([0.1, 6.5], "best: expected a number from -1 to 5, found 6.5"),
        ([0.1, 6], "best: expected a number from -1 to 5, found 6"),
        ([np.nan, 1], "best: expected finite numbers, found nan"),
        ([0.1], r"best: expected float64 \[2\], found float64 \[1\]"),
    ],
)
def test_what_is_no_result_is_refused(best, said):
    scheme, _ = made()
    task = scheme.round()[0]
    with pytest.raises(ResultError, match=said):
        scheme.check(task, {"best": np.array(best, np.float64)})


def test_more_parts_than_draws_are_refused():
    with pytest.raises(
        SchemeError, match=r"tasks.parts: expected at most 2, one for each of the draws, found 4"
    ):
        made(search={"draws": 2})


def test_a_checkpoint_holds_the_weights_by_name():
    scheme, _ = made()
    assert list(scheme.weights()) == ["0/weight", "0/bias", "1/weight", "1/bias"]
    np.testing.assert_array_equal(
        np.concatenate([one.reshape(-1) for one in scheme.weights().values()]), scheme.arrays()["weights"]
    )


def test_the_table_is_tested_on_its_test_rows():
    scheme, work = on_xor("search", table={"source": "sine", "test": 40})
    (result,) = results_of(scheme, work, scheme.test(), version=0)
    table, network = work._bench.table, work._bench.network
    expected = network.error(scheme.arrays()["weights"], table.test_x, table.test_y) / 40
    assert scheme.tested([result]) == {"test_error": pytest.approx(expected)}


# -- over an environment


def test_policies_are_searched_alike():
    endless = {**PLAYED, "stop": {"mean_return": None}}
    scheme, merged = run(on_cartpole("search", **endless), 6)
    shuffled, others = run(on_cartpole("search", **endless), 6, shuffled=3)
    assert_same_bits(scheme, shuffled)
    assert merged == others
    errors = errors_of(merged)
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < -50
    assert [len(one.returns) for one in merged] == [26, *[24] * 5]
    assert [one.evaluations for one in merged] == [sum(one.lengths) for one in merged]


def test_the_value_is_that_of_the_policy_that_is_live():
    scheme, work = on_cartpole("search", **PLAYED)
    _, merged = run((scheme, work), 4)
    again, work = on_cartpole("search", **PLAYED)
    again._w = scheme._w
    (first, *_) = results_of(again, work, again.round()[:1], version=0)
    work.close()
    assert first.arrays["best"][0] <= merged[-1].error
    np.testing.assert_array_equal(first.arrays["returns"][:2].mean(), -merged[-1].error)


def test_it_ends_at_the_environments_goal():
    sections = {**PLAYED, "stop": {"mean_return": 60}}
    _, merged = run(on_cartpole("search", **sections), 40)
    assert merged[-1].solved
    assert merged[-1].done == f"solved: mean return {-merged[-1].error:.1f} reached 60"


@pytest.mark.parametrize(
    ("over", "kind"), [("draws", Draws), ("grid", GridSearch), ("activations", Activations)]
)
def test_each_search_is_found_by_its_name(over, kind):
    config = Config.model_validate(
        {"method": "search", "search": {"over": over, "step": 2.0}, "model": {"hidden": (1,)}}
    )
    spaces = {"table": {"name": "t", "rows": 4, "test_rows": 0, "inputs": 2, "outputs": 1, "classes": False}}
    assert type(search_of(config, spaces, {})) is kind
