"""Who the Trainer lets in, and what it tells them to do."""

from __future__ import annotations

from protocol_peers import LIMITS, SPACES, Peer, Trainer, kinds

from touchline.protocol import (
    PROTOCOL,
    BecameReady,
    Bye,
    ErrorCode,
    Failed,
    Hello,
    Joined,
    Order,
    Outcome,
    Reassembly,
    SendTo,
    SnapshotId,
    decode,
    encode,
)
from touchline.protocol.codec import decode_header

# -- HELLO


def test_a_hello_is_welcomed(trainer: Trainer) -> None:
    player = Peer(trainer)
    [welcome] = player.hello()
    assert (welcome.run, welcome.epoch, welcome.slot, welcome.seed, welcome.next) == ("r", 1, 0, 0, 0)
    assert (welcome.resumed, welcome.config, welcome.gate.start_limit) == (False, {"x": 1}, 1)
    assert player.told == [Joined(0, "p0", "h", 1, 0, resumed=False)]


def test_the_factory_goes_with_the_welcome() -> None:
    trainer = Trainer(factory=b"pickled")
    [sent, _] = trainer.sessions.receive(
        b"p",
        encode(
            Hello(
                protocol=PROTOCOL, touchline="", python="", name="p", host="", pid=1, incarnation=0, attempt=1
            )
        ),
        0.0,
    )
    assert decode(sent.frames, limits=LIMITS).arrays["factory"].tobytes() == b"pickled"


def test_a_long_factory_goes_in_parts() -> None:
    trainer = Trainer(factory=bytes(100_000))
    who = {"touchline": "", "python": "", "name": "p", "host": "", "pid": 1, "incarnation": 0}
    effects = trainer.sessions.receive(b"p", encode(Hello(protocol=PROTOCOL, attempt=1, **who)), 0.0)
    reassembly = Reassembly(LIMITS)
    *_, whole = [
        reassembly.add(decode_header(effect.frames, limits=LIMITS), effect.frames[1:])
        for effect in effects
        if isinstance(effect, SendTo)
    ]
    assert whole is not None
    assert whole.arrays["factory"].nbytes == 100_000


def test_slots_count_up_and_are_kept_for_their_names(trainer: Trainer) -> None:
    first, second = Peer(trainer, "a").join(), Peer(trainer, "b").join()
    first.say(Bye(session=first.session, sent=0, reason="done"))
    assert Peer(trainer, "c").hello()[0].slot == 2
    assert Peer(trainer, "a", peer=b"again", pid=9).hello()[0].slot == 0
    assert second.session != first.session


def test_the_same_hello_twice_gets_the_same_welcome(trainer: Trainer) -> None:
    player = Peer(trainer)
    [welcome] = player.hello()
    assert player.hello(attempt=1) == [welcome]
    assert player.told == []


def test_a_late_copy_of_an_older_hello_is_nothing(trainer: Trainer) -> None:
    player = Peer(trainer)
    player.hello()
    player.hello()
    assert player.hello(attempt=1) == []


def test_another_protocol_is_refused_with_both_versions(trainer: Trainer) -> None:
    [err] = Peer(trainer).hello(protocol=PROTOCOL + 1, touchline="9.9")
    assert (err.code, err.fatal) == (ErrorCode.BAD_VERSION, True)
    assert f"protocol {PROTOCOL}, the Player {PROTOCOL + 1} (touchline 9.9)" in err.detail


def test_a_name_in_session_is_taken(trainer: Trainer, player: Peer) -> None:
    other = Peer(trainer, peer=b"other", pid=2)
    [err] = other.hello()
    assert (err.code, err.fatal, err.retry_after_seconds) == (ErrorCode.NAME_TAKEN, False, 1.0)
    assert "'p0' is process 1 on h" in err.detail
    player.beat(0)
    [err] = other.hello()
    assert err.fatal


def test_the_heir_of_a_process_that_just_died_waits_for_the_silence(trainer: Trainer, player: Peer) -> None:
    heir = Peer(trainer, peer=b"heir", pid=2)
    for _ in range(4):
        [err] = heir.hello()
        assert not err.fatal
        trainer.tick(1.5)
    assert kinds(heir.hello()) == ["WELCOME"]


def test_more_players_than_admitted_stand_by() -> None:
    trainer = Trainer(admitted=1)
    first = Peer(trainer, "a").join()
    [err] = Peer(trainer, "b").hello()
    assert (err.code, err.fatal, err.retry_after_seconds) == (ErrorCode.BUSY, False, 2.0)
    first.say(Bye(session=first.session, sent=0, reason="done"))
    assert kinds(Peer(trainer, "b", peer=b"b2").hello()) == ["WELCOME"]


def test_a_player_that_reconnects_is_no_second_player() -> None:
    trainer = Trainer(admitted=1)
    player = Peer(trainer, "a").join()
    player.peer = b"new socket"
    assert kinds(player.hello(run="r")) == ["WELCOME"]


def test_more_acknowledged_than_sent_cannot_be(trainer: Trainer) -> None:
    [err] = Peer(trainer).hello(run="r", sent=1, acked=2)
    assert (err.code, err.fatal) == (ErrorCode.BAD_MESSAGE, True)


# -- READY, ORDER


def test_ready_gets_the_standing_order(trainer: Trainer) -> None:
    player = Peer(trainer)
    player.hello()
    assert player.ready() == [
        Order(session=player.session, order=1, verb="play", arguments={}, standing=True)
    ]
    assert player.told == [BecameReady(0, SPACES, {})]
    assert kinds(player.ready()) == ["ORDER"]
    assert player.told == []


def test_other_spaces_than_the_first_are_refused(trainer: Trainer, player: Peer) -> None:
    other = Peer(trainer, "p1")
    other.hello()
    [err] = other.ready({"observation": {"n": 3}})
    assert (err.code, err.fatal) == (ErrorCode.SPACES, True)
    assert "{'n': 2}" in err.detail
    assert "{'n': 3}" in err.detail
    assert isinstance(other.told[0], Failed)
    assert kinds(other.beat(0)) == ["ERR"]


def test_a_new_order_is_told_to_all(trainer: Trainer, player: Peer) -> None:
    Peer(trainer, "p1").hello()
    said, _ = trainer.split(trainer.sessions.set_order(2, "play", {"hidden": True}))
    assert [(order.session, order.order) for order in said] == [(player.session, 2)]


def test_an_order_once_takes_the_next_grant(trainer: Trainer, player: Peer) -> None:
    said, _ = trainer.split(trainer.sessions.order_once(0, 2, "play", {"greedy": True}))
    assert kinds(said) == ["ORDER"]  # known beforehand; it is granted when the Player asks
    order, weights = player.want(0)
    assert (order.order, order.standing, weights.order, weights.count) == (2, False, 2, 1)
    player.result(0, order=2)
    trainer.settle((0, 0), outcome=Outcome.EVALUATED)
    [weights] = player.want(1, held=SnapshotId(1, 0))
    assert weights.order == 1
    assert trainer.row()["evaluated"] == 1


def test_an_order_that_never_came_is_told_again(trainer: Trainer, player: Peer) -> None:
    assert kinds(player.want(0)) == ["WEIGHTS"]
    assert kinds(player.want(0, missing=1)) == ["ORDER", "WEIGHTS"]
