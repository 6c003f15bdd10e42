"""Importance ratios: bounded, cut where a correction says, and how many samples they leave effective."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from policy_numerics import proven

from touchline.trainer.ratios import ROUNDING, bounded_exp, cut_rows, effective_fraction, inside, ratios

RHOS = np.array([0.5, 0.85, 1.0, 1.15, 1.5, 3.0])
THRESHOLDS = {"clip": 0.25, "truncate_at": 1.2, "clip_rho_threshold": 2.0}


def cut(correction, advantages, rhos=RHOS):
    return cut_rows(correction, rhos=rhos, advantages=advantages, **THRESHOLDS).tolist()


def test_ratios_are_bounded_so_that_nothing_overflows():
    found = ratios(np.array([0.0, -1.0, 900.0, -900.0], np.float32), np.zeros(4, np.float32))
    np.testing.assert_allclose(found, np.exp([0, -1, 20, -20]), rtol=1e-6)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(bounded_exp(np.array([21.0, -21.0])), np.exp([20.0, -20.0]))


def test_where_the_mask_lies():
    rhos = np.array([0.7, 0.9, 1.1, 1.3])
    np.testing.assert_array_equal(inside(rhos, np.ones(4), clip=0.2), [True, True, True, False])
    np.testing.assert_array_equal(inside(rhos, -np.ones(4), clip=0.2), [False, True, True, True])


@pytest.mark.parametrize("correction", ["truncated", "centred", "none", "importance"])
@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_above_truncate_at_is_cut_whatever_the_advantage(correction, sign):
    """``none`` and ``importance`` cut nothing; of them it is what a cut there would."""
    assert cut(correction, sign * np.ones(6)) == [False, False, False, False, True, True]


def test_vtrace_has_a_threshold_of_its_own():
    assert cut("vtrace", np.ones(6)) == [False, False, False, False, False, True]


def test_the_clip_cuts_on_the_side_that_the_advantage_points_to():
    assert cut("clip", np.ones(6)) == [False, False, False, False, True, True]
    assert cut("clip", -np.ones(6)) == [True, False, False, False, False, False]


def test_rounding_alone_cuts_nothing():
    rhos = np.array([1.0, 1.0 + ROUNDING / 2, 1.0 + 2 * ROUNDING])
    found = cut_rows(
        "truncated", rhos=rhos, advantages=np.ones(3), clip=0.2, truncate_at=1.0, clip_rho_threshold=1.0
    )
    assert found.tolist() == [False, False, True]


def fraction_of(weights):
    return effective_fraction(
        total=float(np.sum(weights)), squares=float(np.square(weights).sum()), rows=len(weights)
    )


@given(npst.arrays(np.float64, 7, elements=st.floats(0.01, 100)), st.floats(0.1, 10))
@proven()
def test_the_effective_share_lies_between_one_row_and_all_and_knows_no_scale(weights, scale):
    share = fraction_of(weights)
    assert 1 / 7 - 1e-12 <= share <= 1 + 1e-12
    assert fraction_of(scale * weights) == pytest.approx(share)


def test_the_effective_share_by_hand():
    assert fraction_of(np.full(5, 0.3)) == pytest.approx(1)
    assert fraction_of(np.array([1.0, 0, 0, 0])) == pytest.approx(0.25)
    assert fraction_of(np.array([1.0, 3.0])) == pytest.approx(16 / 20)
    assert np.isnan(effective_fraction(total=0.0, squares=0.0, rows=0))
