"""Basin hopping over a table: a search that only descends without temperature, the Metropolis chain with one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from driving import results_of
from fits import assert_same_bits, driven, made, signs
from hopping_walk import basin_hopping

from touchline.targets.local import minimize
from touchline.trainer.scheme import ResultError, Returned, SchemeError, Task
from touchline.trainer.schemes.on_table import rows_task

SMALL = {"hidden": (2,), "output": "sigmoid", "loss": "squared"}
SIZE = 3 * 2 + 2 + 2 * 2 + 2


def settings(*, parts=3, stop=None, max_lag=0, model=None, **hopping):
    return {
        "method": "hopping",
        "hopping": {"iterations": 4, **hopping},
        "tasks": {"parts": parts},
        "staleness": {"max_lag": max_lag},
        "model": model or SMALL,
        "stop": stop or {},
    }


def returned(number, error, *, weight=0.0, step=0.5, evaluations=1.0, version=0, base=None):
    task = Task("fit", {"what": "hop", "number": number, "step": step})
    arrays = {
        "weights": np.full(SIZE, weight),
        "error": np.array([error]),
        "evaluations": np.array([evaluations]),
    }
    return Returned(task, number, version, 0, 1.0, arrays, base or {})


def test_without_temperature_the_error_never_grows():
    scheme, merged = driven(signs(), rounds=12, **settings(step=2.0))
    errors = [m.error for m in merged]
    assert all(later <= earlier for earlier, later in itertools.pairwise(errors))
    assert errors[-1] < errors[0]
    assert [m.changed for m in merged[1:]] == [b < a for a, b in itertools.pairwise(errors)]
    assert scheme.bears_staleness


def test_the_order_of_arrival_changes_no_bit():
    assert_same_bits(signs(), rounds=8, **settings(step=2.0, interval=4))


def test_a_chain_with_temperature_is_the_serial_walk_bit_for_bit():
    chosen = settings(parts=1, temperature=0.02, step=2.0, interval=50)
    scheme, merged = driven(signs(), rounds=61, **chosen, seed=3)
    start, _ = made(signs(), **chosen, seed=3)
    table, network = signs(), scheme._network

    def mean(w):
        error, gradient = network.gradient(w, table.x, table.y)
        return error / len(table.x), gradient / len(table.x)

    walk = basin_hopping(
        lambda w: minimize(mean, w, iterations=4),
        start.arrays()["weights"],
        hops=60,
        step=2.0,
        temperature=0.02,
        seed=3,
    )
    assert tuple(m.error for m in merged) == walk.values
    best = np.concatenate([array.reshape(-1) for array in scheme.weights().values()])
    np.testing.assert_array_equal(best, walk.best)
    assert sum(m.evaluations for m in merged) == walk.evaluations * 3 * len(table.x)
    assert scheme.facts()["accepted"] == walk.accepted
    assert merged[-1].measures["step"] == walk.step != 2.0


def test_the_best_is_kept_apart_where_the_chain_climbs():
    chosen = settings(parts=1, temperature=1e9)
    scheme, _ = made(signs(), **chosen)
    scheme.merge([returned(-1, 0.5, weight=1.0)])
    climbed = scheme.merge([returned(0, 0.7, weight=2.0)])
    assert climbed.changed
    assert (climbed.error, climbed.measures["best_error"]) == (0.7, 0.5)
    np.testing.assert_array_equal(scheme.arrays()["weights"], np.full(SIZE, 2.0))
    assert all((array == 1.0).all() for array in scheme.weights().values())


def test_a_round_descends_from_the_first_weights_and_hops_with_numbers_of_their_own():
    scheme, _ = made(signs(), **settings(step=0.25))
    arguments = [task.arguments for _ in range(2) for task in scheme.round()]
    assert [given["number"] for given in arguments] == [-1, 0, 1, 2, 3, 4]
    assert [given["step"] for given in arguments] == [0.0] + [0.25] * 5


def test_of_a_round_the_best_is_taken_and_of_equals_the_first():
    scheme, _ = made(signs(), **settings())
    scheme.merge([returned(-1, 0.5)])
    results = [returned(n, e, weight=n) for n, e in ((0, 0.4), (1, 0.2), (2, 0.2), (3, 0.6))]
    merged = scheme.merge(results)
    assert (merged.changed, merged.error, merged.of_new) == (True, 0.2, True)
    np.testing.assert_array_equal(scheme.arrays()["weights"], np.ones(SIZE))


def test_a_hop_from_older_weights_is_taken_only_if_it_is_better_than_what_is_live():
    scheme, _ = made(signs(), **settings(max_lag=4))
    scheme.merge([returned(-1, 0.5)])
    scheme.merge([returned(0, 0.3, weight=3.0)])
    assert not scheme.merge([returned(1, 0.4, weight=4.0)]).changed
    np.testing.assert_array_equal(scheme.arrays()["weights"], np.full(SIZE, 3.0))
    assert scheme.merge([returned(2, 0.1, weight=5.0)]).changed


def test_the_step_nears_half_of_the_hops_accepted_whatever_the_size_of_a_round():
    scheme, _ = made(signs(), **settings(step=1.0, interval=4))
    scheme.merge([returned(-1, 0.5)])
    assert scheme.merge([returned(n, 0.6) for n in range(3)]).measures["step"] == 1.0
    refused = scheme.merge(
        [returned(n, 0.6) for n in range(3, 6)]
    ).measures  # the fourth is the interval's last
    assert refused["step"] == pytest.approx(0.9)
    accepted = scheme.merge([returned(n, 0.1) for n in range(6, 16)]).measures  # 10 of the first 16
    assert accepted["step"] == pytest.approx(0.9 * 0.9 / 0.9)  # 2 of 8, 6 of 12 and 10 of 16
    assert accepted["accepted"] == 10 / 16


def test_hops_that_nothing_could_refuse_do_not_count_for_the_step():
    scheme, _ = made(signs(), **settings())
    scheme.merge([returned(-1, 0.5), returned(0, 0.6), returned(1, 0.7)])
    assert scheme.facts()["hops"] == 0


def test_it_ends_where_the_best_is_as_good_as_wanted():
    scheme, _ = made(signs(), **settings(stop={"error": 0.3}))
    going = scheme.merge([returned(-1, 0.31)])
    ended = scheme.merge([returned(0, 0.3)])
    assert (going.done, going.solved, ended.solved) == (None, False, True)
    assert ended.done == "solved: mean error 0.3 is within 0.3"


def test_work_is_counted_in_rows_with_three_for_a_gradient():
    scheme, _ = made(signs(rows=10), **settings())
    merged = scheme.merge([returned(-1, 0.5, evaluations=4.0), returned(0, 0.6, evaluations=3.0)])
    assert merged.evaluations == 7 * 10 * 3


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("weights", np.zeros(3), r"weights: expected float64 \[14\], found float64 \[3\]"),
        ("error", np.array([np.inf]), "error: expected finite numbers, found inf"),
        ("error", np.zeros(2), r"error: expected float64 \[1\]"),
        ("evaluations", np.array([-1.0]), "evaluations: expected 0 or more, found -1"),
    ],
)
def test_what_is_no_result_of_a_hop_is_refused_by_name(name, wrong, message):
    scheme, _ = made(signs(), **settings())
    good = returned(0, 0.5)
    scheme.check(good.task, good.arrays)
    with pytest.raises(ResultError, match=message):
        scheme.check(good.task, {**good.arrays, name: wrong})


def test_the_test_rows_result_is_held_to_their_number():
    scheme, work = made(signs(test_rows=8), **settings())
    assert set(scheme.tested(results_of(scheme, work, scheme.test(), version=0))) == {
        "test_error",
        "test_accuracy",
    }
    with pytest.raises(ResultError, match="8 rows"):
        scheme.check(rows_task(range(8), what="error", split="test"), {"sums": np.array([1.0, 2.0, 9.0])})


@pytest.mark.parametrize("wrong", [{"parts": 2}, {"parts": 1, "max_lag": 1}])
def test_a_chain_that_would_not_be_one_after_another_is_refused(wrong):
    with pytest.raises(SchemeError, match=r"each hop begins where the one before ended.*--tasks.parts 1"):
        made(signs(), **settings(temperature=0.1, **wrong))


def test_a_chain_bears_no_staleness():
    scheme, _ = made(signs(), **settings(parts=1, temperature=0.1))
    assert not scheme.bears_staleness


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_hopping_solves_xor(seed):
    chosen = settings(stop={"error": 1e-3}, model={"hidden": (2,)}, iterations=100, step=1.0)
    _, merged = driven(rounds=20, **chosen, seed=seed)
    assert merged[-1].solved
    assert merged[-1].error <= 1e-3
