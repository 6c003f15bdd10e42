"""Players and Trainers that go and come back, and the end of the accounts."""

from __future__ import annotations

import pytest
from protocol_peers import LIMITS, SPACES, Peer, Trainer, kinds

from touchline.protocol import (
    Ack,
    Bye,
    ByeOk,
    DecodeError,
    ErrorCode,
    LedgerError,
    Left,
    Lost,
    Stop,
    TrainerState,
    decode,
)

# -- going and coming back


def test_silence_is_a_loss_and_its_results_in_flight_are_lost(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    player.beat(1)
    assert trainer.tick(4.9) == []
    assert trainer.tick(0.2) == [Lost(0, "p0", "silent for 5 s")]
    assert trainer.row()["lost_player"] == 1
    assert trainer.sessions.oldest_outstanding() is None
    assert kinds(player.beat(1)) == ["ERR"]


def test_back_after_a_loss_with_the_result_of_an_old_grant(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    trainer.publish(1)
    trainer.tick(6.0)
    trainer.publish(2)
    [welcome] = player.hello(run="r", sent=1)
    assert welcome.resumed
    assert trainer.row()["lost_player"] == 0
    player.ready()
    player.result(0)
    assert player.told[0].lag_play == 2
    trainer.settle((0, 0))
    assert trainer.sessions.law.backdated == 2


def test_a_new_process_takes_the_slot_and_goes_on_counting(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    player.result(0)
    trainer.settle((0, 0))
    player.want(1)
    player.beat(2)
    assert trainer.sessions.gone("p0", "killed", 0.0) == [Lost(0, "p0", "killed")]
    assert trainer.sessions.gone("p0", "killed", 0.0) == []
    heir = Peer(trainer, peer=b"heir", pid=2)
    [welcome] = heir.hello()
    assert (welcome.slot, welcome.incarnation, welcome.seed, welcome.next) == (0, 1, 1, 2)
    assert not welcome.resumed
    assert trainer.row()["lost_player"] == 1
    heir.ready()
    [weights] = heir.want(2)
    assert weights.seq == 2


def test_a_process_whose_name_was_taken_over_begins_anew(trainer: Trainer, player: Peer) -> None:
    trainer.tick(6.0)
    heir = Peer(trainer, peer=b"heir", pid=2).join()
    heir.want(0)
    heir.result(0)
    trainer.tick(6.0)
    [welcome] = player.hello(run="r", sent=3, acked=0)
    assert (welcome.resumed, welcome.next, welcome.incarnation) == (False, 1, 2)


def test_a_player_of_another_run_begins_at_zero(trainer: Trainer) -> None:
    [welcome] = Peer(trainer).hello(run="other", sent=9, acked=8)
    assert (welcome.resumed, welcome.next) == (False, 0)


def test_bye_gets_the_row_as_often_as_it_is_said(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    bye = Bye(session=player.session, sent=1, reason="done")
    [first] = player.say(bye)
    assert isinstance(player.told[0], Left)
    assert first == ByeOk(session=player.session, row=trainer.row())
    assert first.row["lost_player"] == 1
    assert player.say(bye) == [first]
    assert player.told == []
    assert player.beat(1) == []


# -- a Trainer that goes on from a checkpoint


def test_restored_it_accounts_for_what_its_predecessor_acknowledged(trainer: Trainer, player: Peer) -> None:
    for seq in range(3):
        player.want(seq)
        player.result(seq)
        trainer.settle((0, seq))
        if seq == 0:
            state = trainer.sessions.state()
    heir = Trainer(epoch=2, state=state)
    heir.start(1)
    player.trainer = heir
    [err] = player.beat(3)
    assert err.code is ErrorCode.NO_SESSION
    [welcome] = player.hello(run="r", sent=4, acked=3)
    assert (welcome.resumed, welcome.next, welcome.epoch) == (True, 3, 2)
    assert heir.row() == {
        **dict.fromkeys(heir.row(), 0), "sent": 4, "trained": 1, "lost_rollback": 2, "in_flight": 1,
    }  # fmt: skip


def test_restored_it_knows_the_spaces_and_counts_incarnations(trainer: Trainer, player: Peer) -> None:
    heir = Trainer(epoch=2, state=trainer.sessions.state())
    assert heir.sessions.spaces == SPACES
    [welcome] = Peer(heir, pid=2).hello()
    assert (welcome.slot, welcome.incarnation) == (0, 1)
    [welcome] = Peer(Trainer(epoch=3, state=heir.sessions.state()), pid=3).hello()
    assert welcome.incarnation == 2


def test_one_that_joined_after_the_checkpoint_is_believed(trainer: Trainer) -> None:
    [welcome] = Peer(Trainer(epoch=2, state=trainer.sessions.state())).hello(run="r", sent=5, acked=4)
    assert (welcome.resumed, welcome.next) == (True, 4)


def test_one_whose_process_changed_after_the_checkpoint_is_believed(trainer: Trainer, player: Peer) -> None:
    heir = Trainer(epoch=2, state=trainer.sessions.state())
    [welcome] = Peer(heir, pid=2).hello(run="r", sent=5, acked=4)
    assert (welcome.resumed, welcome.next, welcome.incarnation) == (True, 4, 1)


def test_a_hello_older_than_what_arrived_is_nothing(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    player.result(0)
    heir = Trainer(epoch=2, state=trainer.sessions.state())
    trainer.settle((0, 0))
    assert player.hello(run="r", sent=0) == []
    assert player.hello(run="r", sent=1)[0].next == 1
    assert Peer(heir).hello(run="r", sent=0)[0].next == 0  # what was queued is sent again


def test_sessions_of_two_trainers_are_never_the_same() -> None:
    numbers = {Peer(Trainer(run=run, epoch=epoch)).hello()[0].session for run in "rs" for epoch in (1, 2)}
    assert len(numbers) == 4


def test_acks_say_what_is_in_a_checkpoint(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    player.result(0)
    trainer.settle((0, 0))
    assert player.beat(1)[0].durable == 0
    trainer.sessions.saved(trainer.sessions.state())
    assert player.beat(1)[0].durable == 1


# -- the end


def test_stop_grants_no_more_and_is_said_until_heard(trainer: Trainer, player: Peer) -> None:
    assert trainer.split(trainer.sessions.stop("solved"))[0] == [Stop(reason="solved")]
    assert player.want(0) == []
    assert kinds(player.beat(0)) == ["ACK", "STOP"]
    assert kinds(Peer(trainer, "late").hello()) == ["STOP"]


def test_closing_the_accounts_settles_what_is_left(trainer: Trainer, player: Peer) -> None:
    """One result arrived and nobody settled it, one was sent and never came."""
    player.want(0)
    player.result(0)
    player.beat(2)
    trainer.sessions.finish(0.0)
    total = trainer.sessions.ledger.total()
    assert (total["unused"], total["lost_player"], total["queued"], total["in_flight"]) == (1, 1, 0, 0)


def test_settling_twice_is_an_error(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    player.result(0)
    trainer.settle((0, 0))
    with pytest.raises(LedgerError, match="not queued"):
        trainer.settle((0, 0))


def test_rows_show_every_player(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    player.beat(1)
    [row] = trainer.sessions.rows()
    assert (row.name, row.state, row.version, row.stage, row.stage_seconds) == (
        "p0", TrainerState.PLAYING, 0, "step", 1.0,
    )  # fmt: skip
    assert (row.sent, row.received, row.host, row.pid) == (1, 0, "h", 1)


def test_the_oldest_outstanding_version_holds_back_the_newest(trainer: Trainer, player: Peer) -> None:
    other = Peer(trainer, "p1").join()
    player.want(0)
    trainer.publish(1)
    other.want(0)
    assert trainer.sessions.oldest_outstanding() == 0
    assert trainer.sessions.oldest_outstanding(but=(0, 0)) == 1
    player.result(0)
    assert trainer.sessions.oldest_outstanding() == 0
    trainer.settle((0, 0))
    assert trainer.sessions.oldest_outstanding() == 1


@pytest.mark.parametrize("frames", [[], [b""], [b"\x93"], [b"x", b"y"], [bytes(70_000)]])
def test_no_bytes_raise(trainer: Trainer, player: Peer, frames: list[bytes]) -> None:
    assert kinds(player.raw(frames)) == ["ERR"]
    with pytest.raises(DecodeError):
        decode(frames, limits=LIMITS)


def test_acks_are_messages_of_one_session(trainer: Trainer, player: Peer) -> None:
    [ack] = player.beat(0)
    assert isinstance(ack, Ack)
    assert ack.session == player.session
