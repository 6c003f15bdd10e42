"""Descent in parallel: however the work is cut and whoever does it, the steps are those of one."""

from __future__ import annotations

import numpy as np
import pytest
from driving import drive, results_of
from row_runs import assert_same, begun, built_in, ended, plane, returned, signs

from touchline.player.work import Held
from touchline.targets.rule_state import state_in
from touchline.targets.rules import make_rule
from touchline.trainer.scheme import ResultError, SchemeError
from touchline.trainer.schemes.descent import Descent

EXACT = ["rprop_plus", "rprop_minus", "irprop_plus", "irprop_minus", "quickprop"]
RULES = ["sgd", "rmsprop", "adam", *EXACT]
FREE = {"max_gradient_norm": None}


def descent(table=None, **sections):
    sections.setdefault("model", {"hidden": [4]})
    return begun(Descent, "descent", table or signs(), **sections)


FORMS = {
    "rows": {},
    "numeric rows": {"descent": {"how": "numeric"}},
    "weights": {"descent": {"by": "weights"}},
    "numeric weights": {"descent": {"by": "weights", "how": "numeric"}},
    "minibatches": {"descent": {"batch_rows": 8}},
    "lead": {"tasks": {"remainder": "lead"}},
}
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


@every_form
def test_the_order_of_arrival_and_results_that_come_twice_change_nothing(form):
    plain, mixed = descent(**form), descent(**form)
    ended(drive(*plain, rounds=7))
    ended(drive(*mixed, rounds=7, rng=np.random.default_rng(3)))
    assert_same(plain[0], mixed[0])


@pytest.mark.parametrize(("form", "rule"), [*((form, "adam") for form in FORMS), ("rows", "irprop_plus")])
def test_the_number_of_parts_changes_nothing_but_rounding(form, rule):
    form = FORMS[form]
    numeric = form.get("descent", {}).get("how") == "numeric"
    tolerance = 1e-6 if numeric else 1e-12
    ends = []
    for parts in (1, 3):
        tasks = {**form.get("tasks", {}), "parts": parts}
        scheme, work = descent(**{**form, "tasks": tasks, "optimizer": {"rule": rule, "learning_rate": 0.05}})
        ended(drive(scheme, work, rounds=6))
        ends.append(scheme)
    assert_same(*ends, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("rule", RULES)
def test_a_round_is_the_rules_step_by_the_mean_gradient(rule):
    scheme, work = descent(plane(), optimizer={"rule": rule, **FREE})
    network, table = work._bench.network, work._bench.table
    weights = scheme.arrays()["weights"].copy()
    own, before, grew = make_rule(rule, network.size), np.inf, 0
    for merged in drive(scheme, work, rounds=25):
        error, gradient = network.gradient(weights, table.x, table.y)
        assert merged.error == pytest.approx(error / 24)
        assert merged.measures == {"gradient_norm": pytest.approx(np.linalg.norm(gradient) / 24)}
        own.step(weights, gradient / 24, learning_rate=1e-3, grew=error > before)
        grew, before = grew + (error > before), error
        np.testing.assert_allclose(scheme.arrays()["weights"], weights, rtol=1e-9, atol=1e-12)
    assert grew or rule != "irprop_plus"


@pytest.mark.parametrize("rule", RULES)
def test_a_split_of_the_weights_makes_the_steps_of_a_split_of_the_rows(rule):
    ends = []
    for by in ("rows", "weights"):
        scheme, work = descent(descent={"by": by}, optimizer={"rule": rule, **FREE})
        _, merged = ended(drive(scheme, work, rounds=6))
        ends.append((scheme, [one.error for one in merged]))
    assert_same(ends[0][0], ends[1][0], rtol=1e-9, atol=1e-12)
    assert ends[0][1] == pytest.approx(ends[1][1])


def test_the_rows_that_are_right_are_told_of_classes():
    scheme, work = descent()
    network, table, w = work._bench.network, work._bench.table, scheme.arrays()["weights"]
    (merged,) = drive(scheme, work, rounds=1)
    assert merged.measures["accuracy"] == network.correct(w, table.x, table.y) / 30


@pytest.mark.parametrize("how", ["backprop", "numeric"])
@pytest.mark.parametrize("rule", RULES)
def test_any_split_of_the_weights_makes_the_same_steps_bit_for_bit(rule, how):
    ends = []
    for parts in (1, 3):
        scheme, work = descent(
            descent={"by": "weights", "how": how}, optimizer={"rule": rule}, tasks={"parts": parts}
        )
        ended(drive(scheme, work, rounds=4))
        ends.append(scheme)
    assert_same(*ends)
    states = [state_in(end.state()) for end in ends]
    assert states[0]
    for name, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][name])


