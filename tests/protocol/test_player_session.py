"""A Player's session, message by message, against a Trainer that the test plays."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.protocol import (
    Ack,
    Arrived,
    Beat,
    Bye,
    ByeOk,
    Err,
    ErrorCode,
    Gate,
    Granted,
    Hello,
    Identity,
    Limits,
    LocalError,
    Nack,
    Order,
    Ordered,
    PlayerSession,
    PlayerState,
    Ready,
    Refused,
    RemoteError,
    Reopen,
    Result,
    SaidGoodbye,
    Send,
    SnapshotId,
    Stop,
    Stopped,
    Timing,
    Want,
    Weights,
    Welcome,
    Welcomed,
    decode,
    encode,
)
from touchline.protocol import messages as m

IDENTITY = Identity(name="p0", host="h", pid=1, incarnation=0, touchline="0.1.0", python="3.11")
TIMING = Timing(heartbeat_seconds=0.5, dead_seconds=5.0)
SPACES, FACTS = {"observation": {"n": 2}}, {"threshold": None}


class Dialogue:
    """The session under test, and a Trainer that says what it is told to."""

    def __init__(self) -> None:
        self.session = PlayerSession(IDENTITY, timing=TIMING)
        self.now = 0.0
        self.number = 0

    def said(self, effects: list[object]) -> list[m.Message]:
        sent = [effect for effect in effects if isinstance(effect, Send)]
        return [decode(effect.frames, limits=Limits()).message for effect in sent]

    def hear(self, message: m.Message, arrays: dict[str, np.ndarray] | None = None) -> list[object]:
        return self.session.receive(encode(message, arrays), self.now)

    def welcome(self, *, resumed: bool = False, after: int = 0, attempt: int = 1, **changes) -> list[object]:
        self.number += 1
        fields = {
            "attempt": attempt, "run": "r", "epoch": 1, "session": self.number, "slot": 0, "incarnation": 0,
            "seed": 5, "resumed": resumed, "next": after, "width": 1, "gate": Gate(1, 0),
            "heartbeat_seconds": 0.5, "dead_seconds": 5.0, "config": {},
        }  # fmt: skip
        return self.hear(Welcome(**{**fields, **changes}))

    def order(self, number: int = 1, *, standing: bool = True) -> list[object]:
        return self.hear(
            Order(session=self.number, order=number, verb="play", arguments={}, standing=standing)
        )

    def weights(self, seq: int, version: int = 0, *, arrays: bool = True, **changes) -> list[object]:
        fields = {
            "session": self.number, "seq": seq, "count": 1, "order": 1, "epoch": 1, "version": version,
            "modified": arrays, "gate": Gate(seq + 1, 0),
        }  # fmt: skip
        return self.hear(Weights(**{**fields, **changes}), {"w": np.ones(3)} if arrays else None)

    def ack(self, after: int, **changes) -> list[object]:
        fields = {"session": self.number, "next": after, "gate": Gate(9, 0), "newest": 0, "durable": 0}
        return self.hear(Ack(**{**fields, **changes}))

    def submit(self, granted: Granted, **options) -> list[object]:
        return self.session.submit(granted, {"x": np.arange(4)}, {"steps": 4}, self.now, **options)

    def tick(self, seconds: float) -> list[object]:
        self.now += seconds
        return self.session.tick(self.now)


@pytest.fixture
def fresh() -> Dialogue:
    dialogue = Dialogue()
    dialogue.session.open(0.0)
    return dialogue


@pytest.fixture
def playing(fresh: Dialogue) -> Dialogue:
    fresh.welcome()
    fresh.session.ready(SPACES, FACTS, 0.0)
    fresh.order()
    assert fresh.session.state is PlayerState.PLAYING
    return fresh


def granted(dialogue: Dialogue, seq: int = 0, **changes) -> Granted:
    dialogue.session.want(dialogue.now)
    grants = [effect for effect in dialogue.weights(seq, **changes) if isinstance(effect, Granted)]
    assert len(grants) == 1
    return grants[0]


# -- coming in


def test_open_says_hello() -> None:
    dialogue = Dialogue()
    [hello] = dialogue.said(dialogue.session.open(0.0))
    assert isinstance(hello, Hello)
    assert (hello.name, hello.attempt, hello.run, hello.sent) == ("p0", 1, None, 0)


def test_open_is_said_once(fresh: Dialogue) -> None:
    with pytest.raises(LocalError, match="open in state hello"):
        fresh.session.open(0.0)


def test_welcome_asks_for_an_environment_and_ready_tells_of_it(fresh: Dialogue) -> None:
    [welcomed] = fresh.welcome()
    assert isinstance(welcomed, Welcomed)
    assert (welcomed.welcome.seed, welcomed.factory) == (5, None)
    [ready] = fresh.said(fresh.session.ready(SPACES, FACTS, 0.0))
    assert ready == Ready(session=1, spaces=SPACES, facts=FACTS)
    [ordered] = fresh.order()
    assert isinstance(ordered, Ordered)


def test_the_factory_comes_with_the_welcome(fresh: Dialogue) -> None:
    frames = encode(
        Welcome(
            attempt=1, run="r", epoch=1, session=1, slot=0, incarnation=0, seed=5, resumed=False, next=0,
            width=1, gate=Gate(1, 0), heartbeat_seconds=1.0, dead_seconds=2.0, config={},
        ),
        {"factory": np.frombuffer(b"pickled", np.uint8)},
    )  # fmt: skip
    [welcomed] = fresh.session.receive(frames, 0.0)
    assert welcomed.factory == b"pickled"


def test_a_welcome_to_an_earlier_hello_is_not_believed(fresh: Dialogue) -> None:
    assert fresh.welcome(attempt=0) == []
    assert fresh.session.state is PlayerState.HELLO


def test_ready_is_said_again_until_an_order_comes(fresh: Dialogue) -> None:
    fresh.welcome()
    fresh.session.ready(SPACES, FACTS, 0.0)
    assert [type(message) for message in fresh.said(fresh.tick(0.6))] == [Beat, Ready]
    fresh.order()
    assert [type(message) for message in fresh.said(fresh.tick(0.6))] == [Beat]


def test_the_welcome_sets_the_pace_of_heartbeats(fresh: Dialogue) -> None:
    fresh.welcome(heartbeat_seconds=2.0)
    assert fresh.tick(1.9) == []
    assert [type(message) for message in fresh.said(fresh.tick(0.2))] == [Beat]


def test_an_order_told_twice_is_one_order(playing: Dialogue) -> None:
    assert playing.order(1) == []
    assert [type(effect) for effect in playing.order(2)] == [Ordered]


# -- refusals


def test_busy_stands_by_and_tries_again(fresh: Dialogue) -> None:
    [refused] = fresh.hear(Err(code=ErrorCode.BUSY, detail="full", fatal=False, retry_after_seconds=2.0))
    assert refused == Refused(ErrorCode.BUSY, "full", 2.0, fatal=False)
    assert fresh.session.state is PlayerState.STANDBY
    assert fresh.tick(1.9) == []
    [hello] = fresh.said(fresh.tick(0.2))
    assert hello.attempt == 2


@pytest.mark.parametrize("code", [ErrorCode.BAD_VERSION, ErrorCode.NAME_TAKEN, ErrorCode.AUTH])
def test_a_fatal_refusal_closes(fresh: Dialogue, code: ErrorCode) -> None:
    [refused] = fresh.hear(Err(code=code, detail="no", fatal=True))
    assert refused.fatal
    assert fresh.session.state is PlayerState.CLOSED
    assert fresh.tick(100.0) == []


def test_a_refusal_that_is_not_fatal_is_told(playing: Dialogue) -> None:
    [refused] = playing.hear(Err(code=ErrorCode.BAD_MESSAGE, detail="hm", fatal=False, session=1))
    assert refused.code is ErrorCode.BAD_MESSAGE
    assert playing.session.state is PlayerState.PLAYING


def test_the_environment_and_orders_can_be_refused(playing: Dialogue) -> None:
    [err] = playing.said(playing.session.refuse_environment("no such game", True, 0.0))
    assert (err.code, err.detail, err.fatal, err.session) == (ErrorCode.ENVIRONMENT, "no such game", True, 1)
    [err] = playing.said(playing.session.refuse_order(4, "unknown verb 'fit'", 0.0))
    assert (err.code, err.detail) == (ErrorCode.BAD_ORDER, "order 4: unknown verb 'fit'")


# -- grants and results


def test_a_grant_brings_its_snapshot_and_is_spent_by_its_result(playing: Dialogue) -> None:
    [want] = playing.said(playing.session.want(0.0))
    assert want == Want(session=1, seq=0, count=1, held=None)
    assert playing.session.want(0.0) == []
    arrived, grant = playing.weights(0, version=3)
    assert isinstance(arrived, Arrived)
    assert grant == Granted(seq=0, count=1, epoch=1, version=3, order=1, generation=1)
    [result] = playing.said(playing.submit(grant))
    assert result == Result(session=1, seq=0, order=1, epoch=1, version=3, meta={"steps": 4})
    with pytest.raises(LocalError, match="result 1 is not one of"):
        playing.submit(grant)


def test_then_want_follows_the_result_and_names_what_is_held(playing: Dialogue) -> None:
    grant = granted(playing, version=3)
    _, want = playing.said(playing.submit(grant, then_want=True))
    assert want == Want(session=1, seq=1, count=1, held=SnapshotId(1, 3))
    [second] = playing.weights(1, version=3, arrays=False)
    assert second.version == 3


def test_a_wave_is_granted_together_and_numbered_as_it_ends(fresh: Dialogue) -> None:
    fresh.welcome(width=3)
    fresh.session.ready(SPACES, FACTS, 0.0)
    fresh.order()
    [want] = fresh.said(fresh.session.want(0.0))
    assert want.count == 3
    _, wave = fresh.weights(0, count=3, gate=Gate(3, 0))
    sent = [message.seq for _ in range(3) for message in fresh.said(fresh.submit(wave))]
    assert sent == [0, 1, 2]
    with pytest.raises(LocalError):
        fresh.submit(wave)


def test_a_second_copy_of_a_grant_is_nothing(playing: Dialogue) -> None:
    granted(playing)
    assert playing.weights(0) == []
    playing.session.want(0.0)
    assert playing.weights(0) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"gate": Gate(0, 0)}, "beyond Gate"),
        ({"gate": Gate(9, 1)}, "beyond Gate"),
        ({"epoch": 2}, "expected epoch 1, found 2"),
        ({"arrays": False}, "version 0 is not modified, but None is held"),
    ],
)
def test_a_grant_that_cannot_be_is_the_trainers_error(playing: Dialogue, changes, text: str) -> None:
    playing.session.want(0.0)
    with pytest.raises(RemoteError, match=text):
        playing.weights(0, **changes)


def test_a_grant_under_an_unknown_order_asks_for_the_order(playing: Dialogue) -> None:
    playing.session.want(0.0)
    [want] = playing.said(playing.weights(0, order=2))
    assert want.missing == 2
    playing.order(2, standing=False)
    _, grant = playing.weights(0, order=2)
    assert grant.order == 2


def test_a_message_of_a_player_is_the_trainers_error(playing: Dialogue) -> None:
    with pytest.raises(RemoteError, match="BYE comes from Players, not to them"):
        playing.hear(Bye(session=1, sent=0, reason=""))


def test_what_cannot_be_sent_is_not_counted(playing: Dialogue) -> None:
    grant = granted(playing)
    with pytest.raises(TypeError):
        playing.session.submit(grant, {"x": np.array([None])}, {}, 0.0)
    with pytest.raises(LocalError, match="header has"):
        playing.session.submit(grant, {}, {"x": "y" * 70_000}, 0.0)
    assert (playing.session.sent, playing.session.unacknowledged) == (0, 0)
    playing.submit(grant)
    assert playing.session.sent == 1


# -- sending again


def test_results_are_kept_until_acknowledged(playing: Dialogue) -> None:
    playing.submit(granted(playing))
    assert playing.session.unacknowledged == 1
    playing.ack(1)
    assert playing.session.unacknowledged == 0
    with pytest.raises(RemoteError, match="next is 2, but only 1 results were sent"):
        playing.ack(2)


def test_a_nack_sends_again_what_is_missing_and_once(playing: Dialogue) -> None:
    for seq in range(3):
        playing.submit(granted(playing, seq, arrays=seq == 0))
    playing.now = 1.0
    nack = Nack(session=1, next=1)
    assert [message.seq for message in playing.said(playing.hear(nack))] == [1, 2]
    assert playing.hear(nack) == []
    playing.now += 1.0
    assert [message.seq for message in playing.said(playing.hear(nack))] == [1, 2]


def test_a_want_whose_answer_was_lost_is_said_again(playing: Dialogue) -> None:
    playing.session.want(0.0)
    assert playing.ack(0) == []  # answers no heartbeat: it may have been said before the WANT came
    [beat] = playing.said(playing.tick(0.6))
    assert playing.ack(0, beat=beat.beat, waiting=0) == []
    [want] = playing.said(playing.ack(0, beat=beat.beat))
    assert isinstance(want, Want)
    assert playing.ack(0, beat=beat.beat) == []


# -- silence, and coming back


def test_silence_opens_a_new_socket(playing: Dialogue) -> None:
    playing.tick(4.9)
    assert playing.session.state is PlayerState.PLAYING
    reopen, hello = playing.tick(0.2)
    assert reopen == Reopen()
    assert decode(hello.frames, limits=Limits()).message.attempt == 2


def test_hello_without_an_answer_is_said_again_on_a_new_socket(fresh: Dialogue) -> None:
    assert fresh.tick(4.9) == []
    assert fresh.tick(0.2)[0] == Reopen()


def test_every_believed_message_is_a_sign_of_life(playing: Dialogue) -> None:
    playing.tick(4.0)
    playing.ack(0)
    playing.tick(4.0)
    assert playing.session.state is PlayerState.PLAYING


def test_an_unbelieved_message_is_not(playing: Dialogue) -> None:
    playing.tick(4.0)
    playing.ack(0, session=99)
    assert playing.tick(1.1)[0] == Reopen()


def come_back(dialogue: Dialogue, **welcome) -> list[object]:
    dialogue.hear(Err(code=ErrorCode.NO_SESSION, detail="", fatal=False, session=dialogue.number))
    assert dialogue.session.state is PlayerState.HELLO
    return dialogue.welcome(attempt=2, **welcome)


def test_resumed_it_is_ready_by_itself_and_sends_again(playing: Dialogue) -> None:
    for seq in range(2):
        playing.submit(granted(playing, seq, arrays=seq == 0))
    welcomed, *rest = come_back(playing, resumed=True, after=1)
    assert welcomed.welcome.resumed
    ready, result = playing.said(rest)
    assert (ready.session, result.session, result.seq) == (2, 2, 1)


def test_resumed_a_grant_still_counts(playing: Dialogue) -> None:
    grant = granted(playing)
    come_back(playing, resumed=True)
    [result] = playing.said(playing.submit(grant))
    assert (result.session, result.seq) == (2, 0)


def test_resumed_the_want_follows_the_order(playing: Dialogue) -> None:
    playing.session.want(0.0)
    come_back(playing, resumed=True)
    [want] = playing.said(playing.order())
    assert want == Want(session=2, seq=0, count=1, held=None)


def test_begun_anew_everything_before_is_void(playing: Dialogue) -> None:
    grant = granted(playing)
    [welcomed] = come_back(playing, resumed=False, after=7)
    assert not welcomed.welcome.resumed
    assert playing.session.state is PlayerState.PREPARING
    assert playing.submit(grant) == []
    assert playing.session.sent == 7
    playing.session.ready(SPACES, FACTS, 0.0)
    playing.order()
    [want] = playing.said(playing.session.want(0.0))
    assert (want.seq, want.held) == (7, None)


def test_a_result_made_while_away_goes_out_on_return(playing: Dialogue) -> None:
    grant = granted(playing)
    playing.tick(5.1)
    assert playing.submit(grant) == []
    _, ready, result = playing.welcome(attempt=2, resumed=True)
    assert [type(message) for message in playing.said([ready, result])] == [Ready, Result]


def test_ready_while_away_is_said_on_return(fresh: Dialogue) -> None:
    fresh.welcome()
    fresh.tick(5.1)
    assert fresh.session.ready(SPACES, FACTS, fresh.now) == []
    _, ready = fresh.welcome(attempt=2, resumed=True)
    assert isinstance(fresh.said([ready])[0], Ready)


def test_no_session_of_an_older_session_is_nothing(playing: Dialogue) -> None:
    stale = Err(code=ErrorCode.NO_SESSION, detail="", fatal=False, session=playing.number)
    come_back(playing, resumed=True)
    assert playing.hear(stale) == []


# -- the end


def test_stop_is_told_once_and_bye_gets_the_row(playing: Dialogue) -> None:
    assert playing.hear(Stop(reason="solved")) == [Stopped("solved")]
    assert playing.hear(Stop(reason="solved")) == []
    [bye] = playing.said(playing.session.bye("stopped", 0.0))
    assert bye == Bye(session=1, sent=0, reason="stopped")
    assert playing.hear(ByeOk(session=1, row={"sent": 0})) == [SaidGoodbye({"sent": 0})]
    assert playing.session.state is PlayerState.CLOSED
    assert playing.session.bye("again", 0.0) == []


def test_bye_is_said_again_until_answered_or_given_up(playing: Dialogue) -> None:
    playing.session.bye("done", 0.0)
    assert [type(message) for message in playing.said(playing.tick(0.6))] == [Bye]
    assert playing.tick(5.0) == [SaidGoodbye(None)]


def test_leaving_a_session_that_is_gone_is_a_goodbye(playing: Dialogue) -> None:
    playing.session.bye("done", 0.0)
    gone = Err(code=ErrorCode.NO_SESSION, detail="", fatal=False, session=1)
    assert playing.hear(gone) == [SaidGoodbye(None)]


def test_results_after_bye_are_dropped_uncounted(playing: Dialogue) -> None:
    grant = granted(playing)
    playing.session.bye("done", 0.0)
    assert playing.submit(grant) == []
    assert playing.session.sent == 0


@pytest.mark.parametrize("state", ["idle", "hello"])
def test_bye_outside_a_session_needs_no_answer(state: str) -> None:
    dialogue = Dialogue()
    if state == "hello":
        dialogue.session.open(0.0)
    assert dialogue.session.bye("never mind", 0.0) == [SaidGoodbye(None)]


def test_stop_in_place_of_a_welcome_closes(fresh: Dialogue) -> None:
    assert fresh.hear(Stop(reason="over")) == [Stopped("over"), SaidGoodbye(None)]


def test_heartbeats_tell_the_stage_and_its_age(playing: Dialogue) -> None:
    playing.session.progress("step", since=0.25, errors=2)
    [beat] = playing.said(playing.tick(1.0))
    assert beat == Beat(session=1, beat=1, sent=0, stage="step", stage_seconds=0.75, errors=2)
    assert playing.tick(0.4) == []


def test_an_order_once_is_forgotten_when_its_result_has_been_sent(playing: Dialogue) -> None:
    """A run by rounds gives thousands: what was carried out is not remembered."""
    playing.session.want(0.0)
    playing.order(2, standing=False)
    _, grant = playing.weights(0, order=2)
    assert playing.order(2, standing=False) == []
    playing.session.submit(grant, {}, {}, 0.0)
    assert [type(effect) for effect in playing.order(2, standing=False)] == [Ordered]
