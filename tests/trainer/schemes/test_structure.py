"""Growing a network: every candidate once, the same winner whoever trains it, and the ends of the search."""

from __future__ import annotations

import itertools
import weakref

import numpy as np
import pytest
from driving import drive, results_of
from fits import assert_same_bits, driven, made, signs

from touchline.player.work import Held
from touchline.targets.many import WORST
from touchline.trainer.scheme import ResultError, Returned

RATE = {"learning_rate": 0.05}


def settings(*, hidden=(1,), parts=2, stop=None, max_lag=0, **structure):
    return {
        "method": "structure",
        "structure": {"epochs": 3, **structure},
        "model": {"hidden": hidden},
        "tasks": {"parts": parts},
        "staleness": {"max_lag": max_lag},
        "optimizer": RATE,
        "stop": stop or {},
    }


def size_of(hidden):
    """Weights of a network from 3 inputs to 2 outputs, with biases."""
    widths = (3, *hidden, 2)
    return sum((below + 1) * above for below, above in itertools.pairwise(widths))


def returned(task, error, *, test_error=None, rows=24, test_rows=8):
    """A result whose mean error over the training rows, and over the test rows, is as said."""
    hidden, number = tuple(task.arguments["hidden"]), task.arguments["number"]
    test = error if test_error is None else test_error
    arrays = {
        "weights": np.full(size_of(hidden), float(number)),
        "sums": np.array([error * rows, rows / 2, rows]),
        "test_sums": np.array([test * test_rows, test_rows / 4, test_rows]),
    }
    return Returned(task, number, 0, 0, 1.0, arrays, {})


def hiddens(tasks):
    return [tuple(task.arguments["hidden"]) for task in tasks]


def grown(errors, *, rounds, **chosen):
    """Hidden sizes of each round and what it came to, where a structure's error is what ``errors`` says, else 1."""
    scheme, _ = made(signs(), **settings(penalty=0.0, **chosen))
    opened, merged = [], []
    for _ in range(rounds):
        tasks = scheme.round()
        opened.append(hiddens(tasks))
        if tasks:
            merged.append(
                scheme.merge([returned(t, errors.get(tuple(t.arguments["hidden"]), 1.0)) for t in tasks])
            )
    return scheme, opened, merged


def test_a_level_widens_each_layer_of_the_last_levels_best_and_adds_one():
    errors = {(1,): 0.9, (2,): 0.8, (1, 1): 0.5, (2, 1): 0.4}
    scheme, opened, _ = grown(errors, rounds=4)
    assert opened == [
        [(1,)],
        [(2,), (1, 1)],
        [(2, 1), (1, 2), (1, 1, 1)],
        [(3, 1), (2, 2), (2, 1, 1)],
    ]
    assert scheme.facts()["hidden"] == [2, 1]


def test_a_level_without_a_better_one_is_grown_on_from_all_the_same():
    errors = {(1,): 0.5, (2,): 0.7, (1, 1): 0.6, (1, 2): 0.4}
    scheme, opened, merged = grown(errors, rounds=3, patience=2)
    assert opened[2] == [(2, 1), (1, 2), (1, 1, 1)]
    assert [m.changed for m in merged] == [True, False, True]
    assert scheme.facts()["hidden"] == [1, 2]


def test_levels_without_a_better_one_end_the_search():
    _, _, merged = grown({(1,): 0.1}, rounds=3, patience=2)
    assert [m.done for m in merged] == [None, None, "finished: 2 levels without a better structure"]
    assert not merged[-1].solved


def test_of_equal_structures_the_one_that_was_opened_first_is_grown_from():
    scheme, opened, merged = grown({(1,): 0.9, (2,): 0.5, (1, 1): 0.5}, rounds=3)
    assert opened[1:] == [[(2,), (1, 1)], [(3,), (2, 1)]]
    assert merged[1].measures["score"] == 0.5
    assert scheme.facts()["hidden"] == [2]