def test_the_first_part_takes_what_does_not_divide_where_it_is_the_lead():
    for form in ({}, {"descent": {"batch_rows": 15}}):
        scheme, _ = descent(tasks={"parts": 4, "remainder": "lead"}, **form)
        lengths = [task.arguments["stop"] - task.arguments["start"] for task in scheme.round()]
        assert lengths == ([6, 3, 3, 3] if form else [9, 7, 7, 7])


# -- minibatches


def test_an_epoch_of_minibatches_goes_over_every_row_once():
    scheme, work = descent(
        descent={"batch_rows": 8}, optimizer={"rule": "sgd", "learning_rate": 1e-12, **FREE}
    )
    first = scheme.arrays()["weights"]
    error = work._bench.network.error(first, work._bench.table.x, work._bench.table.y)
    for number, merged in enumerate(drive(scheme, work, rounds=8), 1):
        assert merged.evaluations == 3 * (6 if number % 4 == 0 else 8)
    assert merged.error == pytest.approx(error / 30)


def test_the_mean_step_of_an_epoch_is_that_of_all_rows():
    """At a rate so low that the weights stay where they are; 30 rows in blocks of 6."""
    rate = 1e-9
    scheme, work = descent(
        descent={"batch_rows": 6}, optimizer={"rule": "sgd", "learning_rate": rate, **FREE}
    )
    first = scheme.arrays()["weights"]
    _, gradient = work._bench.network.gradient(first, work._bench.table.x, work._bench.table.y)
    ended(drive(scheme, work, rounds=5))
    mean = (first - scheme.arrays()["weights"]) / (5 * rate)
    np.testing.assert_allclose(mean, gradient / 30, rtol=0, atol=1e-6)


def test_each_epoch_has_an_order_of_its_own():
    scheme, _ = descent(descent={"batch_rows": 15})
    epochs = [scheme.round()[0].arguments["epoch"] for _ in range(6)]
    assert epochs == [0, 0, 1, 1, 2, 2]


# -- when it ends, and what it counts


@pytest.mark.parametrize("by", ["rows", "weights"])
def test_no_step_is_made_from_weights_whose_error_is_low_enough(by):
    scheme, work = descent(descent={"by": by}, stop={"error": 1e3})
    first = scheme.arrays()["weights"].copy()
    last, merged = ended(drive(scheme, work, rounds=5))
    assert len(merged) == 1
    assert last.solved
    assert not last.changed
    assert last.done.startswith("solved: mean error ")
    np.testing.assert_array_equal(scheme.arrays()["weights"], first)


def test_minibatches_are_not_solved_before_a_whole_epoch_was_seen():
    scheme, work = descent(descent={"batch_rows": 10}, stop={"error": 1e3})
    last, merged = ended(drive(scheme, work, rounds=9))
    assert [one.done is not None for one in merged] == [False, False, True]
    assert last.solved


@pytest.mark.parametrize(
    ("form", "evaluations"),
    [
        ({}, 3 * 30),
        ({"descent": {"how": "numeric"}}, 30 * (1 + 2 * 26)),
        ({"descent": {"by": "weights"}}, 4 * 3 * 30),
        ({"descent": {"by": "weights", "how": "numeric"}}, 30 * (4 + 2 * 26)),
    ],
)
def test_the_work_of_a_round_is_counted_in_row_evaluations(form, evaluations):
    last, _ = ended(drive(*descent(**form), rounds=2))
    assert last.evaluations == evaluations


