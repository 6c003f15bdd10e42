"""An evaluation in the midst of playing: what is played before and after is as if there had been none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from player_links import NotedLink, welcomed

from touchline.configs import Config
from touchline.player.evaluate import evaluate
from touchline.player.play import spec_of
from touchline.player.service import PlayerFailed, PlayerService
from touchline.player.watchdog import Watchdog
from touchline.policy.evaluation import Evaluation
from touchline.policy.policy import Snapshot
from touchline.protocol.effects import Arrived, Granted, Ordered
from touchline.protocol.messages import Order

EVALUATION = {"episodes": 6, "seed": 5, "greedy": True}


class KeptLink(NotedLink):
    """Keeps what is sent, and what the play loop said it was at; ``interrupt_at`` ends it at that stage."""

    def __init__(self, events: Sequence[Any], interrupt_at: str = "") -> None:
        super().__init__(events)
        self.sent: list[tuple[Granted, dict[str, np.ndarray]]] = []
        self.stages: list[str] = []
        self._interrupt_at = interrupt_at

    def at(self, stage: str) -> None:
        super().at(stage)
        self.stages.append(stage)
        self.interrupted = stage == self._interrupt_at

    def submit(self, granted: Granted, arrays: dict[str, np.ndarray], *, then_want: bool) -> None:
        super().submit(granted, arrays, then_want=then_want)
        self.sent.append((granted, arrays))


def events(config: Config, snapshot: Snapshot, script: str, count: int = 1) -> Iterator[Any]:
    """Each letter a grant: ``t`` of the standing order, ``e`` an evaluation."""
    arguments = {"unroll_length": config.players.unroll_length, "hidden": False, "greedy": False}
    yield welcomed(config)
    yield Ordered(Order(session=1, order=1, verb="play", arguments=arguments, standing=True))
    yield Arrived(1, 0, snapshot.to_arrays())
    seq = 0
    for number, letter in enumerate(script, start=2):
        if letter == "e":
            yield Ordered(Order(session=1, order=number, verb="play", arguments=EVALUATION, standing=False))
            yield Granted(seq, 1, 1, 0, number, 1)
        else:
            yield Granted(seq, count, 1, 0, 1, 1)
        seq += 1 if letter == "e" else count


def played(stage, script: str, **overrides: object) -> KeptLink:
    here = stage(**overrides)
    count = here.config.players.lanes if here.config.players.unroll_length == "episode" else 1
    link = KeptLink(list(events(here.config, here.snapshot(), script, count)))
    PlayerService(link).run()
    return link


@pytest.mark.parametrize(
    "overrides", [{}, {"players.unroll_length": "episode"}, {"env.vectorize": "auto"}, {"staleness.ahead": 1}]
)
def test_training_goes_on_as_if_there_had_been_none(stage, overrides):
    plain = played(stage, "ttt", **overrides)
    mixed = played(stage, "etette", **overrides)
    trained = [arrays for granted, arrays in mixed.sent if granted.order == 1]
    assert len(trained) == len(plain.sent) >= 3
    for (_, expected), found in zip(plain.sent, trained, strict=True):
        assert expected.keys() == found.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(array, found[name], err_msg=name)


def test_it_sends_what_whole_greedy_episodes_brought(stage):
    here = stage()
    link = played(stage, "te")
    found = Evaluation.from_arrays(link.sent[1][1], episodes=6)
    assert found == evaluate(
        spec_of(here.config),
        here.policy,
        here.snapshot(),
        episodes=6,
        seed=5,
        lanes=here.config.players.lanes,
    )
    again = played(stage, "tete")
    for index in (1, 3):
        assert Evaluation.from_arrays(again.sent[index][1], episodes=6) == found


@pytest.mark.parametrize("overrides", [{}, {"staleness.ahead": 1}])
def test_the_next_is_asked_for_with_its_result(stage, overrides):
    assert played(stage, "e", **overrides).notes == ["ready", "want after 0", "submit and want"]


def test_the_stage_says_that_it_evaluates_and_the_watchdog_watches(stage):
    assert played(stage, "te").stages == [
        "building",
        "waiting",
        "playing",
        "waiting",
        "evaluating",
        "waiting",
    ]
    assert "evaluating" in Watchdog.WATCHED


def test_interrupted_it_sends_nothing(stage):
    here = stage()
    link = KeptLink(list(events(here.config, here.snapshot(), "e")), interrupt_at="evaluating")
    PlayerService(link).run()
    assert link.sent == []


def test_no_more_copies_at_a_time_than_lanes(stage, monkeypatch):
    from touchline.envs.make import make_lanes

    made: list[int] = []

    def noted(spec: Any, lanes: int, **keywords: Any) -> Any:
        made.append(lanes)
        return make_lanes(spec, lanes, **keywords)

    monkeypatch.setattr("touchline.player.evaluate.make_lanes", noted)
    played(stage, "ee", **{"players.lanes": 4})
    assert made == [4, 2]  # six episodes, and once


def test_an_environment_that_fails_meanwhile_is_a_failure_of_the_play(stage, monkeypatch):
    here = stage()
    link = KeptLink(list(events(here.config, here.snapshot(), "e")))

    def broken(*_: Any, **__: Any) -> Any:
        raise ValueError("the motor is on fire")

    monkeypatch.setattr("touchline.player.evaluate.make_lanes", broken)
    with pytest.raises(PlayerFailed, match="the motor is on fire"):
        PlayerService(link).run()
    assert [failure["kind"] for failure in link.failures] == ["play"]
    assert link.notes[-1] == "bye"