def test_without_a_barrier_too_whichever_came_first():
    scheme, _ = made(signs(), **settings(barrier="none", parts=3, max_lag=4, penalty=0.0))
    first, second, third = scheme.round()
    assert hiddens([second, third]) == [(2,), (1, 1)]
    scheme.merge([returned(third, 0.5)])
    scheme.merge([returned(second, 0.5)])
    scheme.merge([returned(first, 0.9)])
    assert hiddens(scheme.round()) == [(3,), (2, 1), (1, 2)]


@pytest.mark.parametrize("barrier", ["level", "none"])
def test_weights_are_kept_of_the_best_and_of_what_is_grown_from_alone(barrier):
    scheme, _ = made(signs(), **settings(barrier=barrier, patience=100, penalty=0.0))
    kept = []
    for _ in range(5):
        results = [returned(task, 1 / (1 + len(kept))) for task in scheme.round()]
        kept += [weakref.ref(result.arrays["weights"]) for result in results]
        scheme.merge(results)
        del results
    alive = [ref() is not None for ref in kept]
    assert 1 <= sum(alive) <= 2 < len(kept)


def test_a_structure_that_diverged_loses_and_where_all_did_the_end_says_so():
    scheme, work = made(
        signs(),
        **{
            **settings(patience=1, epochs=400),
            "model": {"hidden": (1,), "output": "linear", "loss": "squared"},
            "optimizer": {"rule": "sgd", "learning_rate": 1e6},
        },
    )
    merged = list(drive(scheme, work, rounds=5))
    assert merged[-1].done == (
        "finished: no structure's training stayed finite with optimizer.learning_rate 1e+06. "
        "Set a smaller one, such as --optimizer.learning_rate 100000"
    )
    again, _ = made(signs(), **settings(patience=1))
    again.merge([returned(again.round()[0], WORST / 24, test_error=WORST / 8)])
    assert again.merge([returned(task, 0.5) for task in again.round()]).done is None
    assert again.facts()["hidden"] == [1, 1]


@pytest.mark.parametrize("barrier", ["level", "none"])
def test_each_candidate_is_trained_once_and_none_passes_the_bounds(barrier):
    bounds = {"max_layers": 2, "max_width": 3, "patience": 100}
    _, opened, _ = grown({}, rounds=30, barrier=barrier, **bounds)
    trained = [hidden for level in opened for hidden in level]
    assert len(trained) == len(set(trained))
    assert all(len(hidden) <= 2 and max(hidden) <= 3 for hidden in trained)
    assert opened[-1] == []
    if barrier == "none":  # a level's other candidates are never grown from, but a queue comes to all
        assert set(trained) == {(a,) for a in (1, 2, 3)} | {(a, b) for a in (1, 2, 3) for b in (1, 2, 3)}


def test_the_order_of_arrival_changes_no_bit_with_the_barrier():
    assert_same_bits(signs(), rounds=5, **settings(patience=5))


@pytest.mark.parametrize("parts", [1, 3, 8])
def test_the_winner_of_levels_does_not_depend_on_the_number_of_parts(parts):
    scheme, merged = driven(signs(), rounds=5, **settings(patience=5))
    other, found = driven(signs(), rounds=5, **settings(patience=5, parts=parts))
    assert (other.facts(), found) == (scheme.facts(), merged)


def test_without_a_barrier_whoever_is_free_gets_the_next_before_any_has_come_back():
    scheme, _ = made(signs(), **settings(barrier="none", parts=2, max_lag=4))
    assert scheme.bears_staleness
    first, second = scheme.round(), scheme.round()
    assert hiddens([*first, *second]) == [(1,), (2,), (1, 1), (3,)]
    scheme.merge([returned(second[0], 0.5), returned(second[1], 0.1)])
    assert hiddens(scheme.round()) == [(4,), (3, 1)]  # of (3,), the best so far


def test_without_a_barrier_twice_as_many_candidates_without_a_better_one_end_the_search():
    scheme, _ = made(signs(), **settings(barrier="none", parts=5, patience=2))
    merged = scheme.merge([returned(task, 0.5) for task in scheme.round()])
    assert merged.done == "finished: 4 candidates without a better structure"
    again, _ = made(signs(), **settings(barrier="none", parts=4, patience=2))
    assert again.merge([returned(task, 0.5) for task in again.round()]).done is None