@pytest.mark.parametrize("stop", [{"rounds": 4}, {"evaluations": 4 * 90}, {"rounds": 9, "evaluations": 360}])
@pytest.mark.parametrize("by", ["rows", "weights"])
def test_a_linear_schedule_ends_at_nothing(stop, by):
    if by == "weights" and "evaluations" in stop:
        stop = {**stop, "evaluations": 4 * stop["evaluations"]}
    rule = {"rule": "sgd", "learning_rate": 1e-6, "schedule": "linear", **FREE}
    scheme, work = descent(descent={"by": by}, optimizer=rule, stop=stop)
    at = [scheme.arrays()["weights"]]
    for _ in drive(scheme, work, rounds=5):
        at.append(scheme.arrays()["weights"])
    steps = np.linalg.norm(np.diff(at, axis=0), axis=1)
    np.testing.assert_allclose(steps / steps[0], [1, 0.75, 0.5, 0.25, 0], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("rule", ["sgd", "rprop_minus", "quickprop"])
def test_a_long_gradient_is_clipped_for_the_rules_that_read_a_rate(rule):
    ends = []
    for norm in (1e-3, None):
        scheme, work = descent(optimizer={"rule": rule, "max_gradient_norm": norm, "learning_rate": 1.0})
        first = scheme.arrays()["weights"]
        ended(drive(scheme, work, rounds=1))
        ends.append(np.linalg.norm(scheme.arrays()["weights"] - first))
    assert (ends[0] == pytest.approx(1e-3)) == (rule == "sgd")
    assert (ends[0] == ends[1]) == (rule != "sgd")


def test_the_arrays_that_were_handed_out_are_never_written():
    scheme, work = descent(optimizer={"rule": "adam"}, descent={"by": "weights"})
    given = []
    for _ in drive(scheme, work, rounds=4):
        given += [(array, array.copy()) for array in scheme.arrays().values()]
    for array, copy in given:
        np.testing.assert_array_equal(array, copy)


# -- results of older versions


@pytest.mark.parametrize(
    ("sections", "bears"),
    [
        ({}, True),
        ({"descent": {"batch_rows": 8}}, True),
        ({"optimizer": {"rule": "sgd", "momentum": 0.9}}, False),
        ({"optimizer": {"rule": "adam", "momentum": 0.9}}, True),
        ({"descent": {"by": "weights"}}, False),
        *(({"optimizer": {"rule": rule}}, False) for rule in EXACT),
    ],
)
def test_results_of_older_versions_are_borne_by_rules_without_memory_of_exact_gradients(sections, bears):
    assert descent(**sections)[0].bears_staleness is bears


def streamed(scheme, work, *, merges, lag, parts, weight=1.0):
    """Results merged ``parts`` at a time, each carried out with the arrays of ``lag`` merges ago."""
    bases, waiting, merged = [scheme.arrays()], [], []
    while len(merged) < merges:
        while len(waiting) < parts:
            waiting += scheme.round()
        taken, waiting = waiting[:parts], waiting[parts:]
        base = bases[max(0, len(bases) - 1 - lag)]
        came = []
        for task in taken:
            (arrays,) = work.carry_out(
                task.verb, task.arguments, Held(1, 0, base), seq=0, count=1, standing=False
            )
            scheme.check(task, arrays)
            came.append(returned(task, arrays, lag=lag, weight=weight, base=base))
        merged.append(scheme.merge(came))
        bases.append(scheme.arrays())
    return merged


@pytest.mark.parametrize("batch_rows", [None, 8, 7])
@pytest.mark.parametrize("parts", [3, 4, 5])
def test_any_parts_of_older_versions_lower_the_error(batch_rows, parts):
    """Merges of 3 or 5 results hold parts of several rounds, or none of some."""
    scheme, work = descent(
        descent={"batch_rows": batch_rows},
        optimizer={"rule": "sgd", "learning_rate": 0.3, **FREE},
        staleness={"max_lag": 4},
    )
    merged = streamed(scheme, work, merges=200, lag=3, parts=parts)
    assert merged[-1].error < 0.2 < 0.5 < merged[0].error
    assert all(one.evaluations > 0 for one in merged)


def test_a_result_that_is_too_old_makes_the_step_shorter():
    ends = []
    for weight in (1.0, 0.25):
        scheme, work = descent(optimizer={"rule": "sgd", **FREE}, staleness={"max_lag": 1})
        first = scheme.arrays()["weights"]
        streamed(scheme, work, merges=1, lag=0, parts=4, weight=weight)
        ends.append(scheme.arrays()["weights"] - first)
    np.testing.assert_allclose(ends[1], 0.25 * ends[0], rtol=1e-9)


# -- learning


@pytest.mark.parametrize("by", ["rows", "weights"])
def test_xor_is_learnt(by):
    scheme, work = descent(
        built_in("xor"),
        model={"hidden": [3], "initialization": "normal"},
        descent={"by": by},
        optimizer={"rule": "irprop_plus"},
        tasks={"parts": 2},
        stop={"error": 1e-3},
    )
    last, _ = ended(drive(scheme, work, rounds=300))
    assert last.solved


def test_a_sine_is_learnt_from_minibatches():
    scheme, work = descent(
        built_in("sine"),
        model={"hidden": [12]},
        descent={"batch_rows": 20},
        optimizer={"rule": "adam", "learning_rate": 0.02},
        stop={"error": 1e-3},
    )
    last, _ = ended(drive(scheme, work, rounds=3000))
    assert last.solved


def test_the_test_rows_are_tried_with_the_live_weights():
    scheme, work = descent()
    ended(drive(scheme, work, rounds=3))
    network, table = work._bench.network, work._bench.table
    found = scheme.tested(results_of(scheme, work, scheme.test(), version=3))
    w = scheme.arrays()["weights"]
    assert found["test_error"] == pytest.approx(network.error(w, table.test_x, table.test_y) / 8)
    assert found["test_accuracy"] == network.correct(w, table.test_x, table.test_y) / 8


# -- what is refused


def good(scheme, work):
    task = scheme.round()[0]
    held = Held(1, 0, scheme.arrays())
    (arrays,) = work.carry_out(task.verb, task.arguments, held, seq=0, count=1, standing=False)
    return task, dict(arrays)


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("sums", None, r"sums: expected float64 \[3\], found nothing"),
        ("sums", np.array([1.0, 0, 7]), "sums: expected 8 rows, some of them right, found 7 rows, 0 right"),
        ("sums", np.array([1.0, 9, 8]), "9 right"),
        ("gradient", np.zeros(26, np.float32), r"gradient: expected float64 \[26\], found float32 \[26\]"),
        ("gradient", np.zeros(25), r"found float64 \[25\]"),
        ("gradient", np.full(26, np.nan), "gradient: expected finite numbers, found nan"),
    ],
)
def test_arrays_that_are_no_gradient_are_refused_by_name(name, wrong, said):
    scheme, work = descent()
    task, arrays = good(scheme, work)
    arrays.pop(name)
    with pytest.raises(ResultError, match=said):
        scheme.check(task, arrays if wrong is None else {**arrays, name: wrong})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("sums", np.array([1.0, 0, 8])),
        ("weights", np.zeros(26)),
        ("rule/m", np.zeros(26)),
        ("rule/steps", np.zeros(2)),
    ],
)
def test_arrays_that_are_no_slice_of_a_step_are_refused_by_name(name, wrong):
    scheme, work = descent(descent={"by": "weights"})
    task, arrays = good(scheme, work)
    scheme.check(task, arrays)
    with pytest.raises(ResultError, match=f"^{name}: "):
        scheme.check(task, {**arrays, name: wrong})
    arrays.pop(name)
    with pytest.raises(ResultError, match=f"^{name}: .* found nothing"):
        scheme.check(task, arrays)


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"tasks": {"parts": 31}}, "tasks.parts: expected at most 30, one for each of the rows"),
        (
            {"tasks": {"parts": 27}, "descent": {"by": "weights"}},
            "tasks.parts: expected at most 26, one for each of the weights",
        ),
        ({"descent": {"batch_rows": 3}}, "descent.batch_rows: expected 4 or more, .* found 3"),
    ],
)
def test_more_parts_than_there_is_work_for_are_refused(sections, said):
    with pytest.raises(SchemeError, match=said):
        descent(**sections)


def test_a_player_without_a_table_is_refused():
    scheme, _ = descent()
    with pytest.raises(SchemeError, match="spaces: expected a table, found observation"):
        Descent.of(scheme._config, {"observation": {}}, {})
