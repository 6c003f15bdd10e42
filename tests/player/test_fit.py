"""The verb fit: each training against one written out here, and what it does when it is told to stop."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.configs import Config
from touchline.configs.model_arguments import model_arguments
from touchline.envs.tables import Table
from touchline.player import fit, fitting
from touchline.player.bench import Bench
from touchline.player.fit import carry_out
from touchline.player.work import Held, UnknownOrder
from touchline.targets.building import model_of
from touchline.targets.draws import BATCHES, stream
from touchline.targets.errors import TargetError
from touchline.targets.many import WORST
from touchline.targets.ott import ott_exact

ROWS, INPUTS, CLASSES = 24, 3, 2
OTT = {"hidden": (4,), "activation": "sigmoid", "output": "sigmoid", "loss": "squared", "bias": False}


def table(*, test_rows=6, dtype=np.float64):
    """Rows whose class is the sign of their first number, but for every fifth."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS + test_rows, INPUTS)).astype(dtype)
    y = np.eye(CLASSES)[((x[:, 0] > 0) ^ (np.arange(len(x)) % 5 == 0)).astype(int)]
    return Table("signs", x[:ROWS], y[:ROWS], x[ROWS:], y[ROWS:], True, ("no", "yes"))


def bench(*, rows=None, goes_on=lambda: True, **sections):
    config = Config.model_validate({"method": "averaging", "table": {"source": "signs"}, **sections})
    rows = rows or table()
    network = model_of(inputs=INPUTS, outputs=CLASSES, classes=True, **model_arguments(config))
    return Bench(rows, network, config, goes_on)


def held(at, seed=0, scale=0.5):
    weights = scale * np.random.default_rng(seed).standard_normal(at.network.size)
    weights.flags.writeable = False
    return Held(1, 0, {"weights": weights})


def shard(what="epochs", *, init="shared", start=0, stop=12, part=0, number=0):
    return {"what": what, "init": init, "start": start, "stop": stop, "part": part, "number": number}


EVERY = {
    "epochs": (shard(), {}),
    "ott": (shard("ott"), {"model": OTT}),
    "structure": ({"what": "structure", "hidden": [2, 1], "number": 0}, {"structure": {"epochs": 3}}),
    "structure by a rule that heeds the error": (
        {"what": "structure", "hidden": [2], "number": 0},
        {"structure": {"epochs": 300}, "optimizer": {"rule": "irprop_plus"}},
    ),
    "hop": ({"what": "hop", "number": 0, "step": 0.5}, {}),
}
every_fit = pytest.mark.parametrize(("arguments", "sections"), EVERY.values(), ids=EVERY)


def by_hand(at, w, *, start, stop, epochs, batch_rows, rate, number):
    """Gradient descent, one batch after another, in the order that the number's stream gives."""
    rng, w = stream(BATCHES, seed=at.config.seed, iteration=0, number=number), w.copy()
    x, y = at.table.x[start:stop], at.table.y[start:stop]
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for first in range(0, len(x), batch_rows):
            rows = order[first : first + batch_rows]
            w -= rate * at.network.gradient(w, x[rows], y[rows])[1] / len(rows)
    return w


def test_epochs_are_gradient_descent_over_the_shards_minibatches():
    local = {"local_epochs": 3, "batch_rows": 5}
    at = bench(averaging=local, optimizer={"rule": "sgd", "learning_rate": 0.2})
    first = held(at)
    found = carry_out(at, shard(start=7, stop=19, number=4), first)
    expected = by_hand(
        at, first.arrays["weights"], start=7, stop=19, epochs=3, batch_rows=5, rate=0.2, number=4
    )
    np.testing.assert_allclose(found["weights"], expected, rtol=1e-12)


def test_sums_are_of_the_trained_weights_over_the_shard_alone():
    at = bench()
    found = carry_out(at, shard(start=3, stop=10), held(at))
    x, y, w = at.table.x[3:10], at.table.y[3:10], found["weights"]
    expected = [at.network.error(w, x, y), at.network.correct(w, x, y), 7]
    np.testing.assert_allclose(found["sums"], expected, rtol=1e-12)


@every_fit
def test_a_fit_is_the_same_whoever_makes_it_and_leaves_the_snapshot_alone(arguments, sections):
    at = bench(**sections)
    first = held(at)
    before = first.arrays["weights"].copy()
    once, again = carry_out(at, arguments, first), carry_out(bench(**sections), arguments, first)
    assert once.keys() == again.keys()
    for name in once:
        assert once[name].dtype == np.float64
        np.testing.assert_array_equal(once[name], again[name])
    np.testing.assert_array_equal(first.arrays["weights"], before)
    assert not np.array_equal(once["weights"], before)


