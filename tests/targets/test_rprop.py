"""RPROP weight by weight, against the scalar text of the papers, and at the bounds of its steps."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from touchline.targets.rprop import LARGEST, SMALLEST, Rprop, Variant

each = pytest.mark.parametrize("variant", get_args(Variant))


def one_weight(variant, gradients, grew):
    """The path of a single weight from 0, written from Igel & Hüsken 2003 with plain numbers."""
    w, delta, before, moved, path = 0.0, 0.1, 0.0, 0.0, []
    for gradient, worse in zip(gradients, grew, strict=True):
        g, agreement = float(gradient), before * float(gradient)
        sign = (g > 0) - (g < 0)
        if agreement > 0:
            delta = min(delta * 1.2, 50)
        if agreement < 0:
            delta = max(delta * 0.5, 1e-6)
        if agreement < 0 and variant != "rprop_minus":
            if variant == "rprop_plus" or (variant == "irprop_plus" and worse):
                w -= moved
            g = 0.0
        else:
            moved = -sign * delta
            w += moved
        before = g
        path.append(w)
    return path


@each
def test_every_weight_goes_as_if_alone(variant):
    rng = np.random.default_rng(3)
    gradients = rng.integers(-2, 3, (60, 30)) * 0.7  # zeros too
    grew = rng.random(60) < 0.5
    rule, w, found = Rprop(30, variant=variant), np.zeros(30), []
    for gradient, worse in zip(gradients, grew, strict=True):
        rule.step(w, gradient, learning_rate=0.0, grew=bool(worse))
        found.append(w.copy())
    expected = [one_weight(variant, column, grew) for column in gradients.T]
    np.testing.assert_allclose(np.transpose(found), expected, rtol=0, atol=1e-12)


def test_whether_the_error_grew_matters_to_one_variant_alone():
    for variant in get_args(Variant):
        ends = []
        for worse in (False, True):
            rule, w = Rprop(1, variant=variant), np.zeros(1)
            rule.step(w, np.ones(1), learning_rate=0.0)
            rule.step(w, -np.ones(1), learning_rate=0.0, grew=worse)
            ends.append(w[0])
        assert (ends[0] != ends[1]) == (variant == "irprop_plus")


@each
def test_step_sizes_keep_within_their_bounds(variant):
    rule, w = Rprop(2, variant=variant), np.zeros(2)
    for step in range(200):
        rule.step(w, np.array([1.0, (-1.0) ** (step // 2)]), learning_rate=0.0)
        deltas = rule.state()["deltas"]
        assert deltas.min() >= SMALLEST
        assert deltas.max() <= LARGEST
    assert deltas[0] == LARGEST == 50
    assert SMALLEST == 1e-6


@each
def test_only_signs_count_even_of_gradients_whose_product_underflows(variant):
    ends = []
    for scale in (1.0, 1e-300):
        rule, w = Rprop(2, variant=variant), np.zeros(2)
        for gradient in ([1, -1], [1, 1], [-1, 1], [1, 1]):
            rule.step(w, scale * np.array(gradient), learning_rate=0.0)
        ends.append(w)
    np.testing.assert_array_equal(ends[0], ends[1])
