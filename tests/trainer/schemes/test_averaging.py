"""Networks trained apart and merged: the identities of the merge, its rounds, and what shared first weights change."""

from __future__ import annotations

import numpy as np
import pytest
from driving import results_of
from fits import assert_same_bits, driven, made, signs

from touchline.player.work import Held
from touchline.trainer.scheme import ResultError, SchemeError

ROWS, PARTS = 24, 4
SGD = {"rule": "sgd", "learning_rate": 0.2}
OTT = {"hidden": (4,), "activation": "sigmoid", "output": "sigmoid", "loss": "squared", "bias": False}
FULL_BATCH = {"local_epochs": 1, "batch_rows": ROWS}


def settings(*, model=None, optimizer=None, parts=PARTS, stop=None, **averaging):
    return {
        "method": "averaging",
        "averaging": averaging,
        "optimizer": optimizer or SGD,
        "tasks": {"parts": parts},
        "model": model or {"hidden": (4,)},
        "stop": stop or {},
    }


def weights_after(rounds=1, **chosen):
    scheme, _ = driven(signs(), rounds=rounds, **settings(**chosen))
    return scheme.arrays()["weights"]


@pytest.mark.parametrize("init", ["own", "shared"])
def test_the_mean_is_the_sum_over_the_number_of_parts(init):
    mean, total = (weights_after(init=init, combine=how) for how in ("mean", "sum"))
    np.testing.assert_array_equal(mean, total / PARTS)


@pytest.mark.parametrize("how", ["mean", "sum"])
def test_of_one_part_the_merge_is_the_network_itself(how):
    scheme, work = made(signs(), **settings(parts=1, combine=how, init="own"))
    (result,) = results_of(scheme, work, scheme.round(), version=0)
    scheme.merge([result])
    np.testing.assert_array_equal(scheme.arrays()["weights"], result.arrays["weights"])


def full_batch_step(rate):
    """One step of gradient descent over all rows, from the weights that the scheme begins with."""
    scheme, _ = made(signs(), **settings())
    table, network = signs(), scheme._network
    w = scheme.arrays()["weights"]
    return w - rate * network.gradient(w, table.x, table.y)[1] / ROWS


def test_one_local_step_on_equal_shards_averaged_is_one_step_over_all_rows():
    found = weights_after(combine="mean", **FULL_BATCH)
    np.testing.assert_allclose(found, full_batch_step(0.2), rtol=1e-12, atol=1e-14)


def test_summed_displacements_are_the_same_step_with_as_many_times_the_rate():
    found = weights_after(combine="displacements", **FULL_BATCH)
    np.testing.assert_allclose(found, full_batch_step(0.2 * PARTS), rtol=1e-12, atol=1e-14)


def test_the_parts_tile_the_rows_and_only_the_first_round_begins_with_weights_of_its_own():
    scheme, work = made(signs(), **settings(parts=5, init="own", rounds=2))
    inits, numbers = [], []
    for version in range(2):
        tasks = scheme.round()
        arguments = [task.arguments for task in tasks]
        covered = [row for given in arguments for row in range(given["start"], given["stop"])]
        assert covered == list(range(ROWS))
        inits += [given["init"] for given in arguments]
        numbers += [given["number"] for given in arguments]
        scheme.merge(results_of(scheme, work, tasks, version=version))
        scheme.merge(results_of(scheme, work, scheme.round(), version=version + 1))
    assert inits == ["own"] * 5 + ["shared"] * 5
    assert numbers == list(range(10))


@pytest.mark.parametrize(
    "chosen",
    [
        {"init": "own", "rounds": 2},
        {"combine": "displacements", "rounds": 3, "batch_rows": 2},
        {"combine": "sum", "init": "own", "local": "ott", "inner": 5, "model": OTT},
    ],
    ids=["mean", "displacements", "ott"],
)
def test_the_order_of_arrival_changes_no_bit(chosen):
    assert_same_bits(signs(), **settings(**chosen))


def test_after_each_merge_the_merged_network_is_measured_over_all_rows():
    scheme, merged = driven(signs(), **settings(rounds=2))
    table, network, w = signs(), scheme._network, scheme.arrays()["weights"]
    assert [m.changed for m in merged] == [True, False, True, False]
    assert [m.error is None for m in merged] == [True, False, True, False]
    assert merged[-1].error == pytest.approx(network.error(w, table.x, table.y) / ROWS, rel=1e-12)
    assert merged[-1].measures == {"accuracy": network.correct(w, table.x, table.y) / ROWS}


def test_the_merge_says_how_good_the_networks_were_apart():
    scheme, work = made(signs(), **settings(init="own"))
    results = results_of(scheme, work, scheme.round(), version=0)
    found = scheme.merge(results).measures
    sums = sum(result.arrays["sums"] for result in results)
    assert found == {"single_error": sums[0] / ROWS, "single_accuracy": sums[1] / ROWS}


