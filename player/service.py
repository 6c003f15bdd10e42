"""The Player's loop: pull a snapshot, play with it, push what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import NoReturn

from touchline.configs import Config, from_plain
from touchline.envs.errors import EnvError
from touchline.envs.lanes import Lanes
from touchline.envs.shipping import factory_from_bytes
from touchline.player.evaluate import Evaluator
from touchline.player.failure import Failure, failure_of
from touchline.player.link import Link
from touchline.player.play import Play, evaluator_of, lanes_of, policy_for
from touchline.policy.announcing import announced
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.spaces import SpaceError
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
    """This Player and its Trainer do not go together: why."""


class Distrusted(TurnedAway):
    """The Trainer sent code, and the link is not one whose other end this Player knows."""


class PlayerService:
    """One Player over its link. ``run`` returns when the run is over."""

    def __init__(
        self,
        link: Link,
        *,
        trusted: Callable[[], bool] = lambda: False,
        on_config: Callable[[Config], None] = lambda config: None,
        on_wait: Callable[[str], None] = lambda why: None,
    ) -> None:
        """``trusted()``: whether code that the Trainer sends may be run. ``on_wait`` is told why a Player stands by."""
        self._link = link
        self._trusted = trusted
        self._on_config = on_config
        self._on_wait = on_wait
        self._waiting = False
        self._lanes: Lanes | None = None
        self._policy: Policy | None = None
        self._snapshot: Snapshot | None = None
        self._orders: dict[int, Order] = {}
        self._plays: dict[int, Play] = {}
        self._evaluator: Evaluator | None = None
        self._seed = 0
        self._evaluated = 0  # results that were evaluations: the noise of the others is numbered without them
        self._ask_at: int | None = None  # the step that asks for what comes next; None: the last result does

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
                        self._carry_out(event)
                    case Stopped(reason):
                        self._link.bye(reason)
                    case Refused():
                        self._refused(event)
                    case SaidGoodbye():
                        return
        finally:
            self._close()

    def _welcomed(self, welcomed: Welcomed) -> None:
        welcome = welcomed.welcome
        if welcome.resumed:
            return
        self._close()
        self._link.interrupted, self._waiting = False, False
        if welcomed.factory is not None and not self._trusted():
            self._link.bye("its environment object was not trusted")
            raise Distrusted(
                "the Trainer sent an environment object, which is code, and this link is not the run's own ipc socket. "
                "Give the Trainer env.id as a file or module path (path/file.py:Class) instead"
            )
        config = from_plain(welcome.config)
        self._on_config(config)
        self._seed, self._evaluated = welcome.seed, 0
        self._build(config, welcomed.factory)
        self._link.want()

    def _refused(self, refused: Refused) -> None:
        if refused.fatal:
            raise TurnedAway(f"{refused.code.value}: {refused.detail}")
        if refused.retry_after_seconds is not None and not self._waiting:
            self._waiting = True
            self._on_wait(refused.detail)

    def _build(self, config: Config, shipped: bytes | None) -> None:
        self._link.at("building")
        try:
            factory = None if shipped is None else factory_from_bytes(shipped)
            lanes = self._lanes = lanes_of(config, base_seed=self._seed, factory=factory)
            policy = self._policy = policy_for(config, lanes)
            self._evaluator = evaluator_of(config, policy, factory=factory, progress=self._goes_on)
            spaces = announced(lanes.observation_space, lanes.action_space)
        except Exception as error:
            self._fail(error, playing=False)
        self._link.at("waiting")
        self._link.ready(spaces, asdict(lanes.facts))
        length = config.players.unroll_length
        if config.staleness.ahead > 0 and length != "episode":  # how long a wave takes is not known
            self._ask_at = int(ASK_AHEAD * length)
        else:
            self._ask_at = None

    def _carry_out(self, granted: Granted) -> None:
        """Do what was granted with exactly the snapshot it was granted with."""
        snapshot = self._snapshot
        assert snapshot is not None
        assert snapshot.version == granted.version, "a grant names the snapshot that came with it"
        if self._orders[granted.order].standing:
            self._play(granted, snapshot)
        else:
            self._evaluate(granted, snapshot)
        self._link.at("waiting")

    def _evaluate(self, granted: Granted, snapshot: Snapshot) -> None:
        """Whole episodes on lanes of their own: those of the standing order go on afterwards as they stood."""
        assert self._evaluator is not None
        arguments = self._orders.pop(granted.order).arguments
        self._evaluated += granted.count
        self._link.at("evaluating")
        try:
            played = self._evaluator.play(
                snapshot,
                episodes=arguments["episodes"],
                seed=arguments["seed"],
                greedy=arguments["greedy"],
            )
            if played is not None:
                self._link.submit(granted, played.to_arrays(), then_want=True)
        except Exception as error:
            self._fail(error, playing=True)

    def _play(self, granted: Granted, snapshot: Snapshot) -> None:
        """Play what the standing order asks for, and send each result as it comes."""
        play = self._play_of(granted.order)
        last = granted.seq + granted.count - 1
        seq = granted.seq
        self._link.at("playing")
        assert self._policy is not None
        try:
            for trajectory in play.results(snapshot, seq=granted.seq - self._evaluated):
                then_want = seq == last and self._ask_at is None
                arrays = trajectory.to_arrays(sparse=self._policy.form.sparse)
                self._link.submit(granted, arrays, then_want=then_want)
                seq += 1
        except Exception as error:
            self._fail(error, playing=True)
        self._link.errors = play.outside

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
        goes_on = self._goes_on(step)
        if step == self._ask_at:
            self._link.want()
        return goes_on

    def _goes_on(self, step: int) -> bool:
        self._link.since = time.monotonic()
        return not self._link.interrupted

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
        if self._evaluator is not None:
            self._evaluator.close()
        self._lanes, self._policy, self._snapshot, self._evaluator = None, None, None, None
        self._orders.clear()
        self._plays.clear()


__all__ = ["Distrusted", "EnvError", "PlayerFailed", "PlayerService", "SpaceError", "TurnedAway"]
