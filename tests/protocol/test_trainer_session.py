"""The Trainer's sessions, message by message, with Players that the test plays."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.protocol import (
    PROTOCOL,
    Ack,
    Beat,
    BecameReady,
    Bye,
    ByeOk,
    DecodeError,
    Delivered,
    Err,
    ErrorCode,
    Failed,
    Hello,
    Invalid,
    Joined,
    LedgerError,
    Left,
    Limits,
    Lost,
    Nack,
    Order,
    Outcome,
    Pacing,
    Ready,
    Result,
    SendTo,
    Settled,
    Snapshot,
    SnapshotId,
    Stop,
    Timing,
    TrainerSessions,
    TrainerState,
    Want,
    Weights,
    Welcome,
    decode,
    encode,
    split,
)
from touchline.protocol import messages as m

LIMITS = Limits(max_message_bytes=70_000)
TIMING = Timing(heartbeat_seconds=0.5, dead_seconds=5.0, busy_retry_seconds=2.0)
SPACES = {"observation": {"n": 2}}


class Trainer:
    """Sessions, and what each peer was told."""

    def __init__(self, **options) -> None:
        pacing = Pacing(**{key: options.pop(key) for key in list(options) if key in Pacing.__slots__})
        fields = {"run": "r", "epoch": 1, "seed_of": lambda slot, incarnation: 10 * slot + incarnation}
        self.sessions = TrainerSessions(
            **{**fields, **options}, pacing=pacing, config={"x": 1}, limits=LIMITS, timing=TIMING
        )
        self.now = 0.0

    def split(self, effects: list[object]) -> tuple[list[m.Message], list[object]]:
        said = [effect for effect in effects if isinstance(effect, SendTo)]
        told = [effect for effect in effects if not isinstance(effect, SendTo)]
        return [decode(effect.frames, limits=LIMITS).message for effect in said], told

    def start(self, version: int = 0) -> None:
        self.sessions.set_order(1, "play", {})
        self.publish(version)

    def publish(self, version: int) -> list[m.Message]:
        return self.split(self.sessions.publish(snapshot(version), self.now))[0]

    def settle(
        self, *results: tuple[int, int], outcome: Outcome = Outcome.TRAINED, **options
    ) -> list[m.Message]:
        settled = [Settled(slot, seq, outcome) for slot, seq in results]
        said, told = self.split(self.sessions.settle(settled, now=self.now, **options))
        assert told == []
        self.sessions.check()
        return said

    def tick(self, seconds: float) -> list[object]:
        self.now += seconds
        return self.sessions.tick(self.now)

    def row(self, name: str = "p0") -> dict[str, int]:
        return self.sessions.ledger.accounts[name].row()


class Peer:
    """One Player process and its socket."""

    def __init__(
        self, trainer: Trainer, name: str = "p0", *, peer: bytes | None = None, pid: int = 1
    ) -> None:
        self.trainer, self.name, self.peer, self.pid = trainer, name, peer or name.encode(), pid
        self.session = 0
        self.attempt = 0
        self.told: list[object] = []

    def say(self, message: m.Message, arrays: dict[str, np.ndarray] | None = None) -> list[m.Message]:
        return self.raw(encode(message, arrays))

    def raw(self, frames: list[bytes]) -> list[m.Message]:
        said, self.told = self.trainer.split(
            self.trainer.sessions.receive(self.peer, frames, self.trainer.now)
        )
        self.trainer.sessions.check()
        return said

    def hello(self, **changes) -> list[m.Message]:
        self.attempt += 1
        fields = {
            "protocol": PROTOCOL, "touchline": "0.1.0", "python": "3.11", "name": self.name, "host": "h",
            "pid": self.pid, "incarnation": 0, "attempt": self.attempt,
        }  # fmt: skip
        said = self.say(Hello(**{**fields, **changes}))
        if said and isinstance(said[0], Welcome):
            self.session = said[0].session
        return said

    def ready(self, spaces: dict[str, object] = SPACES) -> list[m.Message]:
        return self.say(Ready(session=self.session, spaces=spaces, facts={}))

    def join(self) -> Peer:
        self.hello()
        self.ready()
        return self

    def want(self, seq: int, **changes) -> list[m.Message]:
        return self.say(Want(**{"session": self.session, "seq": seq, "count": 1, "held": None, **changes}))

    def result(self, seq: int, version: int = 0, **changes) -> list[m.Message]:
        fields = {"session": self.session, "seq": seq, "order": 1, "epoch": 1, "version": version, "meta": {}}
        return self.say(Result(**{**fields, **changes}), {"x": np.arange(4)})

    def beat(self, sent: int) -> list[m.Message]:
        return self.say(
            Beat(session=self.session, beat=3, sent=sent, stage="step", stage_seconds=1.0, errors=0)
        )


def snapshot(version: int) -> Snapshot:
    return Snapshot.of(version, {"w": np.full(3, version)})


def kinds(messages: list[m.Message]) -> list[str]:
    return [m.tag(message) for message in messages]


@pytest.fixture
def trainer() -> Trainer:
    made = Trainer()
    made.start()
    return made


@pytest.fixture
def player(trainer: Trainer) -> Peer:
    return Peer(trainer).join()


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
    assert trainer.sessions.order_once(0, 2, "play", {"greedy": True}) == []
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


# -- RESULT


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
    assert player.told == [Invalid(0, 0, "x: header says float64 [4] = 32 bytes, the frame has 5")]
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


def test_one_that_joined_after_the_checkpoint_is_believed(trainer: Trainer) -> None:
    [welcome] = Peer(Trainer(epoch=2, state=trainer.sessions.state())).hello(run="r", sent=5, acked=4)
    assert (welcome.resumed, welcome.next) == (True, 4)


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


def test_the_accounts_close_only_when_everything_is_settled(trainer: Trainer, player: Peer) -> None:
    player.want(0)
    player.result(0)
    player.beat(2)
    with pytest.raises(LedgerError, match="ended with 1 results queued"):
        trainer.sessions.finish(0.0)
    trainer.settle((0, 0), outcome=Outcome.UNUSED)
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
