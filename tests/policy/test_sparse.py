"""Sparse inputs: the same numbers as the dense product gives, whatever is 0, and fewer of them multiplied."""

from __future__ import annotations

import numpy as np
import pytest
from torsos import prove

from touchline.policy import sparse
from touchline.policy.dense import dense, dense_backward
from touchline.policy.form import Form
from touchline.policy.layer_norm import NormedTorso
from touchline.policy.spaces import Box, Discrete, MultiBinary, SpaceError
from touchline.policy.sparse import (
    ROWS,
    SPARSE,
    check_sparse,
    sparse_dense,
    sparse_dense_backward,
    used_columns,
)
from touchline.policy.torso import DenseTorso

WIDE, OUT = 300, 7


def integers(rng, rows, *, share=0.03, dtype="int8"):
    low = 0 if np.dtype(dtype).kind == "u" else -3
    return (rng.integers(low, 4, (rows, WIDE)) * (rng.random((rows, WIDE)) < share)).astype(dtype)


@pytest.mark.parametrize("rows", [0, 1, 2, 16, ROWS, ROWS + 1, 3 * ROWS + 5])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64"])
def test_forward_and_backward_are_the_dense_ones(rows, dtype):
    rng = np.random.default_rng(rows)
    x = integers(rng, rows, dtype=dtype)
    w, b, d = rng.standard_normal((WIDE, OUT)), rng.standard_normal(OUT), rng.standard_normal((rows, OUT))
    floats = x.astype(np.float64)
    np.testing.assert_allclose(sparse_dense(x, w, b), dense(floats, w, b), rtol=1e-12, atol=1e-12)
    found, expected = (rng.standard_normal(w.shape), np.ones(OUT)), None
    expected = tuple(array.copy() for array in found)
    sparse_dense_backward(x, d, *found)
    dense_backward(floats, d, *expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nothing_but_zeros_and_no_zero_at_all(share):
    rng = np.random.default_rng(0)
    x, w = integers(rng, 5, share=share), rng.standard_normal((WIDE, OUT))
    np.testing.assert_allclose(sparse_dense(x, w, None), x @ w, rtol=1e-12, atol=1e-12)
    dw, d = np.zeros_like(w), rng.standard_normal((5, OUT))
    sparse_dense_backward(x, d, dw, None)
    np.testing.assert_allclose(dw, x.T @ d, rtol=1e-12, atol=1e-12)


def test_a_buffer_is_filled_and_a_wide_bias_added():
    rng = np.random.default_rng(1)
    x, w, b = integers(rng, 4), rng.standard_normal((WIDE, OUT)), rng.standard_normal((4, OUT))
    out = np.full((4, OUT), np.nan)
    assert sparse_dense(x, w, b, out) is out
    np.testing.assert_allclose(out, x @ w + b, rtol=1e-12)


def test_numbers_that_cancel_are_used_none_the_less():
    x = np.array([[0, 1, 0, -128], [0, -1, 0, 0]], np.int8)
    np.testing.assert_array_equal(used_columns(x), [1, 3])


def test_only_used_columns_are_read_and_written():
    """What is not read may be NaN: the arithmetic leaves it alone, not only its result."""
    rng = np.random.default_rng(2)
    x, w = integers(rng, 3), rng.standard_normal((WIDE, OUT))
    unused = np.setdiff1d(np.arange(WIDE), used_columns(x))
    expected = sparse_dense(x, w, None)
    w[unused] = np.nan
    np.testing.assert_array_equal(sparse_dense(x, w, None), expected)
    dw = np.full_like(w, np.nan)
    dw[used_columns(x)] = 0
    sparse_dense_backward(x, np.ones((3, OUT)), dw, None)
    assert np.isnan(dw[unused]).all()
    assert np.isfinite(dw[used_columns(x)]).all()


def test_rows_share_their_columns_a_few_at_a_time(monkeypatch):
    counted = []

    def counting(x):
        counted.append(len(x))
        return used_columns(x)

    monkeypatch.setattr(sparse, "used_columns", counting)
    sparse_dense(integers(np.random.default_rng(3), 2 * ROWS + 3), np.ones((WIDE, OUT)), None)
    assert counted == [ROWS, ROWS, 3]


@pytest.mark.parametrize("kind", [DenseTorso, NormedTorso])
def test_gradients_of_layers_over_sparse_inputs(kind):
    rng = np.random.default_rng(4)
    torso = kind(features=12, hidden=(4, 3), activation="tanh", first=SPARSE)
    x = (rng.integers(-2, 3, (6, 12)) * (rng.random((6, 12)) < 0.3)).astype(np.int8)
    prove(torso, x, rng)


def test_layers_over_sparse_inputs_are_those_over_dense_ones():
    rng = np.random.default_rng(5)
    x = integers(rng, 20)
    over_sparse, over_dense = (
        DenseTorso(features=WIDE, hidden=(6, 5), activation="relu", **how) for how in ({"first": SPARSE}, {})
    )
    p = {name: rng.standard_normal(shape) for name, shape in over_dense.shapes.items()}
    for one, other in zip(
        over_sparse.forward(p, x), over_dense.forward(p, x.astype(np.float64)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64"])
def test_a_box_of_integers_is_served(dtype):
    check_sparse(Box((3,), dtype, (0,) * 3, (1,) * 3))


@pytest.mark.parametrize(
    ("space", "found"),
    [
        (Box((2,), "float32", (0.0,) * 2, (1.0,) * 2), "a Box of float32"),
        (Box((2,), "bool", (0.0,) * 2, (1.0,) * 2), "a Box of bool"),
        (Discrete(4), "Discrete"),
        (MultiBinary((4,)), "MultiBinary"),
    ],
)
def test_another_space_is_refused(space, found):
    with pytest.raises(SpaceError, match=rf"policy\.sparse: expected .* Box of integers.*, found {found}\."):
        check_sparse(space)
    assert Form(sparse=True).sparse
