"""The Player's loop: pull a snapshot, play with it, push what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NoReturn

from touchline.configs import Config, from_plain
from touchline.envs.errors import EnvError
from touchline.envs.shipping import factory_from_bytes
from touchline.player.failure import Failure, failure_of
from touchline.player.link import Link
from touchline.player.work import Held, UnknownOrder, Work
from touchline.player.works import work_of
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
        self._work: Work | None = None
        self._held: Held | None = None
        self._orders: dict[int, Order] = {}
        self._seed = 0
        self._stage = "working"  # at an order given once
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
                        self._held = Held(epoch, version, arrays)
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
        self._stage = stage_of(config)
        self._on_config(config)
        self._seed = welcome.seed
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
            work = self._work = work_of(
                config,
                seed=self._seed,
                factory=factory,
                progress=self._progress,
                goes_on=self._goes_on,
            )
        except Exception as error:
            self._fail(error, playing=False)
        self._link.at("waiting")
        self._link.ready(work.spaces, work.facts)
        length = config.players.unroll_length
        if config.staleness.ahead > 0 and length != "episode":  # how long a wave takes is not known
            self._ask_at = int(ASK_AHEAD * length)
        else:
            self._ask_at = None

    def _carry_out(self, granted: Granted) -> None:
        """Do what was granted with exactly the snapshot it was granted with, and send each result as it comes."""
        held, work, order = self._held, self._work, self._orders[granted.order]
        assert held is not None
        assert work is not None
        assert held.version == granted.version, "a grant names the snapshot that came with it"
        last = granted.seq + granted.count - 1
        seq = granted.seq
        asked = self._ask_at is not None and order.standing
        self._link.at("playing" if order.standing else self._stage)
        try:
            for arrays in work.carry_out(
                order.verb,
                order.arguments,
                held,
                seq=granted.seq,
                count=granted.count,
                standing=order.standing,
            ):
                self._link.submit(granted, arrays, then_want=seq == last and not asked)
                seq += 1
        except UnknownOrder as error:
            self._link.refuse_order(granted.order, str(error))
        except Exception as error:
            self._fail(error, playing=True)
        if not order.standing:
            del self._orders[granted.order]
        self._link.errors = work.outside
        self._link.at("waiting")

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
        if self._work is not None:
            self._work.close()
        self._work, self._held = None, None
        self._orders.clear()


def stage_of(config: Config) -> str:
    """What a Player is at while it carries out an order given once. The watchdog looks for hangs where an environment
    is stepped; arithmetic over a table may take its time."""
    if config.method == "policy_gradient":
        return "evaluating"
    return "playing" if config.table.source is None else "working"


__all__ = ["Distrusted", "EnvError", "PlayerFailed", "PlayerService", "SpaceError", "TurnedAway"]