def test_structures_are_judged_by_the_test_rows_and_a_penalty_for_each_weight():
    scheme, _ = made(signs(), **settings(penalty=0.01))
    scheme.merge([returned(scheme.round()[0], 0.9, test_error=0.5)])
    wide, deep = scheme.round()
    merged = scheme.merge([returned(wide, 0.1, test_error=0.47), returned(deep, 0.8, test_error=0.46)])
    # (1,) has 8 weights, (2,) 14 and (1, 1) 10: scores 0.58, 0.61 and 0.56.
    assert scheme.facts()["hidden"] == [1, 1]
    assert merged.error == pytest.approx(0.8)
    assert merged.measures == pytest.approx(
        {
            "score": 0.56,
            "size": 10,
            "candidates": 3,
            "validation_error": 0.46,
            "accuracy": 0.5,
            "validation_accuracy": 0.25,
        }
    )


def test_without_test_rows_they_are_judged_by_the_training_rows():
    scheme, _ = made(signs(test_rows=0), **settings(penalty=0.0))
    merged = scheme.merge([returned(scheme.round()[0], 0.5, test_error=0.0, test_rows=0)])
    assert merged.measures["score"] == 0.5
    assert "validation_error" not in merged.measures


def test_the_live_weights_are_those_of_the_best_structure_whatever_their_number():
    scheme, work = made(signs(), **settings(penalty=0.0))
    for version in range(3):
        tasks = scheme.round()
        scheme.merge(results_of(scheme, work, tasks, version=version))
    hidden = tuple(scheme.facts()["hidden"])
    assert scheme.arrays()["weights"].shape == (size_of(hidden),)
    assert [array.shape[1] for name, array in scheme.weights().items() if name.endswith("weight")] == [
        *hidden,
        2,
    ]
    assert scheme.test() == []


def test_work_is_counted_in_rows_of_training_and_of_measuring():
    scheme, _ = made(signs(rows=10, test_rows=4), **settings(epochs=7))
    merged = scheme.merge([returned(scheme.round()[0], 0.5, rows=10, test_rows=4)])
    assert merged.evaluations == 7 * 10 * 3 + 10 + 4


def test_it_ends_where_the_best_is_as_good_as_wanted_on_the_training_rows():
    scheme, _ = made(signs(), **settings(stop={"error": 0.3}))
    going = scheme.merge([returned(scheme.round()[0], 0.31, test_error=0.2)])
    ended = scheme.merge([returned(task, 0.3, test_error=0.1) for task in scheme.round()])
    assert (going.done, going.solved, ended.solved) == (None, False, True)
    assert ended.done == "solved: mean error 0.3 is within 0.3"


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("weights", np.zeros(9), r"weights: expected float64 \[8\], found float64 \[9\]"),
        ("sums", np.array([1.0, 2.0, 8.0]), "^sums: expected 24 rows"),
        ("test_sums", np.array([1.0, 2.0, 24.0]), "test_sums: expected 8 rows"),
        ("test_sums", np.array([np.nan, 2.0, 8.0]), "test_sums: expected finite numbers, found nan"),
    ],
)
def test_what_is_no_result_of_its_candidate_is_refused_by_name(name, wrong, message):
    scheme, work = made(signs(), **settings())
    (task,) = scheme.round()
    held = Held(1, 0, scheme.arrays())
    (arrays,) = work.carry_out(task.verb, task.arguments, held, seq=0, count=1, standing=False)
    scheme.check(task, arrays)
    with pytest.raises(ResultError, match=message):
        scheme.check(task, {**arrays, name: wrong})


@pytest.mark.parametrize("barrier", ["level", "none"])
def test_a_structure_grows_from_one_neuron_until_it_solves_xor(barrier):
    chosen = settings(barrier=barrier, epochs=400, penalty=1e-4, stop={"error": 0.01})
    scheme, merged = driven(rounds=10, **chosen)
    assert merged[-1].solved
    assert sum(scheme.facts()["hidden"]) >= 2  # one neuron cannot
