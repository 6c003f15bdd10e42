"""Tasks are dealt in order, dealt again when their Player is lost or late, and taken once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from touchline.trainer.tasks import Tasks


def tasks(count: int, *, lease: float = 10.0) -> Tasks:
    made = Tasks(lease_seconds=lease)
    made.open(range(count))
    return made


def test_the_smallest_number_that_waits_is_given_first():
    dealt = tasks(3)
    assert [dealt.give(0, 0.0) for _ in range(4)] == [0, 1, 2, None]


def test_a_result_is_taken_once():
    dealt = tasks(2)
    dealt.give(0, 0.0)
    assert dealt.came(0)
    assert not dealt.came(0)
    assert dealt.under_way == 1


def test_a_number_never_opened_is_not_taken():
    assert not tasks(2).came(7)


def test_what_a_lost_player_had_is_given_to_the_next():
    dealt = tasks(2)
    assert (dealt.give(0, 0.0), dealt.give(1, 0.0)) == (0, 1)
    dealt.lost(0)
    assert dealt.give(1, 1.0) == 0


def test_of_a_lost_player_a_result_that_comes_all_the_same_is_taken_and_nobody_does_it_again():
    dealt = tasks(1)
    dealt.give(0, 0.0)
    dealt.lost(0)
    assert dealt.came(0)
    assert dealt.give(1, 0.0) is None


def test_a_late_one_is_given_to_another_and_the_first_result_counts():
    dealt = tasks(1, lease=5.0)
    dealt.give(0, 0.0)
    assert dealt.give(1, 4.9) is None
    assert dealt.give(1, 5.0) == 0
    assert dealt.came(0)
    assert not dealt.came(0)


def test_a_late_one_is_due_to_others_alone():
    dealt = tasks(1, lease=5.0)
    dealt.give(0, 0.0)
    assert not dealt.due(1, 4.9)
    assert dealt.due(1, 5.0)
    assert not dealt.due(0, 5.0)


def test_a_late_one_is_not_given_to_whoever_has_it():
    dealt = tasks(1, lease=5.0)
    dealt.give(0, 0.0)
    assert dealt.give(0, 100.0) is None


def test_a_new_holder_has_a_lease_of_its_own():
    dealt = tasks(1, lease=5.0)
    dealt.give(0, 0.0)
    dealt.give(1, 5.0)
    assert dealt.give(2, 6.0) is None
    assert dealt.give(2, 10.0) == 0


def test_what_two_have_is_not_free_when_one_of_them_is_lost():
    dealt = tasks(1, lease=5.0)
    dealt.give(0, 0.0)
    dealt.give(1, 5.0)
    dealt.lost(0)
    assert not dealt.due(2, 6.0)
    dealt.lost(1)
    assert dealt.due(2, 6.0)


def test_what_was_of_no_use_is_given_again():
    dealt = tasks(1)
    dealt.give(0, 0.0)
    dealt.again(0, 0)
    assert dealt.give(0, 0.0) == 0


def test_of_what_is_forgotten_nothing_is_taken():
    dealt = tasks(3)
    dealt.give(0, 0.0)
    dealt.forget([0, 1])
    assert dealt.under_way == 1
    assert not dealt.came(0)
    assert dealt.give(0, 0.0) == 2


@given(
    st.lists(
        st.tuples(st.sampled_from(["give", "came", "lost", "again"]), st.integers(0, 2), st.integers(0, 5))
    )
)
def test_whatever_happens_each_task_is_taken_once_and_none_is_forgotten(steps):
    dealt, taken, now = tasks(6, lease=3.0), [], 0.0
    for what, player, number in steps:
        now += 1.0
        match what:
            case "give":
                dealt.give(player, now)
            case "came":
                taken += [number] if dealt.came(number) else []
            case "lost":
                dealt.lost(player)
            case "again":
                dealt.again(number, player)
    for player in range(3):
        dealt.lost(player)
    while (number := dealt.give(9, now)) is not None:
        assert dealt.came(number)
        taken.append(number)
    assert sorted(taken) == list(range(6))
    assert dealt.under_way == 0
