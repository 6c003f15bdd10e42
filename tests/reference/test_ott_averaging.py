"""touchline's local training after Ott gives the numbers of his loop, which it does not follow literally."""

from __future__ import annotations

import numpy as np
import pytest
from ott_averaging import trained

from touchline.targets.initial import initial_weights
from touchline.targets.network import TableNetwork
from touchline.targets.ott import ott_exact

SAMPLES, INNER = 20, 512


def network_of(inputs, hidden, outputs):
    return TableNetwork.build(
        inputs=inputs, hidden=(hidden,), outputs=outputs, activation="sigmoid", output="sigmoid", bias=False
    )


def assert_the_same(network, *, binary, seed=0, **constants):
    rng = np.random.default_rng(seed)
    w1, w2 = network.views(initial_weights(network, rng, how="ott")).values()
    x = rng.random((SAMPLES, network.inputs))
    x = (x < 0.2).astype(float) if binary else x
    y = np.eye(network.head.outputs)[rng.integers(network.head.outputs, size=SAMPLES)]
    expected = trained(w1, w2, x, y, inner=INNER, **constants)
    for found, one in zip(ott_exact(w1, w2, x, y, inner=INNER, **constants), expected, strict=True):
        np.testing.assert_allclose(found, one, rtol=0, atol=1e-10)
    assert np.abs(expected[0] - w1).max() > 1e-3


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("constants", [{}, {"learning_rate": 0.02, "momentum": 0.5}], ids=["his", "others"])
def test_twenty_samples_are_those_of_the_literal_loop(binary, constants):
    assert_the_same(network_of(30, 8, 4), binary=binary, **constants)


@pytest.mark.slow
def test_twenty_samples_of_his_network_are_those_of_the_literal_loop():
    assert_the_same(network_of(784, 128, 10), binary=True)
