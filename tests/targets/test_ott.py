"""Ott's local training in lockstep: each network as if alone, and one step of it as gradient descent.

Against a literal loop: ``tests/reference/test_ott_averaging.py``.
"""

from __future__ import annotations

import numpy as np
import pytest
from target_networks import network_of

from touchline.targets.errors import TargetError
from touchline.targets.ott import ott_exact, ott_exact_many

NETWORKS, INPUTS, HIDDEN, OUTPUTS, SAMPLES = 3, 7, 5, 4, 6
SHORT = {"inner": 20, "learning_rate": 0.05}


def example(seed=0):
    """(w1, w2, x of zeros and ones, y one-hot)."""
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal((NETWORKS, INPUTS, HIDDEN)),
        rng.standard_normal((NETWORKS, HIDDEN, OUTPUTS)),
        (rng.random((NETWORKS, SAMPLES, INPUTS)) < 0.4).astype(float),
        np.eye(OUTPUTS)[rng.integers(OUTPUTS, size=(NETWORKS, SAMPLES))],
    )


def assert_both(found, expected, **close):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, **(close or {"rtol": 1e-13}))


def test_networks_in_lockstep_are_each_as_if_alone():
    given = example()
    together = ott_exact_many(*given, **SHORT)
    for network, own in enumerate(zip(*given, strict=True)):
        assert_both(ott_exact(*own, **SHORT), [w[network] for w in together])


def test_a_pass_that_is_cut_goes_on_where_it_was():
    w1, w2, x, y = example()
    whole = ott_exact_many(w1, w2, x, y, **SHORT)
    half = ott_exact_many(w1, w2, x[:, :2], y[:, :2], **SHORT)
    assert_both(ott_exact_many(*half, x[:, 2:], y[:, 2:], **SHORT), whole)


def test_one_inner_step_is_a_step_of_gradient_descent():
    (w1, *_), (w2, *_), (x, *_), (y, *_) = example()
    network = network_of(
        "sigmoid", inputs=INPUTS, hidden=(HIDDEN,), outputs=OUTPUTS, activation="sigmoid", bias=False
    )
    w = np.concatenate([w1.ravel(), w2.ravel()])
    for sample, wanted in zip(x[:, None], y[:, None], strict=True):
        w -= 0.1 * network.gradient(w, sample, wanted)[1]
    found = ott_exact(w1, w2, x, y, inner=1, learning_rate=0.1)
    assert_both(found, network.views(w).values(), rtol=1e-12)


def test_samples_that_are_no_zeros_and_ones_are_learnt_from_too():
    w1, w2, x, y = example()
    x = x + np.random.default_rng(1).standard_normal(x.shape)
    moved, _ = ott_exact_many(w1, w2, x, y, **SHORT)
    straight, _ = ott_exact_many(w1, w2, x.astype(np.float32), y, **SHORT)
    assert (moved != w1).all()
    np.testing.assert_allclose(straight, moved, rtol=1e-4, atol=1e-5)


def test_weights_of_inputs_that_are_0_do_not_move():
    w1, w2, x, y = example()
    x[:, :, 2] = 0
    moved, _ = ott_exact_many(w1, w2, x, y, **SHORT)
    np.testing.assert_array_equal(moved[:, 2], w1[:, 2])
    assert (moved[:, 0] != w1[:, 0]).any()


def test_what_is_given_is_left_as_it_was_and_nothing_is_nothing():
    given = example()
    for array in given:
        array.setflags(write=False)
    assert_both(ott_exact_many(*given, inner=0), given[:2])
    w1, w2, x, y = given
    assert_both(ott_exact_many(w1, w2, x[:, :0], y[:, :0]), (w1, w2))
    ott_exact_many(*given, **SHORT)


@pytest.mark.parametrize(("hidden", "outputs"), [(1, OUTPUTS), (HIDDEN, 1)])
def test_one_hidden_neuron_or_one_output_leaves_what_was_given_too(hidden, outputs):
    """Turning such a matrix round needs no copy: it has to be asked for."""
    w1, w2, x, y = example()
    w2 = np.ascontiguousarray(w2[:, :hidden, :outputs])
    before = w2.copy()
    _, moved = ott_exact_many(w1[:, :, :hidden], w2, x, y[:, :, :outputs], **SHORT)
    np.testing.assert_array_equal(w2, before)
    assert (moved != w2).all()


@pytest.mark.parametrize("name", ["w2", "x", "y"])
def test_shapes_that_do_not_fit_are_refused(name):
    given = dict(zip(("w1", "w2", "x", "y"), example(), strict=True))
    given[name] = given[name][:, :-1] if name != "x" else given[name][:, :, :-1]
    with pytest.raises(TargetError, match=rf"{name}: expected \[.*\], found \["):
        ott_exact_many(**given)
