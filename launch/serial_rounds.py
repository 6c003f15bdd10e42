"""Serial mode of the methods that go by rounds: every task carried out in this process, one after another."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from touchline.configs import Config
from touchline.player.failure import failure_of
from touchline.player.work import Held, Work
from touchline.player.works import work_of
from touchline.policy.seeds import player_seed
from touchline.protocol.ledger import Ledger, Outcome
from touchline.record import PlayerStatus, RunDirectory, Status, Summary
from touchline.targets.errors import TargetError
from touchline.trainer.campaign import Campaign
from touchline.trainer.course import course_of
from touchline.trainer.crew import Member
from touchline.trainer.failures import RunFailed, failed_in_training, shown, text_of
from touchline.trainer.method import Absorbed, Delivery, Order
from touchline.trainer.reporting import History, status_of, summary_of
from touchline.trainer.scheme import SchemeError
from touchline.trainer.stopping import Ending

EPOCH = 1
NAME = "player-0"


class SerialRounds:
    """One worker that takes the tasks in their order: lag 0, and the same numbers as with any Players in lockstep."""

    def __init__(
        self,
        config: Config,
        run: RunDirectory,
        *,
        factory: Callable[..., Any] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Reads the table, or builds the environments. Raises EnvError and SpaceError, and RunFailed for a run that
        cannot be."""
        self._began, self._clock, self._config = clock(), clock, config
        seed = player_seed(run_seed=config.seed, slot=0, incarnation=0)
        self._ending: Ending | None = None
        self._message = ""
        self._history = History()
        self._member = Member(NAME)
        self.ledger = Ledger()
        self._work: Work | None = None
        try:
            work = self._work = work_of(config, seed=seed, factory=factory, goes_on=self._goes_on)
            campaign = course_of(
                config,
                spaces=work.spaces,
                facts=work.facts,
                run=run,
                epoch=EPOCH,
                clock=self.seconds,
                accounts=self._accounts,
            )
        except (SchemeError, TargetError) as error:
            self._close()
            raise RunFailed(str(error), exit_code=2) from error
        except BaseException:
            self._close()
            raise
        assert isinstance(campaign, Campaign)
        self.training = campaign
        self._message = campaign.about

    def seconds(self) -> float:
        return self._clock() - self._began

    def stop(self, ending: Ending) -> None:
        """End the run after the task under way; may be called from a signal handler."""
        self._ending = self._ending or ending

    def run(self) -> Summary:
        """Carry tasks out until a stop condition holds. Raises RunFailed where one fails."""
        failed: RunFailed | None = None
        try:
            self.training.begin()
            while self._ending is None:
                order = self.training.method.order(0, self.seconds())
                if order is None:
                    self.training.tick()
                    self._ending = self._ending or self.training.ending
                    continue
                self._carry_out(order)
        except RunFailed as error:
            failed = error
        except (SchemeError, TargetError) as error:  # what only now could be known
            failed = failed_in_training(error, self.training.run, advice="")
        finally:
            self._close()
        if failed is not None:
            self.stop(Ending(f"failed: {failed.headline}", solved=False))
        summary = self._finish()
        if failed is not None:
            failed.summary = summary
            raise failed
        return summary

    def status(self) -> Status:
        player = PlayerStatus(
            name=NAME,
            state="playing",
            steps_per_second=self._member.measure(self._clock()),
            episodes=self._member.episodes,
            behind=0,
            errors=0 if self._work is None else self._work.outside,
        )
        return status_of(
            self.training,
            state="stopping" if self._ending else "training",
            seconds=self.seconds(),
            history=self._history.points,
            players=[player],
            law=0.0,
            message=self._message,
        )

    def _carry_out(self, order: Order) -> None:
        began, account, live = self._clock(), self.ledger.account(NAME), self.training.method.live
        held = Held(EPOCH, live.version, live.to_arrays())
        assert self._work is not None
        try:
            results = list(
                self._work.carry_out(
                    order.verb, order.arguments, held, seq=account.next, count=1, standing=False
                )
            )
        except RunFailed:
            raise
        except Exception as error:
            raise self._failed(error) from error
        self.training.waited(self._clock() - began)
        for arrays in results:
            delivery = Delivery(
                0, account.next, live.version, arrays, 0, order=order.number, base=held.arrays
            )
            account.received(account.next)
            self._absorb(delivery)

    def _absorb(self, delivery: Delivery) -> None:
        training = self.training
        absorbed = training.take(delivery, player=NAME, may_publish=lambda: True)
        self._settle(absorbed)
        for _, steps, episodes in absorbed.credits:
            self._member.steps += steps
            self._member.episodes += episodes
        if absorbed.detail:
            self._message = f"result {delivery.seq} dropped: {absorbed.detail}"
        if absorbed.changed:
            self._history.add(training.headline)
        training.check()
        training.tick()
        self._ending = self._ending or training.ending

    def _settle(self, absorbed: Absorbed) -> None:
        for (_, seq), fate in absorbed.settled:
            self.ledger.account(NAME).settle(seq, Outcome(fate))

    def _goes_on(self, step: int) -> bool:
        return self._ending is None

    def _accounts(self) -> Mapping[str, Any]:
        self.ledger.check()
        return {"ledger": self.ledger.state()}

    def _failed(self, error: Exception) -> RunFailed:
        failure = msgspec.to_builtins(failure_of(error, playing=True))
        path = self.training.run.crash("player", failure, text_of(failure))
        return RunFailed(str(failure["message"]), exit_code=3, detail=shown(failure, kept=path, advice=""))

    def _close(self) -> None:
        if self._work is not None:
            self._work.close()

    def _finish(self) -> Summary:
        assert self._ending is not None
        account = self.ledger.account(NAME)
        for (_, seq), fate in self.training.method.finished():
            account.settle(seq, Outcome(fate))
        assert not account.queued, "every result has its fate"
        self.training.finish()
        return summary_of(
            self.training, self._ending, seconds=self.seconds(), law=0.0, ledger=self.ledger.report()
        )
