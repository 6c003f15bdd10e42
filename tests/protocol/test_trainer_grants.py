"""When a Player may start, and with which version."""

from __future__ import annotations

import numpy as np
import pytest
from protocol_peers import LIMITS, Peer, Trainer, kinds, snapshot

from touchline.protocol import (
    Snapshot,
    SnapshotId,
    Want,
    Weights,
    decode,
    encode,
)

# -- WANT


def test_a_want_is_answered_with_a_version_to_play(trainer: Trainer, player: Peer) -> None:
    [weights] = player.want(0)
    assert isinstance(weights, Weights)
    assert (weights.seq, weights.count, weights.version, weights.modified) == (0, 1, 0, True)
    assert weights.gate.allows(seq=0, version=0)


def test_what_is_held_is_not_sent(trainer: Trainer, player: Peer) -> None:
    frames = trainer.sessions.receive(
        player.peer, encode(Want(session=player.session, seq=0, count=1, held=SnapshotId(1, 0))), 0.0
    )[0].frames
    decoded = decode(frames, limits=LIMITS)
    assert (decoded.message.modified, decoded.arrays) == (False, {})


def test_the_same_version_of_another_epoch_is_sent(trainer: Trainer, player: Peer) -> None:
    [weights] = player.want(0, held=SnapshotId(0, 0))
    assert weights.modified


def test_one_snapshot_serves_all_from_the_same_memory(trainer: Trainer) -> None:
    weights = np.zeros(100)
    trainer.sessions.publish(Snapshot.of(1, {"w": weights}), 0.0)
    for name in "ab":
        player = Peer(trainer, name).join()
        want = Want(session=player.session, seq=0, count=1, held=None)
        [sent] = trainer.sessions.receive(player.peer, encode(want), 0.0)
        assert np.shares_memory(np.frombuffer(sent.frames[1], np.uint8), weights)


@pytest.mark.parametrize("ahead", [0, 1, 2])
def test_the_gate_holds_a_want_until_results_are_settled(ahead: int) -> None:
    trainer = Trainer(ahead=ahead)
    trainer.start()
    player = Peer(trainer).join()
    for seq in range(ahead + 1):
        assert kinds(player.want(seq)) == ["WEIGHTS"]
    assert player.want(ahead + 1) == []
    assert player.beat(0)[0].waiting == ahead + 1
    player.result(0)
    assert kinds(trainer.settle((0, 0))) == ["ACK", "WEIGHTS"]
    assert player.beat(1)[0].waiting is None


@pytest.mark.parametrize(("ahead", "answers"), [(0, []), (1, ["ACK"])])
def test_a_result_is_answered_on_arrival_only_when_ahead(ahead: int, answers: list[str]) -> None:
    trainer = Trainer(ahead=ahead)
    trainer.start()
    player = Peer(trainer).join()
    player.want(0)
    assert kinds(player.result(0)) == answers


def test_taken_into_a_batch_it_frees_its_player_and_is_consumed_once(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    player.result(0)
    player.want(1)
    assert kinds(trainer.settle((0, 0), outcome=None)) == ["ACK", "WEIGHTS"]
    assert (trainer.row()["queued"], trainer.row()["trained"]) == (1, 0)
    trainer.settle((0, 0), published=snapshot(1))
    assert (trainer.row()["queued"], trainer.row()["trained"]) == (0, 1)
    assert trainer.sessions.law.measured() == 0.0


def test_a_result_that_completes_a_batch_is_answered_with_the_new_version(
    trainer: Trainer, player: Peer
) -> None:
    player.want(0)
    player.result(0)
    player.want(1)
    ack, weights = trainer.settle((0, 0), published=snapshot(1))
    assert (ack.next, ack.newest, weights.version) == (1, 1, 1)
    assert trainer.sessions.law.measured() == 0.0


def test_a_want_before_there_is_a_version_waits_for_it() -> None:
    trainer = Trainer()
    player = Peer(trainer).join()
    trainer.sessions.set_order(1, "play", {})
    assert player.want(0) == []
    assert kinds(trainer.publish(150)) == ["WEIGHTS"]


def test_a_wave_is_granted_whole_when_the_last_is_settled() -> None:
    trainer = Trainer(width=3)
    trainer.start()
    player = Peer(trainer).join()
    [weights] = player.want(0, count=3)
    assert weights.count == 3
    for seq in range(3):
        player.result(seq)
    player.want(3, count=3)
    assert kinds(trainer.settle((0, 0), (0, 2))) == ["ACK"]
    ack, weights = trainer.settle((0, 1))
    assert (weights.seq, weights.count, ack.gate.start_limit) == (3, 3, 6)


def test_a_stale_want_is_nothing(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    player.result(0)
    assert player.want(0) == []
    assert player.beat(1)[0].waiting is None


# -- sync


def test_the_barrier_holds_the_first_grants_until_all_are_ready() -> None:
    trainer = Trainer(barrier=2)
    trainer.start()
    first, second = Peer(trainer, "a").join(), Peer(trainer, "b")
    assert first.want(0) == []
    second.hello()
    assert kinds(second.ready()) == ["ORDER", "WEIGHTS"]


def test_holding_starts_makes_all_wait_for_the_version() -> None:
    trainer = Trainer(barrier=2)
    trainer.start()
    players = [Peer(trainer, name).join() for name in "ab"]
    for player in players:
        player.want(0)
        player.result(0)
        player.want(1)
    said = trainer.settle((0, 0), start_version=1)
    assert kinds(said) == ["ACK"]
    assert said[0].gate.start_version == 1
    assert kinds(trainer.settle((1, 0), published=snapshot(1))) == ["ACK", "WEIGHTS", "WEIGHTS"]
    assert trainer.sessions.law.measured() == 0.0