@pytest.mark.parametrize(
    ("chosen", "steps"),
    [({"local_epochs": 3}, 3), ({"local": "ott", "inner": 7, "model": OTT}, 7)],
    ids=["epochs", "ott"],
)
def test_work_is_counted_in_rows_with_three_for_a_gradient(chosen, steps):
    _, merged = driven(signs(), **settings(**chosen))
    assert [m.evaluations for m in merged] == [ROWS * (3 * steps + 1), ROWS]


def test_it_ends_after_its_rounds_and_there_is_nothing_left_to_do():
    scheme, merged = driven(signs(), **settings(rounds=2))
    assert [m.done for m in merged] == [None, None, None, "finished: 2 merges were made"]
    assert not merged[-1].solved
    assert scheme.round() == []
    assert scheme.facts()["merges"] == 2


def test_it_ends_sooner_where_the_merged_network_is_as_good_as_wanted():
    _, merged = driven(signs(), **settings(rounds=50, stop={"error": 0.6}))
    assert merged[-1].solved
    assert len(merged) < 100
    assert merged[-1].error <= 0.6
    assert all(m.error is None or m.error > 0.6 for m in merged[:-1])


def test_a_version_handed_out_is_not_written_again():
    scheme, work = made(signs(), **settings())
    first = scheme.arrays()["weights"]
    before = first.copy()
    scheme.merge(results_of(scheme, work, scheme.round(), version=0))
    np.testing.assert_array_equal(first, before)
    assert not np.array_equal(scheme.arrays()["weights"], before)


def test_a_checkpoint_holds_the_weights_by_name():
    scheme, _ = driven(signs(), **settings())
    named = scheme.weights()
    assert {name: array.shape for name, array in named.items()} == {
        "0/weight": (3, 4),
        "0/bias": (4,),
        "1/weight": (4, 2),
        "1/bias": (2,),
    }
    flat = np.concatenate([array.reshape(-1) for array in named.values()])
    np.testing.assert_array_equal(flat, scheme.arrays()["weights"])


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("weights", np.zeros(3), r"weights: expected float64 \[26\], found float64 \[3\]"),
        ("weights", np.full(26, np.nan), "weights: expected finite numbers, found nan"),
        ("sums", np.zeros(2), r"sums: expected float64 \[3\]"),
        ("sums", np.array([1.0, 2.0, 5.0]), "sums: expected 6 rows, some of them right, found 5 rows"),
        ("sums", np.array([1.0, 9.0, 6.0]), "found 6 rows, 9 right"),
    ],
)
def test_what_is_no_result_of_its_task_is_refused_by_name(name, wrong, message):
    scheme, work = made(signs(), **settings())
    task = scheme.round()[0]
    (arrays,) = work.carry_out(
        task.verb, task.arguments, Held(1, 0, scheme.arrays()), seq=0, count=1, standing=False
    )
    scheme.check(task, arrays)
    with pytest.raises(ResultError, match=message):
        scheme.check(task, {**arrays, name: wrong})


def test_more_parts_than_rows_are_refused():
    with pytest.raises(SchemeError, match=r"tasks\.parts: expected at most 4"):
        made(**settings(parts=5))


def test_test_rows_are_tried_in_one_task():
    scheme, work = made(signs(), **settings())
    results = results_of(scheme, work, scheme.test(), version=0)
    assert set(scheme.tested(results)) == {"test_error", "test_accuracy"}


def test_averaging_learns_a_sine():
    chosen = settings(
        rounds=40,
        local_epochs=10,
        batch_rows=5,
        optimizer={**SGD, "learning_rate": 0.1},
        model={"hidden": (16,)},
    )
    _, merged = driven(rounds=80, **{**chosen, "table": {"source": "sine"}})
    assert merged[1].error > 0.03
    assert merged[-1].error < 0.01  # 0.0034 to 0.0037 with two seeds


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_networks_that_begin_alike_average_far_better_than_those_that_do_not(seed):
    pytest.importorskip("sklearn")
    found = {}
    for init in ("shared", "own"):
        chosen = settings(init=init, local_epochs=10, model={"hidden": (32,), "activation": "relu"})
        chosen |= {"table": {"source": "digits", "scale": "unit", "test": 400}, "seed": seed}
        scheme, work = made(**chosen)
        scheme.merge(results_of(scheme, work, scheme.round(), version=0))
        found[init] = scheme.tested(results_of(scheme, work, scheme.test(), version=1))["test_accuracy"]
    assert found["shared"] > found["own"] + 0.05  # 0.90 to 0.92 against 0.56 to 0.84
