"""The Player's loop: pull a snapshot, play with it, push what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NoReturn

from touchline.configs import Config, from_plain
from touchline.envs.errors import EnvError
from touchline.envs.lanes import Lanes
from touchline.envs.shipping import factory_from_bytes
from touchline.player.failure import Failure, failure_of
from touchline.player.link import Link
from touchline.player.play import Play, lanes_of, policy_for
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.spaces import SpaceError, to_plain
from touchline.protocol.effects import (
    Arrived,
    Granted,
    Ordered,
    Refused,
    SaidGoodbye,
    Stopped,
    Welcomed,
)
from touchline.protocol.errors import RemoteError
from touchline.protocol.messages import Order

ASK_AHEAD = 0.75  # with results ahead, the next snapshot is asked for at this part of an unroll


class PlayerFailed(Exception):
    """The environment failed; ``failure`` has been sent to the Trainer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class TurnedAway(Exception):
    """The Trainer refused this Player for good: code and reason."""


class PlayerService:
    """One Player over its link. ``run`` returns when the run is over."""

    def __init__(self, link: Link, *, on_config: Callable[[Config], None] = lambda config: None) -> None:
        self._link = link
        self._on_config = on_config
        self._lanes: Lanes | None = None
        self._policy: Policy | None = None
        self._snapshot: Snapshot | None = None
        self._orders: dict[int, Order] = {}
        self._plays: dict[int, Play] = {}
        self._seed = 0
        self._ahead = 0
        self._ask_at = 0

    def run(self) -> None:
        """Play until told to stop. Raises PlayerFailed, TurnedAway, NoTrainer."""
        try:
            for event in self._link.events():
                match event:
                    case Welcomed():
                        self._welcomed(event)
                    case Ordered(order):
                        self._orders[order.order] = order
                    case Arrived(epoch, version, arrays):
                        assert self._policy is not None
                        self._snapshot = Snapshot.from_arrays(self._policy, epoch, version, arrays)
                    case Granted():
                        self._play(event)
                    case Stopped(reason):
                        self._link.bye(reason)
                    case Refused(code, detail, _, fatal):
                        if fatal:
                            raise TurnedAway(f"{code.value}: {detail}")
                    case SaidGoodbye():
                        return
        finally:
            self._close()

    def _welcomed(self, welcomed: Welcomed) -> None:
        welcome = welcomed.welcome
        if welcome.resumed:
            return
        self._close()
        self._link.interrupted = False
        config = from_plain(welcome.config)
        self._on_config(config)
        self._link.reconnect_for(config.net.reconnect)
        self._seed, self._ahead = welcome.seed, config.staleness.ahead
        factory = None if welcomed.factory is None else factory_from_bytes(welcomed.factory)
        self._build(config, factory)
        self._link.want()

    def _build(self, config: Config, factory: Callable[..., Any] | None) -> None:
        self._link.at("building")
        try:
            lanes = self._lanes = lanes_of(config, base_seed=self._seed, factory=factory)
            self._policy = policy_for(config, lanes)
        except Exception as error:
            self._fail(error, playing=False)
        spaces = {
            "observation": to_plain(lanes.observation_space),
            "action": to_plain(lanes.action_space),
        }
        self._link.at("waiting")
        self._link.ready(spaces, asdict(lanes.facts))
        length = config.players.unroll_length
        self._ask_at = 0 if length == "episode" else int(ASK_AHEAD * length)

    def _play(self, granted: Granted) -> None:
        """Play what was granted with exactly the snapshot it was granted with, and send each result as it comes."""
        assert self._snapshot is not None
        assert self._snapshot.version == granted.version, "a grant names the snapshot that came with it"
        play = self._play_of(granted.order)
        last = granted.seq + granted.count - 1
        seq = granted.seq
        self._link.at("playing")
        try:
            for trajectory in play.results(self._snapshot, seq=granted.seq):
                self._link.submit(granted, trajectory.to_arrays(), then_want=seq == last)
                seq += 1
        except Exception as error:
            self._fail(error, playing=True)
        self._link.errors = play.outside
        self._link.at("waiting")

    def _play_of(self, order: int) -> Play:
        if order not in self._plays:
            assert self._lanes is not None
            assert self._policy is not None
            self._plays.clear()  # an order's lanes go on under the next; only one is carried out at a time
            self._plays[order] = Play(
                self._lanes,
                self._policy,
                self._orders[order].arguments,
                base_seed=self._seed,
                progress=self._progress,
            )
        return self._plays[order]

    def _progress(self, step: int) -> bool:
        link = self._link
        link.since = time.monotonic()
        if self._ahead and step == self._ask_at:
            link.want()
        return not link.interrupted

    def _fail(self, error: Exception, *, playing: bool) -> NoReturn:
        """Tell the Trainer and end; an error of the link itself is raised as it is."""
        if isinstance(error, RemoteError):
            raise error
        failure = failure_of(error, playing=playing)
        self._link.refuse_environment(failure.to_text())
        self._link.bye("the environment failed")
        raise PlayerFailed(failure) from error

    def _close(self) -> None:
        if self._lanes is not None:
            self._lanes.close()
        self._lanes, self._policy, self._snapshot = None, None, None
        self._orders.clear()
        self._plays.clear()


__all__ = ["EnvError", "PlayerFailed", "PlayerService", "SpaceError", "TurnedAway"]
