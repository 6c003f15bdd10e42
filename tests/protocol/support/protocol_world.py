"""A whole run in one thread and on one virtual clock: Players, a Trainer, a learner, and a link between them
that may lose, repeat, delay and reorder what it carries. The sessions are the real ones; so are the sockets,
where the link is made of them.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from touchline.protocol import (
    Arrived,
    BecameReady,
    Delivered,
    Granted,
    Identity,
    Invalid,
    Limits,
    Lost,
    Ordered,
    Outcome,
    Pacing,
    PlayerSession,
    PlayerSocket,
    PlayerState,
    Refused,
    Reopen,
    SaidGoodbye,
    Send,
    SendTo,
    Settled,
    Snapshot,
    Stopped,
    Timing,
    TrainerSessions,
    TrainerSocket,
    Welcomed,
)

Frames = list[bytes]
TIMING = Timing(heartbeat_seconds=0.5, dead_seconds=5.0, busy_retry_seconds=1.0)
SPACES = {"observation": {"kind": "box", "shape": [4]}, "action": {"kind": "discrete", "n": 2}}
LIMITS = Limits(max_message_bytes=4_000, max_header_bytes=2_000)
STEP = 0.05
EVALUATIONS = 1000  # orders beyond this number are evaluations


@dataclass
class Faults:
    """Probabilities, a message; delays in seconds of the virtual clock."""

    drop: float = 0.0
    repeat: float = 0.0
    delay: float = 0.0
    reorder: float = 0.0


class Noise:
    """Turns one message into those that arrive, each with its time. Order is kept unless told otherwise."""

    def __init__(self, faults: Faults, rng: random.Random) -> None:
        self.faults = faults
        self._rng = rng
        self._after: dict[tuple[str, bytes], float] = {}

    def times(self, lane: tuple[str, bytes], now: float) -> Iterator[float]:
        if self._rng.random() < self.faults.drop:
            return
        for _ in range(2 if self._rng.random() < self.faults.repeat else 1):
            at = now + self._rng.random() * self.faults.delay
            if self._rng.random() >= self.faults.reorder:
                at = max(at, self._after.get(lane, 0.0))
                self._after[lane] = at
            yield at


class FakeLink:
    """Carries frames between objects; both ends are addressed by bytes. A new address is a new connection."""

    def __init__(self, faults: Faults, rng: random.Random) -> None:
        self.noise = Noise(faults, rng)
        self._heap: list[tuple[float, int, str, bytes, Frames]] = []
        self._count = 0
        self._now = 0.0
        self._addresses: dict[str, bytes] = {}
        self._trainer_up = False

    def start_trainer(self) -> None:
        self._trainer_up = True
        self._heap = [item for item in self._heap if item[2] != "trainer"]

    def stop_trainer(self) -> None:
        self._trainer_up = False

    def connect(self, name: str) -> None:
        self._count += 1
        self._addresses[name] = f"{name}#{self._count}".encode()

    def disconnect(self, name: str) -> None:
        self._addresses.pop(name, None)

    def to_trainer(self, name: str, frames: Frames) -> None:
        if self._trainer_up:
            self._put("trainer", self._addresses[name], frames)

    def to_player(self, peer: bytes, frames: Frames) -> None:
        self._put("player", peer, frames)

    def _put(self, way: str, peer: bytes, frames: Frames) -> None:
        copies = [bytes(frame) for frame in frames]
        for at in self.noise.times((way, peer), self._now):
            self._count += 1
            heapq.heappush(self._heap, (at, self._count, way, peer, copies))

    def deliver(self, now: float, trainer: Callable[..., None], player: Callable[..., None]) -> None:
        self._now = now
        while self._heap and self._heap[0][0] <= now:
            _, _, way, peer, frames = heapq.heappop(self._heap)
            if way == "trainer":
                if self._trainer_up:
                    trainer(peer, frames)
            else:
                for name, address in list(self._addresses.items()):
                    if address == peer:
                        player(name, frames)

    def close(self) -> None:
        self._heap.clear()


class ZmqLink:
    """The same, over real sockets on loopback. The noise is made before the sockets, which lose nothing."""

    def __init__(self, faults: Faults, rng: random.Random) -> None:
        self.noise = Noise(faults, rng)
        self._waiting: list[tuple[float, int, str, bytes, Frames]] = []
        self._count = 0
        self._now = 0.0
        self._address = "tcp://127.0.0.1:*"
        self._trainer: TrainerSocket | None = None
        self._players: dict[str, PlayerSocket] = {}

    def start_trainer(self) -> None:
        self._trainer = TrainerSocket(self._address)
        self._address = self._trainer.address

    def stop_trainer(self) -> None:
        assert self._trainer is not None
        self._trainer.close()
        self._trainer = None
        self._waiting = [item for item in self._waiting if item[2] != "player"]

    def connect(self, name: str) -> None:
        if name in self._players:
            self._players[name].reopen()
        else:
            self._players[name] = PlayerSocket(self._address)

    def disconnect(self, name: str) -> None:
        self._players.pop(name).close()
        self._waiting = [item for item in self._waiting if item[3] != name.encode()]

    def to_trainer(self, name: str, frames: Frames) -> None:
        self._put("trainer", name.encode(), frames)

    def to_player(self, peer: bytes, frames: Frames) -> None:
        self._put("player", peer, frames)

    def _put(self, way: str, end: bytes, frames: Frames) -> None:
        for at in self.noise.times((way, end), self._now):
            self._count += 1
            heapq.heappush(self._waiting, (at, self._count, way, end, frames))

    def deliver(self, now: float, trainer: Callable[..., None], player: Callable[..., None]) -> None:
        self._now = now
        while self._waiting and self._waiting[0][0] <= now:
            _, _, way, end, frames = heapq.heappop(self._waiting)
            if way == "player" and self._trainer is not None:
                self._trainer.send(frames, end)
            elif way == "trainer" and end.decode() in self._players:
                self._players[end.decode()].send(frames)
        if self._trainer is not None and self._trainer.poll(0.002):
            while (message := self._trainer.recv()) is not None:
                trainer(*message)
        for name in list(self._players):
            while name in self._players and (frames_in := self._players[name].recv()) is not None:
                player(name, frames_in)

    def close(self) -> None:
        for socket in [*self._players.values(), *([self._trainer] if self._trainer else [])]:
            socket.close()


@dataclass
class Player:
    """A Player process: its session and a play loop that takes some time over each result."""

    session: PlayerSession
    name: str
    working: list[tuple[float, Granted]] = field(default_factory=list)
    played: list[Granted] = field(default_factory=list)
    snapshot: tuple[int, int] | None = None
    orders: set[int] = field(default_factory=set)
    goodbye: bool = False
    refused: list[Refused] = field(default_factory=list)
    row: dict[str, int] | None = None


class World:
    """Everything, stepped by ``run``. ``link_class`` is ``FakeLink`` or ``ZmqLink``."""

    def __init__(
        self,
        link_class: type[FakeLink] | type[ZmqLink],
        *,
        seed: int,
        faults: Faults | None = None,
        pacing: Pacing | None = None,
        results_per_update: int = 2,
        sync: bool = False,
    ) -> None:
        self.rng = random.Random(seed)
        self.faults = faults or Faults()
        self.link = link_class(self.faults, self.rng)
        self.pacing = pacing or Pacing()
        self.results_per_update = results_per_update
        self.sync = sync
        self.now = 0.0
        self.epoch = 0
        self.players: dict[str, Player] = {}
        self.sessions: TrainerSessions
        self.inbox: list[tuple[float, Delivered]] = []
        self.batch: list[tuple[int, int]] = []
        self.delivered: dict[str, list[tuple[int, int]]] = {}
        self.events: list[object] = []
        self.checkpoint: dict[str, object] | None = None
        self.tokens = 0
        self.evaluations = 0
        self.start_trainer()

    # -- the Trainer

    def start_trainer(self, state: dict[str, object] | None = None, version: int = 0) -> None:
        self.epoch += 1
        self.link.start_trainer()
        self.sessions = TrainerSessions(
            run="run",
            epoch=self.epoch,
            pacing=self.pacing,
            seed_of=lambda slot, incarnation: 100 * slot + incarnation,
            config={"env": {"id": "x"}},
            factory=b"factory",
            limits=LIMITS,
            timing=TIMING,
            state=state,
        )
        self.inbox.clear()
        self.batch.clear()
        self.trainer_does(self.sessions.set_order(self.epoch, "play", {"steps": 8}))
        self.trainer_does(self.sessions.publish(self.snapshot(version), self.now))

    def snapshot(self, version: int) -> Snapshot:
        """Weights longer than one message, so that they go in parts."""
        weights = np.full(3000, version, np.float32)
        return Snapshot.of(version, {"w": weights, "epoch": np.array(self.epoch)})

    def crash_trainer(self) -> None:
        """Goes on from the last checkpoint, with all since forgotten."""
        state = self.checkpoint
        self.link.stop_trainer()
        for name in self.delivered:
            self.delivered[name].append((-1, self.epoch))  # a restart: numbers may come again
        self.start_trainer(state, version=self.sessions.version or 0)

    def save(self) -> None:
        self.checkpoint = self.sessions.state()
        self.sessions.saved(self.checkpoint)

    def trainer_does(self, effects: list[object]) -> None:
        for effect in effects:
            match effect:
                case SendTo(peer, frames):
                    self.link.to_player(peer, frames)
                case Delivered():
                    self.take(effect)
                case Invalid():
                    raise AssertionError(effect)
                case BecameReady() | Lost() | _:
                    self.events.append(effect)

    def take(self, result: Delivered) -> None:
        name = self.sessions.rows()[result.slot].name
        assert (result.arrays["played"] == [result.epoch, result.version]).all()
        assert int(result.arrays["big"].sum()) == 2000 * result.version
        self.delivered.setdefault(name, []).append((result.seq, result.epoch))
        self.inbox.append((self.now + self.rng.random() * 0.4, result))

    def evaluate(self, name: str) -> None:
        """Asks one Player for an evaluation, in place of its next result."""
        slots = {row.name: row.slot for row in self.sessions.rows()}
        if name in slots:
            self.evaluations += 1
            order = EVALUATIONS + self.evaluations
            self.trainer_does(self.sessions.order_once(slots[name], order, "play", {"greedy": True}))

    def settle_evaluations(self) -> None:
        """Takes those that have come; they are in no batch."""
        for item in [item for item in self.inbox if item[1].order > EVALUATIONS]:
            self.inbox.remove(item)
            result = item[1]
            if result.epoch == self.sessions.epoch:
                assert result.snapshot is not None
                assert (result.snapshot.arrays()["w"] == result.version).all()
            settled = [Settled(result.slot, result.seq, Outcome.EVALUATED)]
            self.trainer_does(self.sessions.settle(settled, now=self.now))

    def learn(self, *, unused: bool = False) -> None:
        """Settles what it has had long enough, and publishes when enough have come."""
        self.settle_evaluations()
        if self.sync and not unused:
            self.learn_together()
        else:
            self.learn_one_by_one(unused=unused)
        self.sessions.check()

    def learn_together(self) -> None:
        """All results of a version at once, in slot order, with the version that they make."""
        if len(self.inbox) == self.results_per_update:
            outcomes = [
                Settled(result.slot, result.seq, Outcome.TRAINED)
                for _, result in sorted(self.inbox, key=lambda item: item[1].slot)
            ]
            self.inbox.clear()
            published = self.snapshot((self.sessions.version or 0) + 1)
            self.trainer_does(self.sessions.settle(outcomes, now=self.now, published=published))

    def learn_one_by_one(self, *, unused: bool) -> None:
        """Takes each into the batch, so that its Player may go on; the one that fills it makes a version."""
        due = [item for item in self.inbox if item[0] <= self.now or unused]
        for item in due:
            self.inbox.remove(item)
            result = item[1]
            key = (result.slot, result.seq)
            published = None
            if unused:
                settled = [Settled(*key, Outcome.UNUSED)]
            elif result.epoch != self.sessions.epoch:
                settled = [Settled(*key, Outcome.DROPPED_STALE)]
            else:
                self.batch.append(key)
                settled = [Settled(*key, None)]
            if len(self.batch) >= self.results_per_update:
                settled += [Settled(*gathered, Outcome.TRAINED) for gathered in self.batch]
                self.batch.clear()
                published = self.snapshot((self.sessions.version or 0) + 1)
            self.trainer_does(self.sessions.settle(settled, now=self.now, published=published))
        if unused:
            left = [Settled(*gathered, Outcome.UNUSED) for gathered in self.batch]
            self.batch.clear()
            self.trainer_does(self.sessions.settle(left, now=self.now))

    # -- Players

    def start_player(self, name: str) -> Player:
        self.tokens += 1
        identity = Identity(
            name=name, host="here", pid=1000 + self.tokens, incarnation=self.tokens, touchline="0", python="3"
        )
        player = Player(PlayerSession(identity, limits=LIMITS, timing=TIMING), name)
        self.players[name] = player
        self.link.connect(name)
        self.player_does(player, player.session.open(self.now))
        return player

    def kill_player(self, name: str, *, told: bool) -> None:
        self.players.pop(name)
        self.link.disconnect(name)
        if told:
            self.trainer_does(self.sessions.gone(name, "killed", self.now))

    def player_does(self, player: Player, effects: list[object]) -> None:
        session = player.session
        for effect in effects:
            match effect:
                case Send(frames):
                    self.link.to_trainer(player.name, frames)
                case Reopen():
                    self.link.connect(player.name)
                case Welcomed(welcome, factory):
                    assert factory == b"factory"
                    if not welcome.resumed:
                        player.working.clear()
                        self.player_does(player, session.ready(SPACES, {}, self.now))
                        self.player_does(player, session.want(self.now))
                case Ordered(order):
                    player.orders.add(order.order)
                case Arrived(epoch, version, arrays):
                    assert (arrays["w"] == version).all()
                    assert arrays["epoch"] == epoch
                    player.snapshot = (epoch, version)
                case Granted():
                    self.play(player, effect)
                case Stopped():
                    self.player_does(player, session.bye("stopped", self.now))
                case Refused():
                    player.refused.append(effect)
                case SaidGoodbye(row):
                    player.goodbye, player.row = True, row

    def play(self, player: Player, granted: Granted) -> None:
        assert player.snapshot == (granted.epoch, granted.version)
        assert granted.order in player.orders
        player.played.append(granted)
        start = max([self.now, *(at for at, _ in player.working)])
        for _ in range(granted.count):
            player.working.append((start + self.rng.expovariate(4.0), granted))
        if self.pacing.ahead:
            self.player_does(player, player.session.want(self.now))

    def work(self, player: Player) -> None:
        for item in sorted(player.working, key=lambda item: (item[1].seq, item[0])):
            at, granted = item
            if at > self.now or item not in player.working:
                continue
            player.working.remove(item)
            arrays = {
                "played": np.array([granted.epoch, granted.version]),
                "big": np.full(2000, granted.version, np.int64),
            }
            last = all(other != granted for _, other in player.working)
            effects = player.session.submit(granted, arrays, {"steps": 8}, self.now, then_want=last)
            self.player_does(player, effects)

    # -- time

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.step()

    def step(self) -> None:
        self.now += STEP
        self.link.deliver(self.now, self.trainer_hears, self.player_hears)
        self.trainer_does(self.sessions.tick(self.now))
        self.learn()
        for player in list(self.players.values()):
            self.player_does(player, player.session.tick(self.now))
            self.work(player)
        self.sessions.check()

    def trainer_hears(self, peer: bytes, frames: Frames) -> None:
        self.trainer_does(self.sessions.receive(peer, frames, self.now))

    def player_hears(self, name: str, frames: Frames) -> None:
        player = self.players.get(name)
        if player is not None:
            self.player_does(player, player.session.receive(frames, self.now))

    def heal(self) -> None:
        self.faults.drop = self.faults.repeat = self.faults.delay = self.faults.reorder = 0.0

    def finish(self) -> dict[str, int]:
        """Ends the run; the ledger's total, checked."""
        self.trainer_does(self.sessions.stop("over"))
        for _ in range(1000):
            self.step()
            self.learn(unused=True)
            if all(player.goodbye for player in self.players.values()):
                break
        assert all(player.goodbye for player in self.players.values()), [
            player.session.state for player in self.players.values()
        ]
        assert all(player.session.state is PlayerState.CLOSED for player in self.players.values())
        self.learn(unused=True)
        self.sessions.finish(self.now)
        return self.sessions.ledger.total()
