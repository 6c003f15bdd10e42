"""Results numbered without evaluations: what is learnt from goes on after one as if there had been none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven

from touchline.trainer.numbering import Numbering


def test_evaluations_of_the_same_slot_that_came_before_count():
    numbering = Numbering()
    assert numbering.evaluations_before(0, 0) == 0
    numbering.evaluated(0, 1)
    assert [numbering.evaluations_before(slot, 2) for slot in (0, 1)] == [1, 0]
    numbering.evaluated(0, 3)
    numbering.evaluated(0, 4)
    assert numbering.evaluations_before(0, 5) == 3


def test_one_that_was_told_of_early_counts_only_for_what_follows_it():
    """In ``sync`` an evaluation comes before the round is absorbed that its Player had played before it."""
    numbering = Numbering()
    numbering.evaluated(0, 2)
    assert [numbering.evaluations_before(0, seq) for seq in (0, 1, 3, 4)] == [0, 0, 1, 1]


@given(st.lists(st.booleans(), max_size=30), st.data())
@proven(60)
def test_numbers_are_without_gaps_in_whatever_order_the_two_kinds_come(kinds, data):
    evaluations = [seq for seq, kind in enumerate(kinds) if kind]
    results = [seq for seq, kind in enumerate(kinds) if not kind]
    numbering, told, numbers = Numbering(), 0, []
    for seq in results:
        least = sum(one < seq for one in evaluations)
        until = data.draw(st.integers(max(told, least), len(evaluations)))
        for one in evaluations[told:until]:
            numbering.evaluated(3, one)
        told = max(told, until)
        numbers.append(seq - numbering.evaluations_before(3, seq))
    assert numbers == list(range(len(results)))
