"""The verb points over a table: each kind of point against one written out here, and any cut of the numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from touchline.configs import Config
from touchline.player import points
from touchline.player.bench import Bench
from touchline.player.points import carry_out
from touchline.player.table_work import TableWork
from touchline.player.work import Held, UnknownOrder
from touchline.targets.draws import draw, normal_draw
from touchline.targets.local import train_epochs
from touchline.targets.many import WORST
from touchline.targets.rules import make_rule

SMALL = {"hidden": (1,), "bias": False}  # 3 weights
GRID = {"over": "grid", "low": -2.0, "high": 2.0, "step": 1.0}  # 5 values of each


def bench(*, method="search", goes_on=lambda: True, source="xor", model=None, table=None, **sections):
    given = {
        "method": method,
        "table": {"source": source, **(table or {})},
        "model": model or SMALL,
        **sections,
    }
    return TableWork(Config.model_validate(given), goes_on=goes_on)._bench


def held(at: Bench, seed=0):
    weights = np.random.default_rng(seed).standard_normal(at.network.size)
    weights.flags.writeable = False
    return Held(1, 0, {"weights": weights})


def order(what, start=0, stop=8, iteration=0, **more):
    return {"what": what, "start": start, "stop": stop, "iteration": iteration, **more}


def mean_error(at: Bench, w):
    return at.network.error(w, at.table.x, at.table.y) / len(at.table.x)


KINDS = {
    "grid": (order("grid", stop=125), {"search": GRID}),
    "draws": (order("draws", -1), {}),
    "evolution": (order("evolution", centre=True), {"method": "evolution"}),
    "activations": (order("activations", stop=6), {"search": {"over": "activations", "epochs": 3}}),
}
every_kind = pytest.mark.parametrize(("arguments", "sections"), KINDS.values(), ids=KINDS)


# -- each kind of point


def test_the_best_of_a_grid_is_the_best_of_all_combinations():
    at = bench(search=GRID)
    by_hand = [
        (mean_error(at, np.array(digits[::-1])), number)  # the first weight is the quickest
        for number, digits in enumerate(itertools.product(np.arange(-2.0, 3.0), repeat=3))
    ]
    found = carry_out(at, order("grid", stop=125), held(at))
    assert tuple(found["best"]) == min(by_hand)


@pytest.mark.parametrize("parts", [1, 2, 3, 8])
def test_the_best_of_draws_is_the_same_however_the_numbers_are_cut(parts):
    at = bench(search={"radius": 0.5})
    w = held(at).arrays["weights"]
    values = [
        mean_error(at, w + 0.5 * draw(seed=0, iteration=4, number=k, size=at.network.size)) for k in range(24)
    ]
    cuts = np.linspace(0, 24, parts + 1).astype(int).tolist()
    found = [
        carry_out(at, order("draws", start, stop, iteration=4), held(at))["best"]
        for start, stop in itertools.pairwise(cuts)
    ]
    assert min(tuple(best) for best in found) == (min(values), int(np.argmin(values)))


def test_draw_minus_one_is_the_snapshot_itself():
    at = bench()
    found = carry_out(at, order("draws", -1, 0), held(at))
    assert found["best"].tolist() == [mean_error(at, held(at).arrays["weights"]), -1]


def test_a_perturbation_scores_minus_its_mean_error():
    at = bench(method="evolution", evolution={"sigma": 0.3})
    w = held(at).arrays["weights"]
    eps = [normal_draw(seed=0, iteration=5, number=i, size=at.network.size) for i in range(3)]
    by_hand = [-mean_error(at, w + sign * 0.3 * eps[i]) for i in range(3) for sign in (1, -1)]
    found = carry_out(at, order("evolution", stop=6, iteration=5, centre=True), held(at))
    np.testing.assert_allclose(found["values"], by_hand, rtol=1e-14)
    assert found["centre"].tolist() == [mean_error(at, w)]
    assert "centre" not in carry_out(at, order("evolution", stop=6, centre=False), held(at))


def test_the_perturbations_of_parts_are_those_of_the_whole():
    at = bench(method="evolution")
    whole = carry_out(at, order("evolution", stop=10), held(at))["values"]
    parts = [carry_out(at, order("evolution", *cut), held(at))["values"] for cut in ((0, 4), (4, 6), (6, 10))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


# -- assignments of activation functions


def trained(at: Bench, choices, w):
    network = at.network.with_activations(choices)
    rule = make_rule("sgd", network.size)
    epochs, rate = at.config.search.epochs, at.config.optimizer.learning_rate
    w, error = train_epochs(
        network,
        w,
        at.table.x,
        at.table.y,
        rule=rule,
        learning_rate=rate,
        epochs=epochs,
        batch_rows=None,
        rng=None,
    )
    return error / len(at.table.x), w


@pytest.mark.parametrize("epochs", [0, 1, 120])
def test_each_assignment_is_trained_from_the_snapshot(epochs):
    search = {
        "over": "activations",
        "activations": ("tanh", "sin"),
        "coefficients": (1.0, 2.0),
        "epochs": epochs,
    }
    at = bench(search=search, optimizer={"rule": "sgd", "learning_rate": 0.3})
    w = held(at).arrays["weights"]
    found = [carry_out(at, order("activations", k, k + 1), held(at)) for k in range(4)]
    kinds = [("tanh", 1.0), ("tanh", 2.0), ("sin", 1.0), ("sin", 2.0)]
    for number, (kind, result) in enumerate(zip(kinds, found, strict=True)):
        error, weights = trained(at, [kind], w)
        np.testing.assert_allclose(result["weights"], weights, rtol=1e-13)
        np.testing.assert_allclose(result["best"], [error, number], rtol=1e-13)
    whole = carry_out(at, order("activations", stop=4), held(at))
    best = min(found, key=lambda result: result["best"][0])
    np.testing.assert_array_equal(whole["best"], best["best"])
    np.testing.assert_array_equal(whole["weights"], best["weights"])


def test_per_neuron_each_has_its_own():
    search = {"over": "activations", "activations": ("tanh", "sin"), "per": "neuron", "epochs": 0}
    at = bench(search=search, model={"hidden": (2,)})
    w = held(at).arrays["weights"]
    network = at.network.with_activations([[("sin", 1.0), ("tanh", 1.0)]])
    found = carry_out(at, order("activations", 1, 2), held(at))
    assert found["best"][0] == network.error(w, at.table.x, at.table.y) / 4


def test_of_equal_assignments_the_first_is_the_best():
    search = {"over": "activations", "activations": ("sin",), "coefficients": (1.0, 1.0), "epochs": 2}
    at = bench(search=search)
    assert carry_out(at, order("activations", stop=2), held(at))["best"][1] == 0


def test_an_assignment_that_diverges_is_no_candidate():
    search = {"over": "activations", "activations": ("linear",), "coefficients": (1e3, 1e-3), "epochs": 900}
    at = bench(search=search, model={"hidden": (2,)}, optimizer={"rule": "sgd", "learning_rate": 0.3})
    diverged = carry_out(at, order("activations", 0, 1), held(at))
    assert diverged["best"].tolist() == [WORST, 0]
    assert np.isfinite(diverged["weights"]).all()
    assert carry_out(at, order("activations", stop=2), held(at))["best"][1] == 1


def test_the_assignment_chosen_is_tested_on_the_test_rows():
    search = {"over": "activations", "activations": ("tanh", "sin")}
    at = bench(
        source="two_spirals", table={"test": 20, "classes": True}, search=search, model={"hidden": (3,)}
    )
    w, network = held(at).arrays["weights"], at.network.with_activations([("sin", 1.0)])
    found = carry_out(at, {"what": "assignment", "number": 1}, held(at))
    rows = at.table.test_x, at.table.test_y
    assert found["sums"].tolist() == [network.error(w, *rows), network.correct(w, *rows), 20]


# -- orders


@every_kind
def test_the_same_order_gives_the_same_bits(arguments, sections):
    one, other = (carry_out(at, arguments, held(at)) for at in (bench(**sections), bench(**sections)))
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])
        assert one[name].dtype == np.float64


@every_kind
def test_told_to_stop_nothing_is_sent(arguments, sections):
    at = bench(**sections, goes_on=lambda: False)
    assert carry_out(at, arguments, held(at)) is None


def test_it_is_asked_between_chunks_whether_to_go_on(monkeypatch):
    monkeypatch.setattr(points, "points_at_once", lambda network, rows: 10)
    asked = []
    at = bench(search=GRID, goes_on=lambda: asked.append(1) is None)
    carry_out(at, order("grid", stop=125), held(at))
    assert len(asked) == 13


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (order("centre"), "what: expected grid, draws, evolution, activations, assignment .* found centre"),
        ({}, "found None"),
        (order("grid", 3, 3), "start, stop: expected one number or more, found 3 to 3"),
    ],
)
def test_an_unknown_order_is_refused(arguments, said):
    at = bench(search=GRID)
    with pytest.raises(UnknownOrder, match=said):
        carry_out(at, arguments, held(at))
