"""Mixed-radix digits against itertools, for numbers of any size."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven

from touchline.targets.errors import TargetError
from touchline.targets.radix import all_digits, digits


def test_numbers_run_through_the_product_with_the_first_digit_the_quickest():
    counts = (3, 1, 4, 2)
    expected = [tuple(reversed(t)) for t in itertools.product(*(range(n) for n in reversed(counts)))]
    assert [digits(number, counts) for number in range(24)] == expected
    np.testing.assert_array_equal(all_digits(range(24), counts), expected)


@given(st.lists(st.integers(1, 2**40), min_size=1, max_size=30), st.integers(0), st.integers(0, 40))
@proven()
def test_a_range_has_the_digits_of_its_numbers_however_large_they_are(counts, seed, length):
    total = math.prod(counts)
    start = seed % total
    numbers = range(start, min(start + length, total))
    found = all_digits(numbers, counts)
    assert found.shape == (len(numbers), len(counts))
    assert found.tolist() == [list(digits(number, counts)) for number in numbers]


@given(st.lists(st.integers(1, 2**40), min_size=1, max_size=30), st.integers(0))
@proven()
def test_the_digits_add_up_to_the_number(counts, seed):
    number, place = seed % math.prod(counts), 1
    total = 0
    for digit, count in zip(digits(number, counts), counts, strict=True):
        assert 0 <= digit < count
        total, place = total + place * digit, place * count
    assert total == number


def test_no_places_have_one_number():
    assert digits(0, ()) == ()
    assert all_digits(range(1), ()).shape == (1, 0)


@pytest.mark.parametrize("numbers", [range(-1, 3), range(5, 7), range(6, 8), range(0, 6, 2)])
def test_numbers_that_do_not_exist_are_refused(numbers):
    with pytest.raises(TargetError, match="numbers: expected"):
        all_digits(numbers, (2, 3))


def test_a_number_that_does_not_exist_is_refused():
    with pytest.raises(TargetError, match="expected 0 to 5, found 6 to 6"):
        digits(6, (2, 3))
