"""Orders given once: their grants, and what becomes of them when their Player goes."""

from __future__ import annotations

import numpy as np
import pytest
from protocol_peers import Peer, Trainer, kinds, snapshot

from touchline.protocol import Delivered, Invalid, Outcome, Snapshot, TrainerState

ONCE = 7


def ask(trainer: Trainer, order: int = ONCE, slot: int = 0) -> list[str]:
    said, told = trainer.split(trainer.sessions.order_once(slot, order, "play", {"greedy": True}))
    assert told == []
    return kinds(said)


def evaluated(trainer: Trainer, seq: int) -> list[str]:
    return kinds(trainer.settle((0, seq), outcome=Outcome.EVALUATED))


def test_what_waits_for_a_grant_is_answered_with_it_at_once(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    player.result(0)
    player.want(1)
    assert ask(trainer) == []  # the gate is closed until its result is settled
    assert kinds(trainer.settle((0, 0))) == ["ACK", "ORDER", "WEIGHTS"]


def test_one_whose_ready_has_not_come_is_told_with_the_answer_to_it(trainer: Trainer) -> None:
    """An order is the answer to READY: told before, it would end the READYs of a Player whose first was lost."""
    late = Peer(trainer, name="late")
    late.hello()
    slot = trainer.sessions.rows()[-1].slot
    assert ask(trainer, slot=slot) == []
    assert kinds(late.ready()) == ["ORDER", "ORDER"]
    assert kinds(late.want(0)) == ["ORDER", "WEIGHTS"]


def test_it_is_delivered_with_the_snapshot_that_played_it(trainer: Trainer, player: Peer) -> None:
    ask(trainer)
    player.want(0)
    for version in (1, 2, 3):
        trainer.publish(version)
    player.result(0, order=ONCE)
    [delivered] = player.told
    assert isinstance(delivered, Delivered)
    assert (delivered.order, delivered.version) == (ONCE, 0)
    arrays = delivered.snapshot.arrays()
    assert arrays["w"].tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="read-only"):
        arrays["w"][0] = 1


