"""Clipping a gradient, and schedules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from policy_numerics import proven

from touchline.trainer.optimizers import clip_by_norm, scheduled


@given(npst.arrays(np.float64, 5, elements=st.floats(-1e6, 1e6)), st.floats(1e-3, 1e3))
@proven()
def test_clipping_bounds_the_norm_and_keeps_the_direction(gradient, max_norm):
    before, clipped = np.linalg.norm(gradient), gradient.copy()
    assert clip_by_norm(clipped, max_norm) == pytest.approx(before)
    assert np.linalg.norm(clipped) <= max_norm * (1 + 1e-12) or before <= max_norm
    if before <= max_norm:
        np.testing.assert_array_equal(clipped, gradient)
    else:
        np.testing.assert_allclose(clipped, gradient * (max_norm / before), rtol=1e-12)


@pytest.mark.parametrize("number", [np.nan, np.inf, 3e38])
def test_a_gradient_without_a_finite_norm_is_left_for_whoever_refuses_it(number):
    gradient = np.array([1.0, number], np.float32)
    with np.errstate(over="ignore"):
        norm = clip_by_norm(gradient, 0.5)
    assert not np.isfinite(norm)
    np.testing.assert_array_equal(gradient, np.array([1.0, number], np.float32))


def test_without_a_bound_the_norm_is_only_told():
    gradient = np.array([3.0, 4.0], np.float32)
    assert clip_by_norm(gradient, None) == 5
    np.testing.assert_array_equal(gradient, [3, 4])


@pytest.mark.parametrize(
    ("schedule", "steps", "total", "expected"),
    [
        ("constant", 500, 1000, 2.0),
        ("linear", 0, 1000, 2.0),
        ("linear", 250, 1000, 1.5),
        ("linear", 1000, 1000, 0.0),
        ("linear", 1500, 1000, 0.0),
        ("linear", 500, None, 2.0),
    ],
)
def test_schedules(schedule, steps, total, expected):
    assert scheduled(2.0, schedule=schedule, steps=steps, total=total) == expected
