"""Running statistics against numpy over the whole, and normalising by them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven

from touchline.policy.normalizer import CLIP, EPSILON, Normalizer, Statistics


@given(
    st.lists(st.integers(0, 7), min_size=1, max_size=6).filter(sum),
    st.floats(-1e3, 1e3),
    st.floats(1e-2, 1e2),
    st.integers(0, 10**6),
)
@proven(100)
def test_moved_in_parts_is_numpy_over_the_whole(parts, offset, spread, seed):
    rng = np.random.default_rng(seed)
    chunks = [offset + spread * rng.standard_normal((n, 3)) for n in parts]
    statistics = Statistics.empty(3)
    for chunk in chunks:
        statistics = statistics.moved(chunk)
    whole = np.concatenate(chunks)
    assert statistics.count == len(whole)
    np.testing.assert_allclose(statistics.mean, whole.mean(axis=0), rtol=1e-10, atol=1e-10 * spread)
    np.testing.assert_allclose(statistics.variance, whole.var(axis=0), rtol=1e-8, atol=1e-9 * spread**2)


def test_a_large_offset_does_not_cancel():
    """Sums of squares would: (1e6)² leaves nothing of a spread of 1e-3 in float64, and float32 has less."""
    rng = np.random.default_rng(0)
    chunks = [1e6 + 1e-3 * rng.standard_normal((50, 1)) for _ in range(4)]
    statistics = Statistics.empty(1)
    for chunk in chunks:
        statistics = statistics.moved(chunk)
    np.testing.assert_allclose(statistics.variance, np.concatenate(chunks).var(axis=0), rtol=1e-5)


def test_float32_rows_are_summed_in_float64():
    rows = np.full((4096, 1), 16_777_216.0, np.float32)
    rows[0] += 2
    moved = Statistics.empty(1).moved(rows)
    np.testing.assert_array_equal(moved.mean, rows.astype(np.float64).mean(axis=0))


def test_moving_makes_new_statistics_and_no_rows_move_nothing():
    before = Statistics.empty(2).moved(np.array([[1.0, 2.0], [3.0, 5.0]]))
    kept = before.to_array()
    before.moved(np.ones((3, 2)))
    np.testing.assert_array_equal(before.to_array(), kept)
    assert before.moved(np.empty((0, 2), np.float32)) is before


def test_before_anything_was_seen_normalising_is_identity():
    x = np.linspace(-CLIP, CLIP, 101, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(Normalizer(Statistics.empty(1))(x), x)
    np.testing.assert_array_equal(Statistics.empty(3).variance, 1)


def test_normalised_rows_have_mean_0_and_deviation_1():
    rows = np.random.default_rng(0).normal(7, 3, (500, 2))
    y = Normalizer(Statistics.empty(2).moved(rows), dtype="float64")(rows)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-8)


def test_by_hand_with_its_clip():
    statistics = Statistics(4.0, np.array([1.0]), np.array([16.0]))  # a standard deviation of 2
    normalizer = Normalizer(statistics)
    x = np.array([[1.0], [3.0], [1e6], [-1e6]], np.float32)
    np.testing.assert_allclose(
        normalizer(x), [[0], [1 / np.sqrt(1 + EPSILON / 4)], [CLIP], [-CLIP]], rtol=1e-6
    )


def test_a_constant_feature_does_not_divide_by_zero():
    y = Normalizer(Statistics.empty(1).moved(np.full((10, 1), 3.0)))(np.array([[3.0], [4.0]], np.float32))
    np.testing.assert_array_equal(y, [[0], [CLIP]])


@pytest.mark.parametrize("in_place", [False, True])
def test_where_it_writes(in_place):
    x = np.random.default_rng(0).standard_normal((4, 2, 3)).astype(np.float32)
    normalizer = Normalizer(Statistics.empty(3).moved(x.reshape(-1, 3)))
    kept, expected = x.copy(), normalizer(x)
    assert expected.dtype == np.float32
    y = normalizer(x, out=x if in_place else np.empty_like(x))
    np.testing.assert_array_equal(y, expected)
    assert np.array_equal(x, kept) != in_place


@pytest.mark.parametrize("features", [0, 1, 5])
def test_an_array_of_statistics_reads_back(features):
    rows = np.random.default_rng(1).standard_normal((9, features))
    statistics = Statistics.empty(features).moved(rows)
    array = statistics.to_array()
    assert array.dtype == np.float64
    assert array.shape == (1 + 2 * features,)
    back = Statistics.from_array(array)
    array[...] = 0  # what was read is owned
    assert back.count == 9
    np.testing.assert_array_equal(back.mean, statistics.mean)
    np.testing.assert_array_equal(back.m2, statistics.m2)


@pytest.mark.parametrize("array", [np.zeros(0), np.zeros(4), np.zeros((1, 3)), np.zeros(())])
def test_an_array_of_another_form_is_refused(array):
    with pytest.raises(ValueError, match=r"expected a float64 array of 1 \+ 2 D, found"):
        Statistics.from_array(array)
