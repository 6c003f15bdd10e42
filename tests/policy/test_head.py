"""Heads of every distribution: how outputs and free deviations make them, and what flows back."""

from __future__ import annotations

import numpy as np
import pytest
from policy_numerics import distributions

ALL = distributions()
each = pytest.mark.parametrize("name", ALL)


def drawn(name, rows=5, seed=0):
    rng = np.random.default_rng(seed)
    one = ALL[name]
    free = rng.standard_normal(one.log_std_size) if one.log_std_size else None
    return one, rng.standard_normal((rows, one.outputs)), free, rng.standard_normal((rows, one.parameters))


@each
def test_a_head_has_its_width_in_a_buffer_or_out_of_one(name):
    one, outputs, free, _ = drawn(name)
    head = one.head(outputs, free)
    assert head.shape == (5, one.parameters)
    out = np.full(head.shape, np.nan)
    assert one.head(outputs, free, out) is out
    np.testing.assert_array_equal(out, head)


@each
def test_a_plain_head_is_the_outputs_themselves(name):
    one, outputs, _, d_head = drawn(name)
    assert one.plain == (name not in {"gaussian", "mixed"})
    if one.plain:
        assert one.head(outputs) is outputs
        assert one.head_backward(d_head)[0] is d_head
        assert one.head_backward(d_head)[1] is None
        assert (one.outputs, one.log_std_size) == (one.parameters, 0)


@each
def test_the_way_back_is_the_adjoint_of_the_way_there(name):
    """⟨d, head(o, s)⟩ = ⟨dₒ, o⟩ + ⟨dₛ, s⟩ for all d, o, s: the head is linear in both."""
    one, outputs, free, d_head = drawn(name)
    d_outputs, d_free = one.head_backward(d_head)
    assert d_outputs.shape == outputs.shape
    back = (d_outputs * outputs).sum() + (0.0 if free is None else d_free @ free)
    assert (d_head * one.head(outputs, free)).sum() == pytest.approx(back, rel=1e-12)


@each
def test_every_output_and_deviation_reaches_the_head_once(name):
    one, _, free, _ = drawn(name)
    numbers = np.arange(1.0, one.outputs + 1)
    free = None if free is None else -np.arange(1.0, len(free) + 1)
    row = one.head(numbers[None], free)[0]
    assert sorted(row) == sorted([*numbers, *(() if free is None else free)])


@each
def test_float32_stays(name):
    one, outputs, free, d_head = drawn(name)
    free = None if free is None else free.astype(np.float32)
    assert one.head(outputs.astype(np.float32), free).dtype == np.float32
    assert {g.dtype for g in one.head_backward(d_head.astype(np.float32)) if g is not None} == {
        np.dtype(np.float32)
    }
