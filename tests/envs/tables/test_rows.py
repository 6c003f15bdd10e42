"""Rows to learn from and to test on: how many, and which."""

from __future__ import annotations

import math

import numpy as np
import pytest

from touchline.envs.errors import TableError
from touchline.envs.tables import read_table
from touchline.envs.tables.rows import held_out, total_for


@pytest.mark.parametrize(("test", "count"), [(0, 0), (1, 1), (7, 7), (0.25, 5), (0.3, 6), (19, 19), (0.0, 0)])
def test_rows_are_parted_without_loss_and_in_their_order(test, count):
    learn, tried = held_out("t", total=20, test=test, seed=3)
    assert len(tried) == count
    assert sorted([*learn, *tried]) == list(range(20))
    assert (np.diff(learn) > 0).all()
    assert (np.diff(tried) > 0).all()


def test_the_seed_decides_which_rows_are_held_out():
    draws = {tuple(held_out("t", total=50, test=10, seed=seed)[1].tolist()) for seed in (0, 0, 1, 2, -1)}
    assert len(draws) == 4


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (20, "t: test: expected less than all 20 rows, found 20"),
        (99, "t: test: expected less than all 20 rows, found 99"),
        (0.99, "t: test: expected less than all 20 rows, found 20"),
        (0.01, "t: test: a share of 0.01 is less than one of 20 rows"),
    ],
)
def test_something_is_left_to_learn_from_and_to_test_on(test, message):
    with pytest.raises(TableError) as caught:
        held_out("t", total=20, test=test, seed=0)
    assert str(caught.value) == message


@pytest.mark.parametrize("test", [None, 0, 3, 0.1, 1 / 3, 0.5, 0.9])
@pytest.mark.parametrize("rows", [1, 7, 30, 100])
def test_a_whole_leaves_the_rows_asked_for(rows, test):
    total = total_for(rows, test)
    count = test if isinstance(test, int) else round((test or 0) * total)
    assert rows <= total - count <= rows + 1


@pytest.mark.parametrize("test", [None, 5, 0.25])
def test_sine_has_as_many_rows_as_are_asked_for_over_the_whole_turn(test):
    table = read_table(source="sine", rows=40, test=test)
    assert len(table.x) == 40
    both = np.vstack([table.x, table.test_x])
    assert both.min() == -math.pi
    assert both.max() == pytest.approx(math.pi, abs=0.2)


def test_rows_are_the_first_of_those_not_held_out():
    whole = read_table(source="two_spirals", test=0.25, seed=4)
    some = read_table(source="two_spirals", test=0.25, seed=4, rows=30)
    np.testing.assert_array_equal(some.x, whole.x[:30])
    np.testing.assert_array_equal(some.y, whole.y[:30])
    np.testing.assert_array_equal(some.test_x, whole.test_x)


def test_what_is_held_out_is_not_learnt_from():
    table = read_table(source="two_spirals", test=60, seed=1)
    learnt, tried = ({tuple(row) for row in rows.tolist()} for rows in (table.x, table.test_x))
    assert not learnt & tried
    assert len(learnt | tried) == 194


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"rows": 0}, "xor: rows: expected 1 or more, found 0"),
        ({"rows": 5}, "xor: rows: expected at most 4, which is all there are, found 5"),
        ({"rows": 3, "test": 2}, "xor: rows: expected at most 2, which is all there are, found 3"),
        ({"test": -1}, "xor: test: expected a share below 1, or a whole number of rows, found -1"),
        ({"test": 1.0}, "xor: test: expected a share below 1, or a whole number of rows, found 1.0"),
        ({"test": math.nan}, "xor: test: expected a share below 1, or a whole number of rows, found nan"),
    ],
)
def test_more_rows_than_there_are_and_no_number_of_rows_are_refused(request_, message):
    with pytest.raises(TableError) as caught:
        read_table(source="xor", **request_)
    assert str(caught.value) == message
