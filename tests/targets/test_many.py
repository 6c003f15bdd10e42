"""Many points at once are the points one at a time, bit for bit, whatever is beside them."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.targets import many
from touchline.targets.errors import TargetError
from touchline.targets.many import WORST, chunks, mean_errors, points_at_once
from touchline.targets.network import TableNetwork

POINTS = 37
FORMS = {
    "no hidden layer": {"hidden": (), "outputs": 1},
    "one output": {"hidden": (3,), "outputs": 1, "output": "sigmoid", "loss": "cross_entropy"},
    "classes": {"hidden": (5, 2), "outputs": 3, "output": "softmax", "loss": "cross_entropy"},
    "no biases": {"hidden": (4,), "outputs": 2, "bias": False, "activation": "relu"},
}
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def example(form, *, rows=9):
    network, rng = TableNetwork.build(inputs=2, **form), np.random.default_rng(0)
    x = rng.standard_normal((rows, 2))
    y = np.eye(form["outputs"])[rng.integers(0, form["outputs"], rows)]
    return network, rng.standard_normal((POINTS, network.size)), x, y


@every_form
def test_the_values_are_the_mean_errors_of_each_point(form):
    network, points, x, y = example(form)
    one_by_one = [network.error(w, x, y) / len(x) for w in points]
    np.testing.assert_array_equal(mean_errors(network, points, x, y), one_by_one)


@every_form
@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_values_do_not_depend_on_how_many_go_together(form, at_once, monkeypatch):
    network, points, x, y = example(form)
    whole = mean_errors(network, points, x, y)
    parts = [mean_errors(network, points[a : a + at_once], x, y) for a in range(0, POINTS, at_once)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    monkeypatch.setattr(many, "NUMBERS_AT_ONCE", at_once * len(x) * 5)
    np.testing.assert_array_equal(mean_errors(network, points, x, y), whole)


def test_neurons_may_have_activations_of_their_own():
    network, points, x, y = example(FORMS["one output"])
    network = network.with_activations([[("sin", 2.0), ("gauss", 1.0), ("relu", 0.5)]])
    one_by_one = [network.error(w, x, y) / len(x) for w in points]
    np.testing.assert_array_equal(mean_errors(network, points, x, y), one_by_one)


def test_rows_held_in_single_precision_are_read_as_they_are():
    network, points, x, y = example(FORMS["classes"])
    single = x.astype(np.float32)
    found = mean_errors(network, points, single, y)
    np.testing.assert_array_equal(found, mean_errors(network, points, single.astype(np.float64), y))


def test_what_is_no_number_counts_as_the_greatest():
    network, points, x, y = example(FORMS["no biases"])
    points[3], points[5] = 1e200, np.nan
    found = mean_errors(network, points, x, y)
    assert found[[3, 5]].tolist() == [WORST, WORST]
    assert (np.delete(found, [3, 5]) < WORST).all()


def test_as_many_points_go_together_as_stay_in_the_cache_but_never_none():
    network, *_ = example(FORMS["classes"])
    assert points_at_once(network, 9) == many.NUMBERS_AT_ONCE // (9 * 5)
    assert points_at_once(network, 10**7) == 1


def test_chunks_tile_the_numbers():
    assert list(chunks(range(-1, 6), 3)) == [range(-1, 2), range(2, 5), range(5, 6)]
    assert list(chunks(range(4, 4), 3)) == []


@pytest.mark.parametrize(
    "points", [np.zeros((2, 8)), np.zeros(9), np.zeros((2, 9), np.float32)], ids=["width", "axes", "dtype"]
)
def test_points_of_another_shape_are_refused(points):
    network, _, x, y = example({"hidden": (2,), "outputs": 1})
    assert network.size == 9
    with pytest.raises(TargetError, match=r"points: expected float64 \[points, 9\], found float"):
        mean_errors(network, points, x, y)


def test_rows_of_another_width_are_refused():
    network, points, x, y = example(FORMS["classes"])
    with pytest.raises(TargetError, match=r"x: expected \[rows, 2\], found \[9, 1\]"):
        mean_errors(network, points, x[:, :1], y)
