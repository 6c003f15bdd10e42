"""QuickProp against Fahlman's cases one weight at a time, and where its parabola is degenerate."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.targets.quickprop import QuickProp, quickprop_step

MU, EPS = 1.75, 0.01


def by_hand(s, p, d):
    """One weight's step, case by case."""
    shrink = MU / (1 + MU)
    if d > 0:
        if s > shrink * p:
            return (EPS * s if s > 0 else 0) + MU * d
        return EPS * s if p == s else (EPS * s if s > 0 else 0) + d * s / (p - s)
    if d < 0:
        if s < shrink * p:
            return (EPS * s if s < 0 else 0) + MU * d
        return EPS * s if p == s else (EPS * s if s < 0 else 0) + d * s / (p - s)
    return EPS * s


def step_of(s, p, d):
    slopes, previous, steps = (np.array(values, float) for values in (s, p, d))
    return quickprop_step(slopes=slopes, previous=previous, steps=steps, epsilon=EPS, growth=MU)


def test_every_case_of_signs_and_sizes():
    values = [-2.0, -1.5, -1.0, -0.25, 0.0, 0.25, 1.0, 1.5, 2.0]
    cases = [(s, p, d) for s in values for p in values for d in values]
    expected = [by_hand(*case) for case in cases]
    np.testing.assert_allclose(step_of(*zip(*cases, strict=True)), expected, rtol=1e-15, atol=0)


@pytest.mark.parametrize(("s", "d"), [(-1.0, 0.5), (1.0, -0.5), (0.0, 0.5), (0.0, -0.5)])
def test_equal_slopes_without_a_parabola_fall_back_to_gradient_descent(s, d):
    assert step_of([s], [s], [d]) == EPS * s


def test_no_step_grows_faster_than_the_limit_allows():
    """A slope hardly smaller than before would jump far beyond."""
    assert step_of([0.99], [1.0], [0.1]) == pytest.approx(0.1 * MU + EPS * 0.99, rel=1e-15)


def test_on_a_separable_quadratic_it_reaches_machine_zero_within_30_steps():
    curvatures, centre = np.array([1.0, 10.0, 0.3]), np.array([0.4, -2.0, 5.0])
    rule, w = QuickProp(3, growth=MU), np.zeros(3)
    for _ in range(30):
        rule.step(w, curvatures * (w - centre), learning_rate=0.05)
    np.testing.assert_allclose(w, centre, rtol=1e-14)


def test_the_first_step_is_gradient_descent():
    rule, w = QuickProp(2, growth=MU), np.zeros(2)
    rule.step(w, np.array([3.0, -1.0]), learning_rate=0.1)
    np.testing.assert_allclose(w, [-0.3, 0.1], rtol=1e-15)
