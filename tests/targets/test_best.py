"""The best of numbered candidates."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from touchline.targets.best import Scored, best_of, merged


def test_ties_go_to_the_smaller_number():
    assert best_of(np.array([3.0, 1.0, 1.0]), range(10, 13)) == Scored(1.0, 11)
    assert merged([Scored(1.0, 12), Scored(1.0, 11), Scored(2.0, 0)]) == Scored(1.0, 11)


def test_parts_merge_to_the_same_in_any_order():
    values = np.array([2.0, math.nan, 1.0, 1.0, math.inf, 1.0])
    parts = [best_of(values[i : i + 2], range(i, i + 2)) for i in (0, 2, 4)]
    assert {merged(order) for order in itertools.permutations(parts)} == {Scored(1.0, 2)}


def test_what_is_no_number_never_wins_but_against_its_own_kind():
    nan = float("nan")
    assert best_of(np.array([nan, 5.0]), range(2)) == Scored(5.0, 1)
    assert best_of(np.array([nan, nan]), range(4, 6)) == Scored(math.inf, 4)
    assert merged([Scored(nan, 0), Scored(7.0, 1)]) == Scored(7.0, 1)
    assert merged([Scored(7.0, 1), Scored(nan, 0)]) == Scored(7.0, 1)


def test_the_best_of_nothing_is_an_error():
    with pytest.raises(ValueError):
        best_of(np.empty(0), range(0))
    with pytest.raises(ValueError):
        merged([])
