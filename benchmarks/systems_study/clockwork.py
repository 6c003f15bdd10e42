"""The real rounds under a virtual clock: any number of Players behind any network, without waiting for them.

``ByRounds`` and ``Tasks`` are those of the Trainer. What is simulated is what surrounds them: Players that take as long
as was measured, a network with a latency, and the Trainer's one line in each direction, on which arrays queue.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from touchline.configs import Config, load
from touchline.trainer.by_rounds import ByRounds
from touchline.trainer.method import Delivery, Order
from touchline.trainer.scheme import Arrays, Merged, Returned, Task


@dataclass(frozen=True)
class Costs:
    """What was measured. ``serial``: seconds of a round's work on one core; ``merge``: of the Trainer for one.

    ``snapshot``, ``result``: bytes each way; ``latency``: seconds one way; ``bandwidth``: bytes a second.
    """

    serial: float
    merge: float
    snapshot: float
    result: float
    latency: float
    bandwidth: float

    @property
    def message(self) -> float:
        """Seconds that an exchange with one Player takes: both ways' latencies and bytes."""
        return 2 * self.latency + (self.snapshot + self.result) / self.bandwidth


def model_seconds(costs: Costs, players: int) -> float:
    """Document 001's: T(n) = T1/n + (n - 1) (latency + bytes/bandwidth), one Player after another."""
    return costs.serial / players + (players - 1) * costs.message


def best_players(costs: Costs) -> float:
    """Where that is least: sqrt(T1 / (latency + bytes/bandwidth))."""
    return float(np.sqrt(costs.serial / costs.message))


class Idle:
    """A scheme of equal orders that come to nothing: its rounds are all that matters."""

    ageless = False

    def __init__(self, parts: int, *, bears_staleness: bool) -> None:
        self.bears_staleness, self._parts, self._version = bears_staleness, parts, 0
        self.ageless, self.rounds_in_all = False, None

    def arrays(self) -> Arrays:
        return {"version": np.array([self._version])}

    def round(self) -> Sequence[Task]:
        return [Task("rows", {"part": part}) for part in range(self._parts)]

    def test(self) -> Sequence[Task]:
        return []

    def tested(self, results: Sequence[Returned]) -> Mapping[str, float]:
        return {}

    def check(self, task: Task, arrays: Arrays) -> None:
        """Anything is a result."""

    def merge(self, results: Sequence[Returned]) -> Merged:
        self._version += 1
        return Merged(changed=True, evaluations=len(results))

    weights = state = arrays

    def facts(self) -> Mapping[str, Any]:
        return {}


@dataclass
class Clockwork:
    """Players 0..n-1 around one Trainer. Events are (seconds, number, what happens to whom)."""

    method: ByRounds
    costs: Costs
    players: int
    parts: int
    merges: list[float] = field(default_factory=list)  # when each was done

    def __post_init__(self) -> None:
        self._events: list[tuple[float, int, int, tuple[Order, int] | None]] = []
        self._count = 0
        self._held = [-1] * self.players  # the version that each has
        self._waiting: set[int] = set()
        self._down = self._up = self._free = 0.0  # when the lines and the Trainer are free again
        self._seqs = [0] * self.players

    def run(self, rounds: int) -> list[float]:
        """When each of so many merges was done."""
        for player in range(self.players):
            self._put(0.0, player, None)
        while len(self.merges) < rounds:
            now, _, player, result = heapq.heappop(self._events)
            if result is None:
                self._ask(player, now)
            else:
                self._came(player, now, *result)
        return self.merges

    def _put(self, when: float, player: int, what: tuple[Order, int] | None) -> None:
        heapq.heappush(self._events, (when, self._count, player, what))
        self._count += 1

    def _ask(self, player: int, now: float) -> None:
        """The Player's next order, if there is one: the snapshot goes down, the work is done, the result goes up."""
        order = self.method.order(player, now)
        if order is None:
            self._waiting.add(player)
            return
        version, sent = self.method.live.version, now
        if self._held[player] != version:
            self._down = sent = max(now, self._down) + self.costs.snapshot / self.costs.bandwidth
            self._held[player] = version
        done = sent + self.costs.latency + self.costs.serial / self.parts
        self._up = max(done + self.costs.latency, self._up) + self.costs.result / self.costs.bandwidth
        self._put(self._up, player, (order, version))

    def _came(self, player: int, now: float, order: Order, version: int) -> None:
        if now < self._free:  # the Trainer is merging
            self._put(self._free, player, (order, version))
            return
        self._seqs[player] += 1
        delivery = Delivery(player, self._seqs[player], version, {}, 0, order=order.number, base={})
        absorbed = self.method.absorb(delivery)
        if absorbed.changed:
            now = self._free = now + self.costs.merge
            self.merges.append(now)
            for other in sorted(self._waiting):
                self._put(now, other, None)
            self._waiting.clear()
        self._put(now, player, None)


def seconds_a_round(costs: Costs, players: int, *, waits: bool, rounds: int = 40) -> float:
    """Of the Trainer's own rounds with one order for each Player; ``waits``: in lockstep, or else lag up to 4."""
    scheme = Idle(players, bears_staleness=not waits)
    method = ByRounds(scheme, _config(players, waits=waits), tests_every=None)
    merges = Clockwork(method, costs, players, parts=players).run(rounds)
    half = rounds // 2
    return (merges[-1] - merges[half - 1]) / (rounds - half)


def _config(parts: int, *, waits: bool) -> Config:
    preset = "001-rows" if waits else "003-sgd"
    return load(preset, values={"tasks.parts": parts, "descent.batch_rows": None, "tasks.lease": 1e6}).config
