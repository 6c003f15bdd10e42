"""The verb rows: sums over rows that add up, slices that make a whole step, and the end when told to stop."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from touchline.configs import Config
from touchline.configs.model_arguments import model_arguments
from touchline.envs.tables import Table
from touchline.player import rows as rows_module
from touchline.player.bench import Bench
from touchline.player.rows import carry_out
from touchline.player.work import Held, UnknownOrder
from touchline.targets.building import model_of
from touchline.targets.curvature import fisher_product, hessian_product
from touchline.targets.minibatches import epoch_order
from touchline.targets.rule_state import carried, joined_states, state_in
from touchline.targets.rules import make_rule
from touchline.targets.splitting import split

ROWS, TEST_ROWS, INPUTS, CLASSES = 24, 6, 3, 2


def table(dtype=np.float64, classes=True):
    """Rows whose class is the sign of their first number."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS + TEST_ROWS, INPUTS)).astype(dtype)
    y = np.eye(CLASSES)[(x[:, 0] > 0).astype(int)]
    return Table("signs", x[:ROWS], y[:ROWS], x[ROWS:], y[ROWS:], classes, ("no", "yes"))


def bench(*, of=None, goes_on=lambda: True, **sections):
    given = {"method": "descent", "table": {"source": "signs"}, "model": {"hidden": [4]}, **sections}
    config, of = Config.model_validate(given), of or table()
    network = model_of(inputs=INPUTS, outputs=CLASSES, classes=of.classes, **model_arguments(config))
    return Bench(of, network, config, goes_on)


def held(at, **more):
    rng = np.random.default_rng(0)
    arrays = {"weights": 0.5 * rng.standard_normal(at.network.size), **more}
    arrays["direction"] = rng.standard_normal(at.network.size)
    for array in arrays.values():
        array.flags.writeable = False
    return Held(1, 0, arrays)


def order(what, start=0, stop=ROWS, **more):
    return {"what": what, "start": start, "stop": stop, **more}


EVERY = {
    "error": order("error"),
    "gradient": order("gradient"),
    "numeric": order("gradient", how="numeric"),
    "fisher": order("fisher"),
    "hessian": order("hessian"),
}
every_sum = pytest.mark.parametrize("arguments", EVERY.values(), ids=EVERY)


@every_sum
@pytest.mark.parametrize("parts", [2, 3, 24])
def test_parts_of_the_rows_add_up_to_the_whole(arguments, parts):
    at = bench()
    whole = carry_out(at, arguments, held(at))
    each = [
        carry_out(at, {**arguments, "start": part.start, "stop": part.stop}, held(at))
        for part in split(ROWS, parts)
    ]
    # Rounding of the numeric gradient is that of the error over the step.
    tolerance = 1e-7 if arguments.get("how") == "numeric" else 1e-12
    for name, array in whole.items():
        added = np.sum([arrays[name] for arrays in each], axis=0)
        np.testing.assert_allclose(added, array, rtol=tolerance, atol=tolerance)


