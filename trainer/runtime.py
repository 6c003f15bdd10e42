"""The Trainer process: events in, one loop, a summary out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from touchline.configs import Config, to_plain
from touchline.policy.evaluation import Evaluation, EvaluationError
from touchline.policy.policy import Snapshot
from touchline.policy.seeds import player_seed
from touchline.policy.spaces import SpaceError
from touchline.protocol.effects import (
    BecameReady,
    Delivered,
    Failed,
    Invalid,
    Joined,
    Left,
    Lost,
    Settled,
)
from touchline.protocol.ledger import Outcome
from touchline.protocol.limits import Timing
from touchline.protocol.messages import ErrorCode
from touchline.protocol.slots import Pacing
from touchline.protocol.slots import Snapshot as Published
from touchline.protocol.trainer_session import TrainerSessions
from touchline.protocol.transport import TrainerSocket
from touchline.record import RunDirectory, Summary
from touchline.targets.errors import TargetError
from touchline.trainer.admission import players_admitted
from touchline.trainer.advice import of_network, of_player
from touchline.trainer.campaign import Campaign
from touchline.trainer.closing import checked_state, close_accounts, dismiss, saved
from touchline.trainer.course import Course, course_of
from touchline.trainer.crew import Crew
from touchline.trainer.dealing import Dealing
from touchline.trainer.evaluating import Evaluating
from touchline.trainer.failures import RunFailed, Streak, account_of, failed_in_training, shown, text_of
from touchline.trainer.messages import Messages
from touchline.trainer.method import Absorbed, Delivery, Order
from touchline.trainer.reporting import History, summary_of
from touchline.trainer.rounds import Rounds
from touchline.trainer.scheme import SchemeError
from touchline.trainer.service import TrainerService
from touchline.trainer.stopping import Ending
from touchline.trainer.training import Training

EPOCH = 1
WAIT_SECONDS = 0.05


class TrainerRuntime:
    """One run of a Trainer with its Players, wherever they are."""

    def __init__(
        self,
        config: Config,
        run: RunDirectory,
        socket: TrainerSocket,
        *,
        factory: bytes | None = None,
        admitted: int | None = None,
        barrier: int = 1,
        own_players: bool = False,
        began: float | None = None,
        housekeeping: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """``admitted``: how many Players may play, None to let the law of lag say. ``barrier``: how many must be ready
        before the first may start. ``own_players``: they are this run's own, and their failures can end it.
        ``housekeeping`` is called about every twentieth of a second, until the run ends."""
        self.config, self.run = config, run
        self.training: Course | None = None
        self.history = History()
        self.crew = Crew()
        self._messages = Messages()
        self.address = socket.address
        self._clock = clock
        self._began = clock() if began is None else began
        self._housekeeping = housekeeping
        self._housekept_at = 0.0
        self._ending: Ending | None = None
        self._streak = Streak(config.players.restarts)
        main = config.method == "policy_gradient"
        width = config.players.lanes if main and config.players.unroll_length == "episode" else 1
        self._rounds = Rounds() if main and config.mode == "sync" else None
        self._dealing = Dealing(several=1 + config.staleness.ahead)
        self._evaluating = Evaluating(config)
        self._own_players = own_players
        sessions = TrainerSessions(
            run=run.name,
            epoch=EPOCH,
            pacing=Pacing(
                ahead=config.staleness.ahead,
                width=width,
                admitted=admitted if admitted is not None else players_admitted(config),
                barrier=barrier,
            ),
            seed_of=lambda slot, incarnation: player_seed(
                run_seed=config.seed, slot=slot, incarnation=incarnation
            ),
            config=to_plain(config),
            factory=factory,
            timing=Timing(heartbeat_seconds=config.net.heartbeat, dead_seconds=config.net.dead),
        )
        self.service = TrainerService(socket, sessions)

    def seconds(self) -> float:
        """Since the run began."""
        return self._clock() - self._began

    @property
    def message(self) -> str:
        """What happened last."""
        return self._messages.text

    @property
    def stopping(self) -> bool:
        """Whether an ending has been met and the Players are being dismissed."""
        return self._ending is not None

    def stop(self, ending: Ending) -> None:
        """End the run soon; may be called from a signal handler. The first ending counts."""
        self._ending = self._ending or ending

    def run_to_end(self) -> Summary | None:
        """Serve until a stop condition holds; None where no Player ever became ready.

        Raises RunFailed for a failure of Players that ends the run, after everything has been written.
        """
        failed: RunFailed | None = None
        self.service.start()
        try:
            try:
                while self._ending is None:
                    self._turn()
            except RunFailed as error:
                failed = error
            except (SpaceError, SchemeError, TargetError) as error:  # what only now could be known
                failed = failed_in_training(error, self.run, advice=of_network(self.config))
            if failed is not None:
                self.stop(Ending(f"failed: {failed.headline}", solved=False))
            summary = self._finish()
        finally:
            self.service.close()
        if failed is not None:
            failed.summary = summary
            raise failed
        return summary

    def player_died(self, name: str, *, detail: str, text: str) -> None:
        """The supervisor's word that a Player's process has ended though the run has not."""
        self.service.post(lambda sessions, now: sessions.gone(name, detail, now))
        if self.stopping:
            return
        if self.crew.take_reported(name):
            return  # it had told us itself, and that was counted
        self._failed(name, detail, {"player": name, "message": detail}, text)

    # -- the loop

    def _turn(self) -> None:
        waited_from = self._clock()
        event = self.service.next_event(WAIT_SECONDS)
        now = self._clock()
        if self.training is not None:
            self.training.waited(now - waited_from)
        if event is not None:
            self._handle(event)
            self._hand_out()
        if now - self._housekept_at >= WAIT_SECONDS:
            self._housekept_at = now
            self._housekeeping()
            if self.training is not None:
                self.training.tick()
                self._evaluate_when_due(self.training)
                self._hand_out()
        if self.training is not None and self.training.ending is not None:
            self.stop(self.training.ending)

    def _handle(self, event: Joined | BecameReady | Delivered | Invalid | Lost | Failed | Left) -> None:
        match event:
            case Delivered():
                self._delivered(event)
            case Joined(slot, name):
                self.crew.joined(slot, name)
                if not event.resumed:
                    self._evaluating.given_up(slot, self.seconds())
                    self._give_up(slot)
                again = " again" if event.resumed else ""
                self._messages.joined(name, f"{name} joined{again}", self._clock())
            case BecameReady(slot, spaces, facts):
                self._ready(slot, spaces, facts)
            case Invalid(slot, seq, detail):
                self._say(f"{self.crew.name(slot)}: result {seq} dropped as invalid: {detail}")
                self._unreadable(event)
            case Lost(slot, name, reason) | Left(slot, name, reason):
                self._gone(slot)
                self._say(f"{name} left: {reason}")
            case Failed():
                self._player_failed(event)

    def _unreadable(self, event: Invalid) -> None:
        training = self.training
        if self._evaluating.asked_for(event.order):
            self._evaluating.given_up(event.slot, self.seconds())
            if isinstance(training, Training):
                training.evaluation_came(event.slot, event.seq)
            return
        if training is not None:
            if event.order is not None:
                self._dealing.came(event.slot, event.order)
                training.method.unusable(event.order, event.slot)
            training.unreadable(event.detail)
            training.check()
        self._round(event)

    def _delivered(self, event: Delivered) -> None:
        if self._evaluating.asked_for(event.order):
            self._evaluated(event)
        elif self._rounds is None:
            self._absorb([event])
        else:
            self._round(event)

    def _round(self, event: Delivered | Invalid) -> None:
        if self._rounds is not None:
            self._rounds.add(event)
            self._absorb(self._rounds.take())

    def _absorb(self, events: Sequence[Delivered]) -> None:
        """Absorb results in order and post what became of them, so that their Players go on."""
        training = self.training
        assert training is not None or not events
        settled: list[Settled] = []
        published: Published | None = None
        for event in events:
            assert training is not None
            self._dealing.came(event.slot, event.order)
            delivery = Delivery(
                event.slot,
                event.seq,
                event.version,
                event.arrays,
                event.lag_play or 0,
                order=event.order,
                base=None if event.snapshot is None else event.snapshot.arrays(),
            )
            absorbed = training.take(
                delivery,
                player=self.crew.name(event.slot),
                may_publish=partial(self._may_publish, event, last=event is events[-1]),
            )
            for slot, steps, episodes in absorbed.credits:
                self.crew.played(slot, steps=steps, episodes=episodes)
            if absorbed.detail:
                whose = "a batch" if absorbed.failed else f"{self.crew.name(event.slot)}: result {event.seq}"
                self._say(f"{whose} dropped: {absorbed.detail}")
            settled += settlements(delivery, absorbed)
            if absorbed.changed:
                self.history.add(training.headline)
                live = training.method.live
                published = Published.of(live.version, live.to_arrays())
            if training.hopeless:
                break  # the rest is unused
        if events:
            assert training is not None
            self.service.post(lambda sessions, now: sessions.settle(settled, now=now, published=published))
            training.check()

    def _may_publish(self, event: Delivered, *, last: bool) -> bool:
        """A version waits for the last of what is absorbed together, and with ``on_excess: hold`` while it would
        leave an outstanding result too old."""
        staleness = self.config.staleness
        if staleness.on_excess != "hold" or self._rounds is not None or self.training is None:
            return last
        oldest = self.service.ask(lambda sessions: sessions.oldest_outstanding(but=(event.slot, event.seq)))
        return oldest is None or oldest >= self.training.method.live.version + 1 - staleness.max_lag

    # -- orders once

    def _hand_out(self) -> None:
        """By rounds, give each Player that is free its next task, if there is one for it."""
        training = self.training
        if not isinstance(training, Campaign) or self.stopping or training.ending is not None:
            return
        if not self.crew.present:
            training.nobody_is_there()
        self._dealing.deal(training.method, self.crew.all_ready(), now=self.seconds(), give=self._order_once)

    def _order_once(self, slot: int, order: Order) -> None:
        arguments = dict(order.arguments)
        self.service.post(
            lambda sessions, _: sessions.order_once(
                slot, order.number, order.verb, arguments, trains=order.trains
            )
        )

    def _give_up(self, slot: int) -> None:
        """What this slot's Player had is to be done by another."""
        self._dealing.gone(slot)
        if self.training is not None:
            self.training.method.lost(slot)

    # -- evaluation

    def _evaluate_when_due(self, training: Course) -> None:
        if isinstance(training, Campaign):
            return  # its tests are tasks
        now = self.seconds()
        complaint = self._evaluating.complaint(now)
        if complaint is not None:
            self._say(complaint)
        slot = self.crew.one_ready(rather=self._evaluating.last_slot)  # which has the lanes already
        if slot is None or not self._evaluating.is_due(now):
            return
        number, order = self._evaluating.ask(slot, now), self._evaluating.order
        training.evaluations.asked(training.method.live.version)
        self.service.post(
            lambda sessions, _: sessions.order_once(slot, number, order.verb, dict(order.arguments))
        )

    def _evaluated(self, event: Delivered) -> None:
        """An evaluation came. Its Player goes on before anything is written; no batch and no round hears of it."""
        if isinstance(self.training, Training):
            self.training.evaluation_came(event.slot, event.seq)
        player, outcome = self.crew.name(event.slot), Outcome.EVALUATED
        try:
            played = Evaluation.from_arrays(event.arrays, episodes=self._evaluating.episodes)
        except EvaluationError as error:
            played, outcome = None, Outcome.DROPPED_INVALID
            self._say(f"{player}: evaluation {event.seq} dropped as invalid: {error}")
        settled = [Settled(event.slot, event.seq, outcome)]
        self.service.post(lambda sessions, now: sessions.settle(settled, now=now))
        newest, training = self._evaluating.done(event.order, self.seconds()), self.training
        if newest and played is not None and event.snapshot is not None and isinstance(training, Training):
            snapshot = Snapshot.from_arrays(training.policy, EPOCH, event.version, event.snapshot.arrays())
            training.evaluated(played, snapshot, seed=self._evaluating.seed, player=player)

    # -- Players that come and go

    def _ready(self, slot: int, spaces: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        if self.training is None:
            self._begin(spaces, facts)
        if self._rounds is not None:
            self._rounds.joined(slot)
        self.crew.ready(slot)

    def _begin(self, spaces: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        """What the first Player announced makes the policy, or the target; version 0 goes out before anything is
        written to disk."""
        try:
            training = course_of(
                self.config,
                spaces=spaces,
                facts=facts,
                run=self.run,
                epoch=EPOCH,
                clock=self.seconds,
                accounts=lambda: self.service.ask(checked_state),
                saved=lambda state: self.service.post(partial(saved, state)),
            )
        except (SpaceError, SchemeError, TargetError) as error:
            raise RunFailed(str(error), exit_code=2) from error
        self.training = training
        order = training.method.standing()
        first = Published.of(0, training.method.live.to_arrays())
        self.service.post(
            lambda sessions, now: [
                *(sessions.set_order(1, order.verb, dict(order.arguments)) if order is not None else ()),
                *sessions.publish(first, now),
            ]
        )
        training.begin()
        if training.about:
            self._say(training.about)

    def _gone(self, slot: int) -> None:
        self.crew.gone(slot)
        self._evaluating.given_up(slot, self.seconds())
        self._give_up(slot)
        if self._rounds is not None:
            self._rounds.left(slot)
            if self._ending is None:
                self._absorb(self._rounds.take())

    def _player_failed(self, event: Failed) -> None:
        if event.code is not ErrorCode.ENVIRONMENT:
            self._say(f"{event.name}: {event.code.value}: {event.detail}")
            if event.code is ErrorCode.BAD_ORDER:
                raise RunFailed(f"{event.name}: {event.detail}", exit_code=3)
            return
        failure = account_of(event.detail)
        message = str(failure["message"])
        if failure.get("kind") == "setup" and self.training is None:
            headline = message if self._own_players else f"{event.name}: {message}"  # which machine it is of
            raise RunFailed(headline, exit_code=2, detail=str(failure.get("traceback", "")))
        self.crew.reported(event.name)
        self._failed(event.name, message, {"player": event.name, **failure}, text_of(failure))

    def _failed(self, name: str, message: str, payload: dict[str, Any], text: str) -> None:
        """Keep the traceback; end the run when failures alike of its own Players have become too many.

        Players that others start come and go: one that fails is their business, and the run goes on.
        """
        path = self.run.crash(name, payload, text)
        self._messages.failed(name, f"{name} failed: {message} ({path.name})", self._clock())
        if self._own_players and self._streak.add(message, self.seconds()):
            count = self._streak.count
            raise RunFailed(
                message if count == 1 else f"{count} failures alike in a row: {message}",
                exit_code=3,
                detail=shown(
                    {"traceback": text, **payload}, kept=path, advice=of_player(self.config, message)
                ),
            )

    def _say(self, message: str) -> None:
        self._messages.say(message, self._clock())

    # -- the end

    def _finish(self) -> Summary | None:
        """Weights and lines first: a sum that does not hold is an error, but costs nothing that was learnt."""
        assert self._ending is not None
        dismiss(self.service, self.crew, reason=self._ending.reason)
        training = self.training
        if training is not None:
            training.finish()
        ledger, law = close_accounts(self.service, training)
        if training is None:
            return None
        return summary_of(training, self._ending, seconds=self.seconds(), law=law, ledger=ledger)


def settlements(delivery: Delivery, absorbed: Absorbed) -> list[Settled]:
    """What the sessions are told: this result was taken, then every result whose fate is known now."""
    fates = [Settled(slot, seq, Outcome(fate)) for (slot, seq), fate in absorbed.settled]
    return [Settled(delivery.slot, delivery.seq, None), *fates]
