"""Second-order descent: one step solves what is quadratic, and no step ever raises the error."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from driving import drive, results_of
from row_runs import assert_same, begun, built_in, ended, plane, signs

from touchline.player.work import Held
from touchline.targets.curvature import fisher_product, hessian_product
from touchline.targets.errors import TargetError
from touchline.targets.many import WORST
from touchline.trainer.scheme import ResultError, SchemeError
from touchline.trainer.schemes.krylov import Krylov, downhill

NATURAL = {"solver": "cg", "curvature": "fisher"}
NEWTON = {"solver": "minres", "curvature": "hessian"}
every_form = pytest.mark.parametrize("form", [NATURAL, NEWTON], ids=["natural gradient", "newton"])
LINEAR = {"hidden": []}
UPHILL = {8, 13}  # seeds


def krylov(table=None, form=NATURAL, **sections):
    own = {**form, **sections.pop("krylov", {})}
    sections.setdefault("model", {"hidden": [4]})
    return begun(Krylov, "krylov", table or signs(), krylov=own, **sections)


@every_form
def test_the_order_of_arrival_and_results_that_come_twice_change_nothing(form):
    plain, mixed = krylov(form=form), krylov(form=form)
    ended(drive(*plain, rounds=40))
    ended(drive(*mixed, rounds=40, rng=np.random.default_rng(3)))
    assert_same(plain[0], mixed[0])


@every_form
def test_the_number_of_parts_changes_nothing_but_rounding(form):
    ends = []
    for parts in (1, 3):
        scheme, work = krylov(form=form, tasks={"parts": parts}, krylov={"iterations": 4})
        ended(drive(scheme, work, rounds=18))
        ends.append(scheme)
    assert_same(*ends, rtol=1e-9, atol=1e-12)


@every_form
def test_one_outer_step_solves_a_linear_model_with_squared_error(form):
    """Whose Hessian and Gauss-Newton matrix are one, and constant."""
    table = plane()
    scheme, work = krylov(table, form, model=LINEAR, krylov={"damping": 0, "tolerance": 1e-12})
    steps = [merged for merged in drive(scheme, work, rounds=8) if "step" in merged.measures]
    design = np.hstack([table.x, np.ones((len(table.x), 1))])
    best, *_ = np.linalg.lstsq(design, table.y)
    np.testing.assert_allclose(scheme.arrays()["weights"], best[:, 0], rtol=1e-8)
    assert steps[0].measures["step"] == 1
    assert steps[0].error == pytest.approx(0.5 * np.square(design @ best - table.y).mean())


@every_form
def test_a_round_of_products_is_the_mean_curvature_with_damping(form):
    """The direction that is tried next solves (C + damping I) d = -g of matrices built column by column."""
    scheme, work = krylov(form=form, model=LINEAR, krylov={"damping": 0.3, "tolerance": 1e-12})
    network, table = work._bench.network, work._bench.table
    w = scheme.arrays()["weights"]
    columns = np.eye(network.size)
    if form is NATURAL:
        matrix = [fisher_product(network, w, table.x, column) for column in columns]
    else:
        matrix = [hessian_product(network, w, table.x, table.y, column) for column in columns]
    damped = np.array(matrix) / 30 + 0.3 * columns
    expected = np.linalg.solve(damped, -network.gradient(w, table.x, table.y)[1] / 30)
    rounds = drive(scheme, work, rounds=20)
    while scheme.round()[0].arguments["what"] != "error":
        next(rounds)
    np.testing.assert_allclose(scheme.arrays()["direction"], expected, rtol=1e-7)


@every_form
def test_the_error_falls_with_every_step_that_is_taken(form):
    scheme, work = krylov(form=form)
    errors = [merged.error for merged in drive(scheme, work, rounds=120) if merged.of_new]
    assert len(errors) > 3
    assert (np.diff(errors) < 0).all()


def test_versions_change_with_each_direction_and_each_step_but_not_while_a_step_is_halved():
    scheme, work = krylov(built_in("xor"), NEWTON, model={"hidden": [2], "initialization": "normal"})
    held = dict(scheme.arrays())
    for merged in drive(scheme, work, rounds=60):
        same = all((scheme.arrays()[name] == array).all() for name, array in held.items())
        assert same != merged.changed
        held = dict(scheme.arrays())


def test_the_work_is_counted_and_told_by_kind():
    scheme, work = krylov()
    kinds, rounds = [], drive(scheme, work, rounds=30)
    while len(kinds) < 30:
        kinds.append((scheme.round()[0].arguments["what"], next(rounds).evaluations))
    assert set(kinds) == {("gradient", 3 * 30), ("fisher", 4 * 30), ("error", 30)}


# -- which way to go


def test_a_direction_downhill_is_taken_as_it_is():
    direction, gradient = np.array([-1.0, 0.5]), np.array([1.0, 1.0])
    found, steepest = downhill(direction, gradient)
    np.testing.assert_array_equal(found, direction)
    assert not steepest


def test_a_direction_uphill_is_turned_round():
    direction, gradient = np.array([1.0, 0.5]), np.array([1.0, 1.0])
    found, steepest = downhill(direction, gradient)
    np.testing.assert_array_equal(found, -direction)
    assert not steepest


@pytest.mark.parametrize("direction", [[1.0, -1.0], [0.0, 0.0], [np.nan, 1.0]])
def test_a_direction_across_the_gradient_or_none_is_replaced_by_the_steepest_descent(direction):
    gradient = np.array([1.0, 1.0])
    found, steepest = downhill(np.array(direction), gradient)
    np.testing.assert_array_equal(found, -gradient)
    assert steepest


@pytest.mark.parametrize("seed", [1, 4, 8, 13])
def test_newtons_step_is_turned_round_where_it_leads_uphill(seed):
    """With an indefinite Hessian the solution may lead to a saddle or a maximum: of these seeds, 8 and 13 do."""
    scheme, work = krylov(
        built_in("xor"),
        NEWTON,
        model={"hidden": [2], "initialization": "normal"},
        krylov={"damping": 0, "tolerance": 1e-10},
        seed=seed,
    )
    network, table = work._bench.network, work._bench.table
    w = scheme.arrays()["weights"]
    hessian = [hessian_product(network, w, table.x, table.y, v) for v in np.eye(network.size)]
    gradient = network.gradient(w, table.x, table.y)[1]
    newton = np.linalg.solve(hessian, -gradient)
    rounds = drive(scheme, work, rounds=60)
    while scheme.round()[0].arguments["what"] != "error":
        next(rounds)
    assert (gradient @ newton > 0) == (seed in UPHILL)
    sign = -1 if seed in UPHILL else 1
    np.testing.assert_allclose(
        scheme.arrays()["direction"], sign * newton, rtol=1e-3, atol=1e-5 * np.abs(newton).max()
    )
    accepted = next(merged for merged in rounds if merged.of_new)
    assert accepted.error < network.error(w, table.x, table.y) / 4


# -- when it ends


@every_form
def test_it_ends_where_no_step_lowers_the_error(form):
    scheme, work = krylov(plane(), form, model=LINEAR)
    last, merged = ended(drive(scheme, work, rounds=300))
    assert len(merged) < 300
    assert last.done in (
        "no step along the gradient lowers the error",
        "the gradient is 0: no direction lowers the error",
    )
    assert not last.solved


def test_the_steepest_descent_is_tried_before_it_is_given_up():
    scheme, work = krylov(plane(), model=LINEAR, krylov={"halvings": 2})
    (gradient,) = drive(scheme, work, rounds=1)
    scheme._search_along(1e9 * np.ones(work._bench.network.size), steepest=False)
    tried = []
    for merged in drive(scheme, work, rounds=4):
        tried.append((scheme.arrays()["direction"].copy(), merged))
    assert [merged.changed for _, merged in tried[:3]] == [False, False, True]
    np.testing.assert_array_equal(tried[2][0], -scheme._gradient)
    assert tried[3][1].error < gradient.error


def at_the_line(scheme, work):
    """The results of the trials that come next, to be changed."""
    rounds = drive(scheme, work, rounds=30)
    while scheme.round()[0].arguments["what"] != "error":
        next(rounds)
    return results_of(scheme, work, scheme.round(), version=0)


@pytest.mark.parametrize(("more", "taken"), [(0.0, False), (-1e-9, True)])
def test_a_step_that_leaves_the_error_as_it_is_is_halved(more, taken):
    scheme, work = krylov(tasks={"parts": 1})
    (result,) = at_the_line(scheme, work)
    before = scheme.arrays()["weights"]
    result.arrays["sums"][0] = scheme._error * 30 + more
    merged = scheme.merge([result])
    assert merged.changed == merged.of_new == taken
    assert np.array_equal(scheme.arrays()["weights"], before) is not taken
    assert scheme.round()[0].arguments.get("scale") == (None if taken else 0.5)


@pytest.mark.parametrize("parts", [1, 3])
def test_a_trial_that_leads_out_of_the_finite_numbers_is_halved(parts):
    scheme, work = krylov(plane(), model={"hidden": [4, 4], "activation": "relu"}, tasks={"parts": parts})
    list(drive(scheme, work, rounds=1))
    before = scheme.arrays()["weights"]
    scheme._search_along(np.full(work._bench.network.size, 1e120), steepest=False)
    results = results_of(scheme, work, scheme.round(), version=0)
    assert [result.arrays["sums"][0] for result in results] == [WORST] * parts
    with np.errstate(over="ignore"):  # as whoever merges has it
        merged = scheme.merge(results)
    assert (merged.changed, merged.error, merged.done) == (False, None, None)
    assert scheme.round()[0].arguments["scale"] == 0.5
    np.testing.assert_array_equal(scheme.arrays()["weights"], before)


def test_a_gradient_of_zeros_ends_it():
    """All weights 0: the hidden layer says nothing, and the outputs balance."""
    scheme, work = krylov(built_in("xor"), model={"hidden": [2], "bias": False, "scale": 1e-200})
    scheme._weights = np.zeros(work._bench.network.size)
    last, _ = ended(drive(scheme, work, rounds=5))
    assert last.done == "the gradient is 0: no direction lowers the error"
    assert not last.changed


@pytest.mark.parametrize("error", [1e3, 0.3])
def test_it_is_solved_at_the_wanted_error(error):
    scheme, work = krylov(stop={"error": error})
    last, merged = ended(drive(scheme, work, rounds=100))
    assert last.solved
    assert last.error <= error
    assert len(merged) == 1 or last.of_new


@every_form
def test_xor_is_learnt(form):
    scheme, work = krylov(
        built_in("xor"),
        form,
        model={"hidden": [4]},
        krylov={"damping": 0.1},
        tasks={"parts": 2},
        stop={"error": 1e-4},
    )
    last, _ = ended(drive(scheme, work, rounds=600))
    assert last.solved


def test_a_sine_is_learnt_in_few_steps():
    scheme, work = krylov(
        built_in("sine"), model={"hidden": [8]}, krylov={"iterations": 30}, stop={"error": 1e-4}
    )
    last, merged = ended(drive(scheme, work, rounds=1500))
    assert last.solved
    assert sum(one.of_new for one in merged) < 60


# -- what it says of itself, and what is refused


def test_the_test_rows_are_tried_with_the_weights_that_were_taken():
    scheme, work = krylov()
    rounds = drive(scheme, work, rounds=30)
    while scheme.round()[0].arguments["what"] != "error":
        next(rounds)
    network, table = work._bench.network, work._bench.table
    found = scheme.tested(results_of(scheme, work, scheme.test(), version=3))
    w = np.concatenate([array.reshape(-1) for array in scheme.weights().values()])
    assert found["test_error"] == pytest.approx(network.error(w, table.test_x, table.test_y) / 8)


def test_staleness_is_not_borne():
    assert not krylov()[0].bears_staleness


@pytest.mark.parametrize(
    ("kind", "name"),
    [("gradient", "gradient"), ("gradient", "sums"), ("fisher", "product"), ("error", "sums")],
)
def test_arrays_that_are_no_result_are_refused_by_name(kind, name):
    scheme, work = krylov()
    rounds = drive(scheme, work, rounds=60)
    while (task := scheme.round()[0]).arguments["what"] != kind:
        next(rounds)
    held = Held(1, 0, scheme.arrays())
    (arrays,) = work.carry_out(task.verb, task.arguments, held, seq=0, count=1, standing=False)
    scheme.check(task, arrays)
    with pytest.raises(ResultError, match=f"^{name}: expected .* found nothing"):
        scheme.check(task, {key: array for key, array in arrays.items() if key != name})
    with pytest.raises(ResultError, match=f"^{name}: expected .* found float64"):
        scheme.check(task, {**arrays, name: np.zeros(2)})


def test_more_parts_than_rows_are_refused():
    with pytest.raises(SchemeError, match=r"tasks\.parts: expected at most 30"):
        krylov(tasks={"parts": 31})


def test_without_scipy_it_is_refused_before_anything_runs(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(TargetError, match=r"its extra solvers"):
        krylov()