def test_each_is_what_the_network_says_of_the_rows():
    at = bench()
    network, x, y = at.network, at.table.x[5:17], at.table.y[5:17]
    w, v = (held(at).arrays[name] for name in ("weights", "direction"))
    found = {
        name: carry_out(at, {**arguments, "start": 5, "stop": 17}, held(at))
        for name, arguments in EVERY.items()
    }
    error, gradient = network.gradient(w, x, y)
    sums = [error, network.correct(w, x, y), 12]
    for name in ("error", "gradient", "numeric"):
        np.testing.assert_allclose(found[name]["sums"], sums, rtol=1e-12)
    np.testing.assert_allclose(found["gradient"]["gradient"], gradient, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(found["numeric"]["gradient"], gradient, rtol=0, atol=1e-7)
    np.testing.assert_allclose(found["fisher"]["product"], fisher_product(network, w, x, v), rtol=1e-12)
    np.testing.assert_allclose(found["hessian"]["product"], hessian_product(network, w, x, y, v), rtol=1e-12)
    assert all(array.dtype == np.float64 for arrays in found.values() for array in arrays.values())


def test_the_error_may_be_that_of_weights_a_step_away():
    at = bench()
    has = held(at)
    moved = has.arrays["weights"] - 0.25 * has.arrays["direction"]
    there = carry_out(at, order("error"), Held(1, 0, {"weights": moved}))
    np.testing.assert_array_equal(carry_out(at, order("error", scale=-0.25), has)["sums"], there["sums"])


def test_the_test_rows_are_a_split_of_their_own():
    at = bench()
    found = carry_out(at, order("error", 0, TEST_ROWS, split="test"), held(at))
    w = held(at).arrays["weights"]
    assert found["sums"][0] == pytest.approx(at.network.error(w, at.table.test_x, at.table.test_y))


def test_no_row_is_right_where_there_are_no_classes():
    at = bench(of=table(classes=False))
    assert carry_out(at, order("error"), held(at))["sums"][1] == 0


def test_positions_are_of_the_epochs_order():
    at = bench(seed=5)
    rows = epoch_order(seed=5, epoch=2, rows=ROWS)[3:11]
    found = carry_out(at, order("gradient", 3, 11, epoch=2), held(at))
    error, gradient = at.network.gradient(held(at).arrays["weights"], at.table.x[rows], at.table.y[rows])
    assert found["sums"][0] == pytest.approx(error)
    np.testing.assert_allclose(found["gradient"], gradient, rtol=1e-12, atol=1e-14)


@every_sum
def test_chunks_change_nothing_but_rounding_and_rows_of_float32_are_taken(arguments, monkeypatch):
    at = bench(of=table(np.float32))
    whole = carry_out(at, arguments, held(at))
    monkeypatch.setattr(rows_module, "CHUNK_ROWS", 5)
    monkeypatch.setattr(rows_module, "WEIGHTS_BETWEEN", 7)
    for name, array in carry_out(at, arguments, held(at)).items():
        np.testing.assert_allclose(array, whole[name], rtol=1e-6, atol=1e-7)


# -- slices of an update


def slices(at, has, parts, how, rate=0.1):
    return [
        carry_out(at, order("slice", part.start, part.stop, how=how, learning_rate=rate), has)
        for part in split(at.network.size, parts)
    ]


RULES = ["sgd", "rmsprop", "adam", "rprop_plus", "rprop_minus", "irprop_plus", "irprop_minus", "quickprop"]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("how", ["backprop", "numeric"])
def test_slices_of_the_weights_make_the_step_of_the_whole_bit_for_bit(rule, how):
    at = bench(optimizer={"rule": rule})
    ends = []
    for parts in (1, 2, 5):
        arrays = {
            **held(at).arrays,
            "before": np.array([1.0]),
            **carried(make_rule(rule, at.network.size).state()),
        }
        for _ in range(3):
            came = slices(at, Held(1, 0, arrays), parts, how)
            state = joined_states([state_in(one) for one in came])
            weights = np.concatenate([one["weights"] for one in came])
            arrays = {"weights": weights, "before": came[0]["sums"][:1] / ROWS, **carried(state)}
        ends.append(arrays)
    for one, name in itertools.product(ends, ends[0]):
        np.testing.assert_array_equal(one[name], ends[0][name])


def test_a_slice_steps_by_the_mean_gradient_over_all_training_rows():
    at = bench(optimizer={"rule": "sgd"})
    has = held(at, before=np.array([1.0]), **carried(make_rule("sgd", at.network.size).state()))
    w = has.arrays["weights"]
    error, gradient = at.network.gradient(w, at.table.x, at.table.y)
    (found,) = slices(at, has, 1, "backprop")
    np.testing.assert_allclose(found["weights"], w - 0.1 * gradient / ROWS, rtol=1e-12)
    assert found["sums"].tolist() == pytest.approx(
        [error, at.network.correct(w, at.table.x, at.table.y), ROWS]
    )


@pytest.mark.parametrize(("before", "grew"), [(0.0, True), (1e9, False)])
def test_irprop_takes_a_step_back_only_where_the_error_exceeds_that_before(before, grew):
    at = bench(optimizer={"rule": "irprop_plus"})
    w = held(at).arrays["weights"]
    _, gradient = at.network.gradient(w, at.table.x, at.table.y)
    state = make_rule("irprop_plus", at.network.size).state()
    state["gradient"], state["moves"] = -gradient, np.full_like(w, 0.25)
    (found,) = slices(at, held(at, before=np.array([before]), **carried(state)), 1, "backprop")
    np.testing.assert_allclose(found["weights"], w - 0.25 if grew else w, rtol=1e-12)


# -- refusals and the end


@pytest.mark.parametrize("arguments", [*EVERY.values(), order("slice", 0, 4, learning_rate=0.1)])
def test_nothing_comes_of_an_order_that_was_told_to_stop(arguments):
    at = bench(goes_on=lambda: False)
    has = held(at, before=np.array([1.0]), **carried(make_rule("adam", at.network.size).state()))
    assert carry_out(at, arguments, has) is None


def test_it_is_asked_between_chunks_whether_to_go_on(monkeypatch):
    monkeypatch.setattr(rows_module, "CHUNK_ROWS", 10)
    answers = iter([True, True, False])
    at = bench(goes_on=lambda: next(answers))
    assert carry_out(at, order("error"), held(at)) is None
    assert list(answers) == []


def test_numeric_gradients_are_asked_between_weights_too():
    answers = iter([True, True, False])
    at = bench(goes_on=lambda: next(answers), model={"hidden": [40]})
    assert at.network.size > 2 * rows_module.WEIGHTS_BETWEEN
    assert carry_out(at, order("gradient", how="numeric"), held(at)) is None
    assert list(answers) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (order("jacobian"), "what: expected error, gradient, .* found jacobian"),
        (order("error", split="dev"), "split: expected train or test, found dev"),
        (order("error", 20, 25), "rows: expected a range within the 24 there are, found 20 to 25"),
        (order("error", 3, 7, split="test"), "rows: expected a range within the 6 there are"),
        (order("slice", 5, 1000), "weights: expected a range within the 26 there are, found 5 to 1000"),
    ],
)
def test_an_order_that_cannot_be_carried_out_is_refused(arguments, said):
    at = bench()
    with pytest.raises(UnknownOrder, match=said):
        carry_out(at, arguments, held(at))