@every_fit
def test_a_fit_does_not_depend_on_how_often_it_asks_whether_to_go_on(arguments, sections, monkeypatch):
    at = bench(averaging={"local_epochs": 3}, **sections)
    whole = carry_out(at, arguments, held(at))
    monkeypatch.setattr(fitting, "ROWS_BETWEEN", 1)
    monkeypatch.setattr(fit, "OTT_ROWS_BETWEEN", 1)
    np.testing.assert_array_equal(carry_out(at, arguments, held(at))["weights"], whole["weights"])


@every_fit
def test_told_to_stop_it_sends_nothing(arguments, sections):
    at = bench(goes_on=lambda: False, **sections)
    assert carry_out(at, arguments, held(at)) is None


@every_fit
def test_it_asks_again_on_the_way(arguments, sections, monkeypatch):
    monkeypatch.setattr(fitting, "ROWS_BETWEEN", 1)
    answers = iter([True, False])
    at = bench(goes_on=lambda: next(answers), averaging={"local_epochs": 3}, **sections)
    assert carry_out(at, arguments, held(at)) is None


def test_a_network_of_its_own_does_not_depend_on_the_snapshot_and_each_part_has_another():
    at = bench()
    first = carry_out(at, shard(init="own", part=0), held(at, seed=0))
    other_snapshot = carry_out(at, shard(init="own", part=0), held(at, seed=1))
    other_part = carry_out(at, shard(init="own", part=1), held(at, seed=0))
    np.testing.assert_array_equal(first["weights"], other_snapshot["weights"])
    assert not np.allclose(first["weights"], other_part["weights"])


def test_the_order_of_minibatches_goes_by_the_number():
    at = bench(averaging={"batch_rows": 4})
    found = [carry_out(at, shard(number=number), held(at))["weights"] for number in (0, 1)]
    assert not np.array_equal(*found)


def test_ott_is_one_pass_over_the_shard_with_the_optimizers_rate_and_momentum():
    at = bench(
        model=OTT,
        averaging={"local": "ott", "inner": 7},
        optimizer={"rule": "sgd", "learning_rate": 0.05, "momentum": 0.8},
    )
    first = held(at)
    found = carry_out(at, shard("ott", start=1, stop=20), first)
    p = at.network.views(first.arrays["weights"])
    w1, w2 = ott_exact(
        *(p["0/weight"], p["1/weight"], at.table.x[1:20], at.table.y[1:20]),
        inner=7,
        learning_rate=0.05,
        momentum=0.8,
    )
    views = at.network.views(found["weights"])
    np.testing.assert_array_equal(views["0/weight"], w1)
    np.testing.assert_array_equal(views["1/weight"], w2)


def test_ott_leaves_the_snapshot_alone_where_a_network_has_one_output():
    both = table()
    one = Table("sign", both.x, both.y[:, 1:], both.test_x, both.test_y[:, 1:], False, ("yes",))
    config = bench(model=OTT, averaging={"inner": 3}).config
    at = Bench(one, model_of(inputs=INPUTS, outputs=1, classes=False, **model_arguments(config)), config)
    first = held(at)
    before = first.arrays["weights"].copy()
    carry_out(at, shard("ott"), first)
    np.testing.assert_array_equal(first.arrays["weights"], before)


