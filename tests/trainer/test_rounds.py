"""``sync`` mode's rounds: complete when every Player has sent its share, then in slot order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven

from touchline.protocol.effects import Delivered, Invalid
from touchline.trainer.rounds import Rounds


def result(slot, seq, outstanding=0):
    return Delivered(
        slot=slot,
        seq=seq,
        order=1,
        epoch=1,
        version=0,
        arrays={},
        meta={},
        nbytes=0,
        lag_play=0,
        outstanding=outstanding,
    )


def rounds_of(*slots):
    rounds = Rounds()
    for slot in slots:
        rounds.joined(slot)
    return rounds


def keys(delivered):
    return [(one.slot, one.seq) for one in delivered]


def test_a_round_waits_for_all_and_comes_in_slot_order():
    rounds = rounds_of(0, 1, 2)
    for slot in (2, 0):
        rounds.add(result(slot, 5))
        assert keys(rounds.take()) == []
    rounds.add(result(1, 7))
    assert keys(rounds.take()) == [(0, 5), (1, 7), (2, 5)]
    assert keys(rounds.take()) == []


def test_a_wave_is_as_wide_as_its_lanes():
    rounds = rounds_of(0, 1)
    for slot, seq, outstanding in ((1, 2, 1), (0, 8, 1), (1, 3, 0)):
        rounds.add(result(slot, seq, outstanding))
        assert keys(rounds.take()) == []
    rounds.add(result(0, 9))
    assert keys(rounds.take()) == [(0, 8), (0, 9), (1, 2), (1, 3)]


def test_who_comes_back_with_the_rest_of_a_wave_has_done_its_part():
    """Lost after two of four games, its round taken without it: the last two are all that is granted to it."""
    rounds = rounds_of(0, 1)
    rounds.add(result(0, 0, 3))
    rounds.add(result(0, 1, 2))
    rounds.left(0)
    rounds.add(result(1, 0))
    assert keys(rounds.take()) == [(0, 0), (0, 1), (1, 0)]
    rounds.joined(0)
    rounds.add(result(0, 2, 1))
    rounds.add(result(1, 1))
    assert keys(rounds.take()) == []
    rounds.add(result(0, 3))
    assert keys(rounds.take()) == [(0, 2), (0, 3), (1, 1)]


def test_a_result_that_cannot_be_read_ends_its_part_all_the_same():
    rounds = rounds_of(0, 1)
    rounds.add(result(0, 0))
    rounds.add(result(1, 0, 1))
    rounds.add(Invalid(1, 1, "unreadable", outstanding=0))
    assert keys(rounds.take()) == [(0, 0), (1, 0)]


def test_who_leaves_is_not_waited_for_and_what_it_sent_counts():
    rounds = rounds_of(0, 1, 2)
    rounds.add(result(0, 0))
    rounds.add(result(2, 0))
    rounds.left(2)
    assert keys(rounds.take()) == []
    rounds.left(1)
    assert keys(rounds.take()) == [(0, 0), (2, 0)]


def test_when_all_have_left_what_waits_is_a_round():
    rounds = rounds_of(0)
    rounds.add(result(0, 0))
    rounds.left(0)
    rounds.left(5)  # one that never played
    assert keys(rounds.take()) == [(0, 0)]


def test_who_joins_in_the_middle_is_waited_for():
    rounds = rounds_of(0)
    rounds.joined(1)
    rounds.add(result(0, 0))
    assert keys(rounds.take()) == []
    rounds.add(result(1, 0))
    assert keys(rounds.take()) == [(0, 0), (1, 0)]


@pytest.mark.parametrize("slots", [(), (0, 1)])
def test_nothing_waiting_is_no_round(slots):
    assert keys(rounds_of(*slots).take()) == []


@given(st.integers(1, 3), st.integers(1, 4), st.randoms(use_true_random=False))
@proven()
def test_the_order_of_arrival_never_shows(width, players, random):
    rounds = rounds_of(*range(players))
    order = [slot for slot in range(players) for _ in range(width)]
    expected = [(slot, seq) for slot in range(players) for seq in range(width)]
    random.shuffle(order)
    sent = [0] * players
    for place, slot in enumerate(order):
        assert place == 0 or keys(rounds.take()) == []
        rounds.add(result(slot, sent[slot], width - 1 - sent[slot]))
        sent[slot] += 1
    assert keys(rounds.take()) == expected
