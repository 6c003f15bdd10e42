"""Parts tile what they were cut from, in the two ways there are."""

from __future__ import annotations

import itertools

import pytest

from touchline.targets.errors import TargetError
from touchline.targets.splitting import split

EVERY = list(itertools.product(range(201), range(1, 17)))
each_way = pytest.mark.parametrize("remainder", ["lead", "spread"])


@each_way
def test_parts_tile_the_whole(remainder):
    for total, parts in EVERY:
        ranges = split(total, parts, remainder=remainder)
        assert len(ranges) == parts
        assert [number for one in ranges for number in one] == list(range(total))


def test_the_lead_keeps_the_remainder_and_the_others_are_equal():
    for total, parts in EVERY:
        lead, *others = map(len, split(total, parts, remainder="lead"))
        assert lead == total // parts + total % parts == total - (parts - 1) * (total // parts)
        assert set(others) <= {total // parts}


def test_spread_parts_differ_by_one_at_most_and_the_longer_come_first():
    for total, parts in EVERY:
        sizes = [len(one) for one in split(total, parts)]
        assert max(sizes) - min(sizes) <= 1
        assert sizes == sorted(sizes, reverse=True)


def test_the_worst_case_leaves_nearly_all_to_the_lead():
    assert [len(one) for one in split(15, 8, remainder="lead")] == [8, *[1] * 7]
    assert [len(one) for one in split(15, 8)] == [*[2] * 7, 1]


@pytest.mark.parametrize(("total", "parts", "field"), [(-1, 2, "total"), (3, 0, "parts"), (3, -1, "parts")])
def test_what_cannot_be_split_is_refused(total, parts, field):
    with pytest.raises(TargetError, match=rf"{field}: expected . or more.*, found"):
        split(total, parts)
