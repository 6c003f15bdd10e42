"""Evolution strategies: exact on linear functions, the same from seeds alone, fair ranks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from policy_numerics import proven

from touchline.targets.draws import normal_draw, normal_draws
from touchline.targets.errors import TargetError
from touchline.targets.evolution import centred_ranks, es_gradient, perturbations


def naive_gradient(scores, directions, sigma):
    """1 / (n sigma) sum_k F_k eps_k, the antithetic ones among the eps."""
    total = np.zeros(len(directions[0]))
    for score, direction in zip(scores, directions, strict=True):
        total += score * direction
    return total / (len(scores) * sigma)


def test_a_linear_function_and_orthogonal_directions_give_the_exact_gradient():
    rng = np.random.default_rng(0)
    size, sigma = 6, 0.3
    slope, w = rng.standard_normal(size), rng.standard_normal(size)
    eps = np.sqrt(size) * np.linalg.qr(rng.standard_normal((size, size)))[0]
    scores = np.empty(2 * size)
    scores[0::2], scores[1::2] = (w + sigma * eps) @ slope, (w - sigma * eps) @ slope
    np.testing.assert_allclose(es_gradient(ranks=scores, eps=eps, sigma=sigma), slope, rtol=1e-12)


def test_perturbations_come_in_pairs_of_opposite_sign():
    found = perturbations(seed=4, iteration=1, numbers=range(6), size=3)
    np.testing.assert_array_equal(found[0::2], -found[1::2])
    for pair in range(3):
        np.testing.assert_array_equal(found[2 * pair], normal_draw(seed=4, iteration=1, number=pair, size=3))


def test_any_part_of_the_perturbations_is_that_part_of_all():
    whole = perturbations(seed=4, iteration=1, numbers=range(10), size=3)
    np.testing.assert_array_equal(perturbations(seed=4, iteration=1, numbers=range(3, 8), size=3), whole[3:8])


def test_numbers_and_scores_alone_give_the_gradient():
    """The sum over all perturbations, from the draws of the positive ones and the scores by number."""
    ranks = centred_ranks(np.random.default_rng(1).standard_normal(18))
    directions = perturbations(seed=2, iteration=5, numbers=range(18), size=7)
    found = es_gradient(
        ranks=ranks, eps=normal_draws(seed=2, iteration=5, numbers=range(9), size=7), sigma=0.05
    )
    np.testing.assert_allclose(found, naive_gradient(ranks, directions, 0.05), rtol=1e-12, atol=1e-13)


def test_ranks_lead_down_a_bowl():
    centre, w, sigma = np.array([1.0, -2.0, 0.5]), np.zeros(3), 0.1
    for iteration in range(150):
        eps = perturbations(seed=0, iteration=iteration, numbers=range(16), size=3)
        ranks = centred_ranks(np.square(w + sigma * eps - centre).sum(axis=1))
        w -= 0.01 * es_gradient(ranks=ranks, eps=eps[0::2], sigma=sigma)
    assert np.square(w - centre).sum() < 0.01


@given(npst.arrays(np.float64, st.integers(0, 30), elements=st.floats(-1e6, 1e6)))
@proven()
def test_ranks_are_centred_and_in_the_order_of_the_scores(scores):
    ranks = centred_ranks(scores)
    assert abs(ranks.sum()) < 1e-12
    if len(scores) > 1:
        assert (ranks.min(), ranks.max()) == (-0.5, 0.5)
    order = np.argsort(ranks)
    assert (np.diff(scores[order]) >= 0).all()


def test_of_equals_the_earlier_ranks_lower_and_what_is_no_number_highest():
    many = np.tile([1.0, 0.0], 100)
    assert (np.diff(centred_ranks(many)[0::2]) > 0).all()
    np.testing.assert_array_equal(centred_ranks(np.array([1.0, np.nan, 1.0])), [-0.5, 0.5, 0.0])
    np.testing.assert_array_equal(centred_ranks(np.array([3.0])), [0.0])


def test_ranks_without_their_directions_are_refused():
    with pytest.raises(TargetError, match="expected 4, two for each eps, found"):
        es_gradient(ranks=np.zeros(3), eps=np.zeros((2, 5)), sigma=1.0)
