"""Initial weights: where they lie, that they are drawn as stated, and that a seed decides them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from target_networks import network_of

from touchline.targets.errors import TargetError
from touchline.targets.initial import initial_weights

WIDE = network_of(inputs=40, hidden=(50,), outputs=30)
OTT = network_of("sigmoid", inputs=40, hidden=(50,), outputs=30, bias=False)


def drawn(network, how, seed=0, **changes):
    return initial_weights(network, np.random.default_rng(seed), how=how, **changes)


@pytest.mark.parametrize("how", ["glorot", "normal", "uniform", "ott"])
def test_a_seed_decides_the_weights_and_the_scale_multiplies_them(how):
    w = drawn(OTT, how)
    assert (w.dtype, w.shape) == (np.float64, (OTT.size,))
    np.testing.assert_array_equal(drawn(OTT, how), w)
    assert (drawn(OTT, how, seed=1) != w).any()
    np.testing.assert_array_equal(drawn(OTT, how, scale=0.25), 0.25 * w)


def test_glorot_fills_its_bounds_and_leaves_biases_at_0():
    views = WIDE.views(drawn(WIDE, "glorot"))
    for layer, widths in enumerate([(40, 50), (50, 30)]):
        bound = math.sqrt(6 / sum(widths))
        assert 0.99 * bound < np.abs(views[f"{layer}/weight"]).max() <= bound
        assert views[f"{layer}/weight"].std() == pytest.approx(bound / math.sqrt(3), rel=0.05)
        np.testing.assert_array_equal(views[f"{layer}/bias"], 0)


def test_normal_and_uniform_draw_every_weight_alike():
    normal, uniform = drawn(WIDE, "normal"), drawn(WIDE, "uniform")
    assert (normal.mean(), normal.std()) == pytest.approx((0, 1), abs=0.05)
    assert (uniform.mean(), uniform.std()) == pytest.approx((0, 1 / math.sqrt(3)), abs=0.03)
    assert np.abs(uniform).max() <= 1
    assert (WIDE.views(normal)["1/bias"] != 0).all()


@pytest.mark.parametrize(("layer", "sizes", "unit"), [("0/weight", 6, 0.1), ("1/weight", 10, 0.01)])
def test_otts_weights_are_sizes_with_a_sign_all_as_likely(layer, sizes, unit):
    found = OTT.views(drawn(OTT, "ott"))[layer]
    grid, counts = np.unique(np.round(found / unit), return_counts=True)
    np.testing.assert_array_equal(grid, np.arange(1 - sizes, sizes))
    np.testing.assert_allclose(found, np.round(found / unit) * unit, rtol=1e-15)
    chance = np.where(grid == 0, 1 / sizes, 1 / (2 * sizes))  # 0 has no sign
    deviation = np.sqrt(found.size * chance * (1 - chance))
    assert (np.abs(counts - found.size * chance) < 4 * deviation).all()


@pytest.mark.parametrize("network", [WIDE, network_of(bias=False)])
def test_otts_weights_are_for_his_network_alone(network):
    with pytest.raises(
        TargetError, match=r"ott expects one hidden layer and no biases, found .*\. Take glorot"
    ):
        drawn(network, "ott")