def test_a_result_of_the_standing_order_has_no_snapshot(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    player.result(0)
    assert player.told[0].snapshot is None


def test_it_has_no_part_in_the_law_of_lag(trainer: Trainer, player: Peer) -> None:
    ask(trainer)
    player.want(0)
    assert trainer.sessions.oldest_outstanding() is None  # so that no version waits for it
    for version in (1, 2, 3):
        trainer.publish(version)
    player.result(0, order=ONCE)
    assert evaluated(trainer, 0) == ["ACK"]
    assert trainer.sessions.law.measured() is None
    player.want(1)
    player.result(1, version=3)
    trainer.settle((0, 1))
    assert trainer.sessions.law.measured() == 0.0
    assert trainer.row() | {"trained": 1, "evaluated": 1, "sent": 2} == trainer.row()


def test_of_a_wave_it_takes_one_number_and_the_next_wave_is_whole() -> None:
    trainer = Trainer(width=3)
    trainer.start()
    player = Peer(trainer).join()
    ask(trainer)
    [_, weights] = player.want(0, count=3)
    assert (weights.count, weights.order) == (1, ONCE)
    player.result(0, order=ONCE)
    player.want(1, count=3)
    trainer.settle((0, 0), outcome=Outcome.EVALUATED)
    assert player.beat(1)[0].waiting is None
    for seq in (1, 2, 3):
        player.result(seq)
    assert [delivered.order for delivered in player.told] == [1]


def test_two_are_carried_out_one_after_the_other(trainer: Trainer, player: Peer) -> None:
    ask(trainer, 7)
    ask(trainer, 8)
    for seq, order in ((0, 7), (1, 8)):
        said = player.want(seq)
        assert (kinds(said), said[1].order) == (["ORDER", "WEIGHTS"], order)
        player.result(seq, order=order)
        evaluated(trainer, seq)
    assert player.want(2)[0].order == 1


def test_a_grant_whose_answer_was_lost_is_told_again_with_its_order(trainer: Trainer, player: Peer) -> None:
    ask(trainer)
    first = player.want(0)
    again = player.want(0)
    assert kinds(first) == kinds(again) == ["ORDER", "WEIGHTS"]
    assert (again[0].order, again[0].standing, again[1].version) == (ONCE, False, 0)


def test_what_cannot_be_read_names_the_order(trainer: Trainer, player: Peer) -> None:
    ask(trainer)
    player.want(0)
    player.result(0, order=1)  # not the one it was granted under
    [invalid] = player.told
    assert isinstance(invalid, Invalid)
    assert invalid.order == ONCE
    assert trainer.row()["dropped_invalid"] == 1


def test_what_was_never_granted_has_no_order(trainer: Trainer, player: Peer) -> None:
    player.result(0, order=ONCE)
    assert player.told[0].order is None


# -- a Player that goes


def test_lost_before_the_grant_it_is_forgotten(trainer: Trainer, player: Peer) -> None:
    ask(trainer)
    trainer.tick(6.0)
    player.hello(run="r", sent=0, acked=0)
    player.ready()
    assert player.want(0)[-1].order == 1


def test_begun_anew_before_the_grant_it_is_forgotten(trainer: Trainer, player: Peer) -> None:
    ask(trainer)
    player.hello()  # remembers nothing of the run
    player.ready()
    assert player.want(0)[-1].order == 1


def test_lost_after_the_grant_it_comes_with_the_player_that_comes_back(
    trainer: Trainer, player: Peer
) -> None:
    ask(trainer)
    player.want(0)
    trainer.tick(6.0)
    trainer.publish(1)
    player.hello(run="r", sent=0, acked=0)
    player.ready()
    said = player.want(0)
    assert (kinds(said), said[1].order, said[1].version) == (["ORDER", "WEIGHTS"], ONCE, 0)
    player.result(0, order=ONCE)
    assert player.told[0].order == ONCE
    evaluated(trainer, 0)
    assert trainer.row()["evaluated"] == 1


@pytest.mark.parametrize("granted", [False, True])
def test_another_process_of_that_name_does_not_inherit_it(trainer: Trainer, granted: bool) -> None:
    player = Peer(trainer).join()
    ask(trainer)
    if granted:
        player.want(0)
    trainer.tick(6.0)
    other = Peer(trainer, pid=2, peer=b"another").join()
    assert trainer.sessions.rows()[0].incarnation == 1
    assert other.want(0)[-1].order == 1
    trainer.sessions.check()


def test_one_that_is_gone_is_not_asked(trainer: Trainer, player: Peer) -> None:
    trainer.tick(6.0)
    assert trainer.sessions.rows()[0].state is TrainerState.LOST
    assert ask(trainer) == []
    player.hello(run="r", sent=0, acked=0)
    player.ready()
    assert player.want(0)[-1].order == 1


def test_at_the_end_one_under_way_is_not_missed(trainer: Trainer, player: Peer) -> None:
    ask(trainer)
    player.want(0)
    trainer.sessions.stop("over")
    trainer.sessions.finish(trainer.now)
    assert trainer.row()["sent"] == 0


def test_a_snapshot_gives_back_what_it_was_made_of() -> None:
    made = {"a": np.arange(6, dtype="f4").reshape(2, 3), "b": np.array(3), "c": np.zeros((0, 4))}
    arrays = Snapshot.of(5, made).arrays()
    assert arrays.keys() == made.keys()
    for name, array in made.items():
        assert array.dtype == arrays[name].dtype
        np.testing.assert_array_equal(array, arrays[name])
    assert np.shares_memory(arrays["a"], made["a"])
    assert snapshot(3).arrays()["w"].tolist() == [3, 3, 3]


def test_a_player_without_a_standing_order_is_told_of_its_first_and_then_asks() -> None:
    trainer = Trainer()
    trainer.publish(0)
    player = Peer(trainer).join()
    said, _ = trainer.split(trainer.sessions.order_once(0, ONCE, "rows", {}, trains=True))
    assert kinds(said) == ["ORDER"]  # which is what it waits for before it asks for a snapshot
    assert kinds(player.want(0)) == ["ORDER", "WEIGHTS"]


def test_a_first_order_that_was_lost_is_said_again_when_ready_is() -> None:
    trainer = Trainer()
    trainer.publish(0)
    player = Peer(trainer).join()
    trainer.split(trainer.sessions.order_once(0, ONCE, "rows", {}, trains=True))
    assert kinds(player.ready()) == ["ORDER"]


def test_one_that_trains_is_counted_by_the_law_of_lag(trainer: Trainer, player: Peer) -> None:
    trainer.split(trainer.sessions.order_once(0, ONCE, "rows", {}, trains=True))
    player.want(0)
    assert trainer.sessions.oldest_outstanding() == 0
    for version in (1, 2, 3):
        trainer.publish(version)
    player.result(0, order=ONCE)
    trainer.settle((0, 0))
    assert trainer.sessions.law.measured() == 3.0
    trainer.sessions.check()


def test_one_that_trains_is_lost_with_its_player_by_the_law(trainer: Trainer, player: Peer) -> None:
    trainer.split(trainer.sessions.order_once(0, ONCE, "rows", {}, trains=True))
    player.want(0)
    trainer.publish(1)
    trainer.split(trainer.sessions.gone("player-0", "killed", 1.0))
    trainer.publish(2)
    trainer.sessions.finish(2.0)
    assert trainer.sessions.oldest_outstanding() is None
    trainer.sessions.check()


def test_a_player_that_comes_back_before_its_grant_arrived_is_told_of_the_order_again() -> None:
    trainer = Trainer()
    trainer.publish(0)
    player = Peer(trainer).join()
    trainer.split(trainer.sessions.order_once(0, ONCE, "rows", {}, trains=True))
    player.want(0)  # and the answer is lost
    player.hello(run="r")
    assert kinds(player.ready()) == ["ORDER"]
    assert kinds(player.want(0)) == ["ORDER", "WEIGHTS"]
