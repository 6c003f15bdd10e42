"""The tables: complete, reachable, and what the documentation draws."""

from __future__ import annotations

import pytest

from touchline.protocol import LocalError, PlayerState, TrainerState
from touchline.protocol.machine import PLAYER, TRAINER, PlayerEvent, TrainerEvent, diagram, step


def reachable(table, start):
    seen, todo = {start}, [start]
    while todo:
        for after in table[todo.pop()].values():
            if after not in seen:
                seen.add(after)
                todo.append(after)
    return seen


@pytest.mark.parametrize(
    ("table", "states", "start"),
    [(PLAYER, PlayerState, PlayerState.IDLE), (TRAINER, TrainerState, TrainerState.ABSENT)],
)
def test_every_state_has_a_row_and_can_be_reached(table, states, start) -> None:
    assert set(table) == set(states)
    assert reachable(table, start) == set(states)


@pytest.mark.parametrize("state", [state for state in PlayerState if state is not PlayerState.CLOSED])
def test_every_state_of_a_player_leads_to_an_end(state: PlayerState) -> None:
    assert PlayerState.CLOSED in reachable(PLAYER, state)


def test_a_closed_session_stays_closed() -> None:
    assert PLAYER[PlayerState.CLOSED] == {}


@pytest.mark.parametrize("state", [PlayerState.PREPARING, PlayerState.READY, PlayerState.PLAYING])
def test_in_session_silence_and_no_session_lead_to_hello(state: PlayerState) -> None:
    assert step(PLAYER, state, PlayerEvent.SILENCE) is PlayerState.HELLO
    assert step(PLAYER, state, PlayerEvent.NO_SESSION) is PlayerState.HELLO


@pytest.mark.parametrize("state", [TrainerState.ABSENT, TrainerState.LOST, TrainerState.LEFT])
def test_whoever_is_not_in_session_enters_by_hello_alone(state: TrainerState) -> None:
    assert TRAINER[state] == {TrainerEvent.HELLO: TrainerState.WELCOMED}


def test_what_the_table_lacks_is_our_own_error() -> None:
    with pytest.raises(LocalError, match="BYE_OK in state idle; allowed: open, bye"):
        step(PLAYER, PlayerState.IDLE, PlayerEvent.BYE_OK)
    with pytest.raises(LocalError, match="allowed: nothing"):
        step(PLAYER, PlayerState.CLOSED, PlayerEvent.OPEN)


@pytest.mark.parametrize("table", [PLAYER, TRAINER])
def test_the_diagram_shows_every_transition(table) -> None:
    lines = diagram(table).splitlines()
    assert lines[0] == "stateDiagram-v2"
    drawn = {
        (before, after, event)
        for line in lines[1:]
        for before, rest in [line.strip().split(" --> ")]
        for after, events in [rest.split(": ")]
        for event in events.split(", ")
    }
    assert drawn == {
        (before.value, after.value, event.value)
        for before, row in table.items()
        for event, after in row.items()
    }
