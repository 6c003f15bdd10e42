"""What the Trainer makes of results and of everything that is none."""

from __future__ import annotations

import numpy as np
import pytest
from protocol_peers import LIMITS, Peer, Trainer, kinds

from touchline.protocol import (
    Beat,
    Bye,
    Delivered,
    Err,
    ErrorCode,
    Failed,
    Invalid,
    Nack,
    Outcome,
    Result,
    Want,
    encode,
    split,
)
from touchline.protocol import messages as m


def test_a_result_is_delivered_once_with_its_lag(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    trainer.publish(1)
    player.result(0)
    [delivered] = player.told
    assert isinstance(delivered, Delivered)
    assert (delivered.slot, delivered.seq, delivered.version, delivered.lag_play) == (0, 0, 0, 1)
    assert delivered.nbytes == 32
    assert kinds(player.result(0)) == ["ACK"]
    assert player.told == []
    assert trainer.row()["duplicates"] == 1


def test_a_gap_is_refused_and_nothing_counted_as_received(trainer: Trainer, player: Peer) -> None:
    assert player.result(1) == [Nack(session=player.session, next=0)]
    assert trainer.row()["queued"] == 0


def test_a_beat_that_has_sent_more_finds_the_gap(trainer: Trainer, player: Peer) -> None:
    ack, nack = player.beat(2)
    assert (ack.beat, ack.next, nack.next) == (3, 0, 0)
    assert trainer.row()["in_flight"] == 2


@pytest.mark.parametrize("changes", [{"version": 1}, {"order": 2}, {"epoch": 2}])
def test_a_result_not_as_granted_is_dropped_and_counted(trainer: Trainer, player: Peer, changes) -> None:
    player.want(0)
    assert kinds(player.result(0, **changes)) == ["ACK"]
    assert isinstance(player.told[0], Invalid)
    assert trainer.row()["dropped_invalid"] == 1
    assert trainer.sessions.law.oldest() is None


def test_a_result_never_granted_is_dropped(trainer: Trainer, player: Peer) -> None:
    player.result(0)
    assert "expected (version, order) None, found (0, 1)" in player.told[0].detail


def test_a_result_of_an_older_epoch_is_delivered_outside_the_law() -> None:
    trainer = Trainer(epoch=2)
    trainer.start(150)
    player = Peer(trainer)
    player.hello(run="r", sent=1)
    player.ready()
    player.result(0, epoch=1, version=150)
    assert player.told[0].lag_play is None
    trainer.settle((0, 0), outcome=Outcome.DROPPED_STALE)
    assert trainer.sessions.law.measured() is None


def broken(player: Peer, seq: int = 0) -> list[bytes]:
    result = Result(session=player.session, seq=seq, order=1, epoch=1, version=0, meta={})
    return [encode(result, {"x": np.zeros(4)})[0], b"short"]


def test_a_result_that_cannot_be_read_advances_its_number(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    player.want(1)
    ack, weights = player.raw(broken(player))
    assert (ack.next, weights.seq) == (1, 1)
    assert player.told == [Invalid(0, 0, "x: header says float64 [4] = 32 bytes, the frame has 5", order=1)]
    assert trainer.row()["dropped_invalid"] == 1
    assert kinds(player.raw(broken(player))) == ["ACK"]
    assert kinds(player.raw(broken(player, 5))) == ["NACK"]


def test_a_header_that_cannot_be_read_is_refused(trainer: Trainer, player: Peer) -> None:
    [err] = player.raw([b"\xc1"])
    assert (err.code, err.fatal, err.session) == (ErrorCode.BAD_MESSAGE, False, player.session)
    [err] = Peer(trainer, peer=b"stranger").raw([b"\xc1"])
    assert err.session is None


def test_a_result_in_parts_is_delivered_when_whole(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    result = Result(session=player.session, seq=0, order=1, epoch=1, version=0, meta={})
    first, *rest = split(result, {"x": np.arange(3000)}, limits=LIMITS)
    assert player.raw(first) == []
    assert kinds(player.beat(0)) == ["ACK"]
    for frames in rest:
        assert player.raw(frames) == []
    assert player.told[0].arrays["x"][-1] == 2999


def test_a_lost_part_is_a_gap(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    result = Result(session=player.session, seq=0, order=1, epoch=1, version=0, meta={})
    _, second, *_ = split(result, {"x": np.arange(3000)}, limits=LIMITS)
    assert kinds(player.raw(second)) == ["NACK"]
    player.result(0)
    assert player.raw(second) == []


@pytest.mark.parametrize(
    "message",
    [
        Want(session=99, seq=0, count=1, held=None),
        Beat(session=99, beat=1, sent=0, stage="", stage_seconds=0.0, errors=0),
        Bye(session=99, sent=0, reason=""),
    ],
    ids=m.tag,
)
def test_an_unknown_session_is_told_at_once(trainer: Trainer, player: Peer, message: m.Message) -> None:
    for peer in (player, Peer(trainer, "stranger")):
        [err] = peer.say(message)
        assert (err.code, err.session) == (ErrorCode.NO_SESSION, 99)


def test_a_message_of_a_trainer_is_refused(trainer: Trainer, player: Peer) -> None:
    [err] = player.say(Nack(session=player.session, next=0))
    assert (err.code, err.detail) == (ErrorCode.BAD_MESSAGE, "NACK comes from the Trainer, not to it")


def test_an_error_of_the_player_is_told(trainer: Trainer, player: Peer) -> None:
    player.say(Err(code=ErrorCode.ENVIRONMENT, detail="raised", fatal=True, session=player.session))
    assert player.told == [Failed(0, "p0", ErrorCode.ENVIRONMENT, "raised", fatal=True)]
