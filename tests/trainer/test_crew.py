"""Who is here, how fast they are, and whose failure has been told already."""

from __future__ import annotations

import pytest

from touchline.protocol.machine import TrainerState
from touchline.protocol.slots import PlayerRow
from touchline.trainer.crew import Crew, Member


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def row(
    state=TrainerState.PLAYING, *, version=5, stage="playing", incarnation=0, stage_seconds=0.0, errors=0
) -> PlayerRow:
    return PlayerRow(
        slot=0,
        name="player-0",
        state=state,
        host="here",
        pid=1,
        incarnation=incarnation,
        version=version,
        stage=stage,
        stage_seconds=stage_seconds,
        errors=errors,
        sent=3,
        received=3,
    )


def test_present_until_the_last_is_gone():
    crew = Crew()
    assert not crew.present
    crew.joined(0, "player-0")
    crew.joined(1, "player-1")
    crew.gone(0)
    assert crew.present
    crew.gone(1)
    assert not crew.present
    crew.joined(0, "player-0")
    assert crew.present


def test_a_reported_failure_is_taken_once():
    crew = Crew()
    crew.joined(0, "player-0")
    assert not crew.take_reported("player-0")
    crew.reported("player-0")
    assert crew.take_reported("player-0")
    assert not crew.take_reported("player-0")
    assert not crew.take_reported("nobody")


def test_a_row_says_steps_a_second_episodes_and_how_far_behind():
    clock = Clock()
    crew = Crew(clock)
    crew.joined(0, "player-0")
    crew.statuses([row()], live=7)
    crew.played(0, steps=300, episodes=2)
    clock.now += 3.0
    (status,) = crew.statuses([row(incarnation=2)], live=7)
    assert status.steps_per_second == pytest.approx(100.0)
    assert (status.episodes, status.behind, status.restarts) == (2, 2, 2)


def test_a_row_says_how_long_a_stage_has_lasted_and_what_was_wrong():
    (status,) = Crew().statuses([row(stage_seconds=12.5, errors=3)], live=7)
    assert (status.state, status.stage_seconds, status.errors) == ("playing", 12.5, 3)


def test_a_stage_of_one_that_is_gone_has_no_length():
    """What it was at when last heard of says nothing of now."""
    (status,) = Crew().statuses([row(TrainerState.LOST, stage_seconds=12.5)], live=7)
    assert (status.state, status.stage_seconds) == ("gone", 0.0)


def test_a_rate_follows_the_last_seconds_not_the_whole_run():
    member = Member("player-0")
    member.measure(0.0)
    member.steps = 1000
    assert member.measure(2.0) == 500.0
    assert member.measure(3.0) == 500.0
    assert member.measure(4.0) == 0.0


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (row(), "playing"),
        (row(stage="waiting"), "waiting"),
        (row(TrainerState.WELCOMED), "starting"),
        (row(TrainerState.WELCOMED, stage="building"), "building"),
        (row(TrainerState.LEFT), "left"),
        (row(TrainerState.LOST), "gone"),
        (row(version=None), "playing"),
    ],
)
def test_states_are_words_for_people(given, shown):
    (status,) = Crew().statuses([given], live=3)
    assert status.state == shown
    assert status.behind == (None if given.version is None else 0)


def test_one_that_is_ready_is_rather_the_one_wished_for():
    crew = Crew()
    assert crew.one_ready(rather=None) is None
    for slot in (2, 1, 0):
        crew.joined(slot, f"player-{slot}")
    assert crew.one_ready(rather=1) is None  # their environments are being built
    crew.ready(2)
    crew.ready(1)
    assert [crew.one_ready(rather=slot) for slot in (None, 0, 1, 2)] == [1, 1, 1, 2]
    crew.gone(1)
    assert crew.one_ready(rather=1) == 2
    crew.joined(2, "player-2")  # another process of that name
    assert crew.one_ready(rather=2) is None
