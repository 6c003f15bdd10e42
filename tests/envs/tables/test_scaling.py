"""Scaling: by what the training rows say, and by nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.envs.tables.scaling import BLOCK, scaled

RNG = np.random.default_rng(0)
X = RNG.normal(3, [1, 5, 0.1], (50, 3))
TEST_X = RNG.normal(3, [1, 5, 0.1], (20, 3))
SCALES = ("none", "unit", "standard", "binary")


@pytest.mark.parametrize("scale", SCALES)
def test_what_was_given_is_left_alone(scale):
    x, test_x = X.copy(), TEST_X.copy()
    scaled(x, test_x, scale=scale)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(test_x, TEST_X)


@pytest.mark.parametrize("scale", SCALES)
def test_the_rows_to_test_on_decide_nothing(scale):
    """And are treated as the others: rows of the training set among them come out the same."""
    x, _ = scaled(X, TEST_X, scale=scale)
    again, test_x = scaled(X, X[:4], scale=scale)
    np.testing.assert_array_equal(again, x)
    np.testing.assert_array_equal(test_x, x[:4])


def test_none_changes_no_number():
    x, test_x = scaled(X, TEST_X, scale="none")
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(test_x, TEST_X)


def test_unit_is_over_the_greatest_absolute_value():
    x, test_x = scaled(-X, TEST_X, scale="unit")
    np.testing.assert_array_equal(x, -X / np.abs(X).max())
    np.testing.assert_array_equal(test_x, TEST_X / np.abs(X).max())


def test_unit_leaves_zeros():
    x, test_x = scaled(np.zeros((2, 2)), TEST_X[:, :2], scale="unit")
    np.testing.assert_array_equal(x, 0)
    np.testing.assert_array_equal(test_x, TEST_X[:, :2])


def test_standard_has_mean_0_and_deviation_1():
    x, test_x = scaled(X, TEST_X, scale="standard")
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(x.std(axis=0), 1, rtol=1e-12)
    np.testing.assert_allclose(test_x, (TEST_X - X.mean(axis=0)) / X.std(axis=0), rtol=1e-12)


def test_standard_over_several_blocks_of_rows_is_the_same():
    rows = RNG.normal(size=(2 * BLOCK + 7, 2))
    x, _ = scaled(rows, rows[:0], scale="standard")
    np.testing.assert_allclose(x.std(axis=0), 1, rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 / 3])
def test_standard_leaves_a_constant_column_at_0(value):
    """0.1 in seven rows has a mean that is not 0.1, to the last bit."""
    constant = np.full((7, 1), value)
    x, test_x = scaled(np.hstack([constant, X[:7, :1]]), TEST_X[:, :2], scale="standard")
    np.testing.assert_array_equal(x[:, 0], 0)
    np.testing.assert_array_equal(test_x[:, 0], 0)
    assert x[:, 1].std() == pytest.approx(1)


def test_binary_is_one_above_zero():
    x, _ = scaled(np.array([[-1.0, 0.0, 0.1, 7.0]]), X[:0, :1], scale="binary")
    np.testing.assert_array_equal(x, [[0, 0, 1, 1]])


@pytest.mark.parametrize(
    ("scale", "dtype"), [("none", "f8"), ("unit", "f4"), ("standard", "f8"), ("binary", "f4")]
)
def test_bytes_stay_narrow_by_unit_and_binary(scale, dtype):
    images = np.array([[0, 51], [255, 102]], np.uint8)
    for array in scaled(images, images, scale=scale):
        assert array.dtype == dtype
    wide = [array.dtype for array in scaled(images.astype(np.int16), images, scale=scale)]
    assert wide == ["f8", "f8"]


def test_bytes_by_unit_are_the_nearest_float32():
    images = np.arange(256, dtype=np.uint8)[:, None]
    x, _ = scaled(images, images, scale="unit")
    np.testing.assert_array_equal(x[:, 0], (np.arange(256) / 255).astype(np.float32))