@pytest.mark.parametrize(
    "change",
    [
        {"hidden": (4, 4)},
        {"bias": True},
        {"activation": "tanh"},
        {"output": "linear"},
        {"loss": "cross_entropy"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_ott_refuses_any_network_but_its_own(change):
    at = bench(model={**OTT, **change})
    with pytest.raises(TargetError, match="ott expects one hidden layer, sigmoid"):
        carry_out(at, shard("ott"), held(at))


def test_a_structure_is_a_network_of_these_sizes_measured_on_both_sets():
    at = bench(structure={"epochs": 5})
    found = carry_out(at, {"what": "structure", "hidden": [2, 1], "number": 3}, held(at))
    form = {**model_arguments(at.config), "hidden": (2, 1)}
    network, w = model_of(inputs=INPUTS, outputs=CLASSES, classes=True, **form), found["weights"]
    for name, x, y in (
        ("sums", at.table.x, at.table.y),
        ("test_sums", at.table.test_x, at.table.test_y),
    ):
        expected = [network.error(w, x, y), network.correct(w, x, y), len(x)]
        np.testing.assert_allclose(found[name], expected, rtol=1e-12)


def test_a_structure_is_trained_by_passes_over_all_rows():
    errors = []
    for epochs in (1, 50):
        at = bench(structure={"epochs": epochs}, optimizer={"learning_rate": 0.05})
        arguments = {"what": "structure", "hidden": [2], "number": 0}
        errors.append(carry_out(at, arguments, held(at))["sums"][0])
    assert errors[1] < errors[0] / 2


def test_without_test_rows_the_sums_over_them_are_zero():
    at = bench(rows=table(test_rows=0), structure={"epochs": 1})
    found = carry_out(at, {"what": "structure", "hidden": [], "number": 0}, held(at))
    np.testing.assert_array_equal(found["test_sums"], np.zeros(3))


def test_a_hop_of_no_step_descends_from_the_snapshot_itself():
    at = bench(hopping={"iterations": 5})
    first = held(at)
    hops = [carry_out(at, {"what": "hop", "number": n, "step": 0.0}, first) for n in (-1, 7)]
    np.testing.assert_array_equal(hops[0]["weights"], hops[1]["weights"])
    before = at.network.error(first.arrays["weights"], at.table.x, at.table.y) / ROWS
    after = at.network.error(hops[0]["weights"], at.table.x, at.table.y) / ROWS
    assert hops[0]["error"] == pytest.approx([after], rel=1e-12)
    assert after < before
    assert hops[0]["evaluations"] >= 2


def test_each_hop_leaps_elsewhere():
    at = bench(hopping={"iterations": 1})
    found = [carry_out(at, {"what": "hop", "number": n, "step": 0.5}, held(at))["weights"] for n in (0, 1)]
    assert not np.allclose(*found)


def test_sums_over_many_rows_are_those_of_the_chunks(monkeypatch):
    at = bench()
    w, rows = held(at).arrays["weights"], (at.table.x, at.table.y)
    whole = fitting.sums_over(at, at.network, w, *rows)
    monkeypatch.setattr(fitting, "MEASURED_AT_ONCE", 7)
    np.testing.assert_allclose(fitting.sums_over(at, at.network, w, *rows), whole, rtol=1e-12)


@every_fit
def test_images_held_as_float32_are_computed_with_in_float64(arguments, sections):
    small = table(dtype=np.float32)
    wide = Table("signs", small.x.astype(float), small.y, small.test_x.astype(float), small.test_y, True, ())
    found = [
        carry_out(bench(rows=rows, **sections), arguments, held(bench(**sections))) for rows in (small, wide)
    ]
    np.testing.assert_allclose(found[0]["weights"], found[1]["weights"], rtol=1e-12)


def test_a_training_that_leaves_the_finite_numbers_says_what_to_lower():
    linear = {"hidden": (), "output": "linear", "loss": "squared"}
    at = bench(
        model=linear,
        averaging={"local_epochs": 300},
        optimizer={"rule": "sgd", "learning_rate": 1e6},
    )
    with np.errstate(all="ignore"), pytest.raises(TargetError, match=r"--optimizer.learning_rate 100000"):
        carry_out(at, shard(), held(at))


WILD = {"model": {"output": "linear", "loss": "squared", "activation": "relu", "scale": 1e60}}


@pytest.mark.parametrize("step", [1e80, 1e308])
def test_a_hop_that_leads_out_of_the_finite_numbers_loses_and_leaves_the_weights(step):
    at = bench(**WILD)
    first = held(at)
    found = carry_out(at, {"what": "hop", "number": 0, "step": step}, first)
    np.testing.assert_array_equal(found["weights"], first.arrays["weights"])
    assert found["error"].tolist() == [WORST]
    assert found["evaluations"] >= 1


@pytest.mark.parametrize("rate", [1e6, pytest.param(1e300, id="at once")])
@pytest.mark.parametrize("test_rows", [6, 0])
def test_a_structure_that_diverges_is_no_candidate(rate, test_rows):
    at = bench(
        rows=table(test_rows=test_rows),
        model={"output": "linear", "loss": "squared"},
        structure={"epochs": 300},
        optimizer={"rule": "sgd", "learning_rate": rate},
    )
    found = carry_out(at, {"what": "structure", "hidden": [2], "number": 0}, held(at))
    assert not found["weights"].any()
    assert found["weights"].shape == (2 * INPUTS + 2 + 2 * CLASSES + CLASSES,)
    assert found["sums"].tolist() == [WORST, 0, ROWS]
    assert found["test_sums"].tolist() == [WORST if test_rows else 0, 0, test_rows]


def test_nor_is_one_whose_weights_stay_finite_and_whose_error_does_not():
    at = bench(
        model={"output": "linear", "loss": "squared", "scale": 1e160},
        structure={"epochs": 1},
        optimizer={"rule": "sgd", "learning_rate": 1e-9},
    )
    found = carry_out(at, {"what": "structure", "hidden": [], "number": 0}, held(at))
    assert found["sums"].tolist() == [WORST, 0, ROWS]
    assert not found["weights"].any()


@pytest.mark.parametrize("arguments", [{"what": "guess"}, {}])
def test_an_unknown_fit_names_those_there_are(arguments):
    at = bench()
    with pytest.raises(UnknownOrder, match="expected epochs, ott, structure, hop"):
        carry_out(at, arguments, held(at))


@pytest.mark.parametrize(("start", "stop"), [(-1, 4), (4, 4), (20, 25)])
def test_rows_that_are_not_there_are_refused(start, stop):
    at = bench()
    with pytest.raises(UnknownOrder, match=r"expected some of the 24 training rows"):
        carry_out(at, shard(start=start, stop=stop), held(at))
