"""The Player's loop over a link that only notes what it is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from player_links import NotedLink, welcomed

from touchline.envs.builtin import Corridor
from touchline.envs.shipping import factory_to_bytes
from touchline.player.service import PlayerFailed, PlayerService, TurnedAway
from touchline.policy.spaces import from_plain
from touchline.protocol.codec import encode
from touchline.protocol.effects import Arrived, Granted, Ordered, Refused
from touchline.protocol.limits import MAX_HEADER_BYTES
from touchline.protocol.messages import ErrorCode, Order, Ready

PLAY = {"hidden": False, "greedy": False}


@pytest.fixture
def played(stage) -> Callable[..., list[Any]]:
    """What a Player asks of its link while it plays two grants."""

    def notes(*, count: int = 1, **overrides: object) -> list[Any]:
        here = stage(**overrides)
        length = here.config.players.unroll_length
        arguments = PLAY | {"unroll_length": length}
        order = Order(session=1, order=1, verb="play", arguments=arguments, standing=True)
        grants = [Granted(seq, count, 1, 0, 1, 1) for seq in (0, count)]
        link = NotedLink(
            [welcomed(here.config), Ordered(order), Arrived(1, 0, here.snapshot().to_arrays()), *grants]
        )
        PlayerService(link).run()
        return link.notes

    return notes


def test_without_results_ahead_the_next_is_asked_for_with_the_last_sent(played):
    assert played() == ["ready", "want after 0", "submit and want", "submit and want"]


@pytest.mark.parametrize("ahead", [1, 2])
def test_with_results_ahead_the_next_is_asked_for_at_three_quarters_and_only_there(played, ahead):
    assert played(**{"staleness.ahead": ahead}) == [
        *("ready", "want after 0"),
        *("want after 16", "submit") * 2,
    ]


@pytest.mark.parametrize(("length", "outside"), [(20, 2 * 20 * 4 * 2), ("episode", 2 * 4 * 4 * 2)])
def test_what_lies_beyond_the_bounds_is_told(strays, length, outside):
    here = strays(1, **{"players.unroll_length": length})
    order = Order(session=1, order=1, verb="play", arguments=PLAY | {"unroll_length": length}, standing=True)
    count = 4 if length == "episode" else 1
    grants = [Granted(seq, count, 1, 0, 1, 1) for seq in (0, count)]
    link = NotedLink(
        [welcomed(here.config), Ordered(order), Arrived(1, 0, here.snapshot().to_arrays()), *grants]
    )
    PlayerService(link).run()
    assert link.errors == outside


def test_an_unroll_of_one_step_asks_in_that_step(played):
    notes = played(**{"staleness.ahead": 1, "players.unroll_length": 1, "trainer.batch_steps": 4})
    assert notes == ["ready", "want after 0", *("want after 1", "submit") * 2]


def test_a_wave_asks_for_the_next_with_its_last_game(played):
    overrides = {"staleness.ahead": 1, "players.unroll_length": "episode"}
    wave = ["submit", "submit", "submit", "submit and want"]
    assert played(count=4, **overrides) == ["ready", "want after 0", *wave, *wave]


# -- environment objects


def test_a_factory_from_a_trainer_that_is_not_ours_is_never_loaded(stage, monkeypatch):
    loaded: list[bytes] = []
    monkeypatch.setattr("touchline.player.service.factory_from_bytes", loaded.append)
    link = NotedLink([welcomed(stage().config, factory=b"anything")])
    with pytest.raises(TurnedAway) as caught:
        PlayerService(link, trusted=lambda: False).run()
    assert "environment object" in str(caught.value)
    assert "ipc" in str(caught.value)
    assert loaded == []
    assert link.notes == ["bye"]  # the Trainer need not wait for its silence


def test_a_trusted_trainers_factory_is_played(stage):
    link = NotedLink([welcomed(stage().config, factory=factory_to_bytes(Corridor))])
    PlayerService(link, trusted=lambda: True).run()
    assert link.notes == ["ready", "want after 0"]


def test_a_factory_that_cannot_be_loaded_is_a_failure_of_the_setup(stage):
    link = NotedLink([welcomed(stage().config, factory=b"not a pickle")])
    with pytest.raises(PlayerFailed) as caught:
        PlayerService(link, trusted=lambda: True).run()
    assert caught.value.failure.kind == "setup"
    assert [failure["kind"] for failure in link.failures] == ["setup"]
    assert "sent by the Trainer cannot be loaded" in link.failures[0]["message"]


# -- spaces that are long to say


def bounded(observed=1, acted=1):
    """An environment of so many observed and acted numbers, each with a bound of its own."""

    class Bounded(gymnasium.Env):
        observation_space = gymnasium.spaces.Box(
            -np.arange(1, observed + 1, dtype=np.float32), np.arange(1, observed + 1, dtype=np.float32)
        )
        action_space = gymnasium.spaces.Box(
            -np.arange(1, acted + 1, dtype=np.float32), np.arange(1, acted + 1, dtype=np.float32)
        )

    return Bounded


def test_bounds_of_thousands_of_numbers_fit_into_a_message(stage):
    link = NotedLink([welcomed(stage().config, factory=factory_to_bytes(bounded(observed=9000)))])
    PlayerService(link, trusted=lambda: True).run()
    (spaces,) = link.spaces
    assert len(encode(Ready(session=1, spaces=spaces, facts={}))[0]) < MAX_HEADER_BYTES // 2
    space = from_plain(spaces["observation"])
    assert (space.shape, space.low[0], space.high[-1]) == ((9000,), -9000, 9000)


def test_actions_with_too_many_bounds_are_a_failure_of_the_setup(stage):
    link = NotedLink([welcomed(stage().config, factory=factory_to_bytes(bounded(acted=9000)))])
    with pytest.raises(PlayerFailed, match=r"action space: expected at most 1024 numbers .* found 9000"):
        PlayerService(link, trusted=lambda: True).run()
    assert [failure["kind"] for failure in link.failures] == ["setup"]


# -- waiting


def busy(detail: str) -> Refused:
    return Refused(ErrorCode.BUSY, detail, 1.0, False)


def test_a_player_that_stands_by_says_so_once(stage):
    said: list[str] = []
    noise = Refused(ErrorCode.BAD_MESSAGE, "not about waiting", None, False)
    events = [noise, busy("1 plays"), busy("1 plays"), welcomed(stage().config), busy("2 play")]
    PlayerService(NotedLink(events), on_wait=said.append).run()
    assert said == ["1 plays", "2 play"]


def test_what_is_refused_for_good_ends_the_player():
    refused = Refused(ErrorCode.NAME_TAKEN, "another has it", 1.0, True)
    with pytest.raises(TurnedAway, match="NAME_TAKEN: another has it"):
        PlayerService(NotedLink([refused])).run()
