"""Serial mode: Trainer and Players take turns in one process. The debugger's and the determinism tests' mode."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import msgspec

from touchline.configs import Config
from touchline.envs.errors import EnvError, EnvironmentFault
from touchline.envs.lanes import Lanes
from touchline.launch.injecting import Injector, lags_of
from touchline.player.failure import failure_of
from touchline.player.play import Play, evaluator_of, lanes_of, policy_for
from touchline.policy.policy import Policy
from touchline.policy.seeds import player_seed
from touchline.policy.spaces import SpaceError
from touchline.protocol.ledger import Ledger, Outcome
from touchline.record import PlayerStatus, RunDirectory, Status, Summary
from touchline.trainer.advice import of_environment, of_network
from touchline.trainer.crew import Member
from touchline.trainer.evaluating import Evaluating
from touchline.trainer.failures import RunFailed, failed_in_training, shown, text_of
from touchline.trainer.method import Delivery, Fate, ResultKey
from touchline.trainer.reporting import History, status_of, summary_of
from touchline.trainer.stopping import Ending
from touchline.trainer.training import Training

EPOCH = 1


class SerialRun:
    """Players in slot order, each giving its results to the learner before the next begins: lag 0 throughout.

    Equal, bit for bit, to ``sync`` mode with as many Players. ``staleness.inject`` has them play with older
    snapshots instead of the live one, and nothing else.
    """

    def __init__(
        self,
        config: Config,
        run: RunDirectory,
        *,
        factory: Callable[..., Any] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Builds the environments. Raises EnvError and SpaceError, and RunFailed for lags that cannot be had."""
        self._began = clock()
        self._clock = clock
        self._config = config
        self._injector = Injector(lags_of(config), run_seed=config.seed)
        count = 1 if config.players.count == "auto" else config.players.count
        self._seeds = [player_seed(run_seed=config.seed, slot=slot, incarnation=0) for slot in range(count)]
        self._lanes: list[Lanes] = [lanes_of(config, base_seed=seed, factory=factory) for seed in self._seeds]
        policy = policy_for(config, self._lanes[0])
        self._evaluating = Evaluating(config)
        self._evaluator = evaluator_of(
            config, policy, factory=factory, progress=lambda step: self._ending is None
        )
        if config.eval.every is not None:
            self._evaluator.prepare(episodes=config.eval.episodes)
        # The noise of each Player's other results is numbered without them.
        self._evaluations_of = [0] * count
        self._message = ""
        self.ledger = Ledger()
        self.training = Training(
            config,
            policy,
            facts=asdict(self._lanes[0].facts),
            run=run,
            epoch=EPOCH,
            clock=self.seconds,
            accounts=self._accounts,
        )
        self._history = History()
        self._members = [Member(f"player-{slot}") for slot in range(count)]
        self._played: list[Delivery] = []
        self._ending: Ending | None = None

    def seconds(self) -> float:
        return self._clock() - self._began

    def stop(self, ending: Ending) -> None:
        """End the run after the result being absorbed; may be called from a signal handler."""
        self._ending = self._ending or ending

    def run(self) -> Summary:
        """Play and learn until a stop condition holds. Raises RunFailed when the environment fails."""
        self.training.begin()
        plays = [self._play(slot, self.training.policy) for slot in range(len(self._lanes))]
        failed: RunFailed | None = None
        try:
            while self._ending is None:
                self._play_round(plays)
                self._absorb_round()
                self._evaluate_when_due()
        except EnvironmentFault as fault:
            failed = self._failed(fault)
        except (EnvError, SpaceError) as error:
            failed = failed_in_training(error, self.training.run, advice=of_network(self._config))
            self.stop(Ending(f"failed: {failed.headline}", solved=False))
        except RunFailed as error:
            failed = error
            self.stop(Ending(f"failed: {error.headline}", solved=False))
        finally:
            for lanes in self._lanes:
                lanes.close()
            self._evaluator.close()
        summary = self._finish()
        if failed is not None:
            failed.summary = summary
            raise failed
        return summary

    def status(self) -> Status:
        return status_of(
            self.training,
            state="stopping" if self._ending else "training",
            seconds=self.seconds(),
            history=self._history.points,
            players=[
                PlayerStatus(
                    name=member.name,
                    state="playing",
                    steps_per_second=member.measure(self._clock()),
                    episodes=member.episodes,
                    behind=0,
                    errors=member.outside,
                )
                for member in self._members
            ],
            law=self._injector.law,
            message=self._message,
        )

    def _play(self, slot: int, policy: Policy) -> Play:
        order = self.training.method.standing()
        return Play(
            self._lanes[slot],
            policy,
            order.arguments,
            base_seed=self._seeds[slot],
            progress=lambda step: self._ending is None,
        )

    def _play_round(self, plays: Sequence[Play]) -> None:
        """One grant of every Player, each with the live snapshot, or with one as old as was asked for."""
        began = self._clock()
        live = self.training.method.live
        for slot, play in enumerate(plays):
            account = self.ledger.account(self._members[slot].name)
            number = account.next - self._evaluations_of[slot]
            snapshot = self._injector.snapshot(live, slot=slot, result=number)
            for trajectory in play.results(snapshot, seq=number):
                arrays = trajectory.to_arrays(sparse=self.training.policy.form.sparse)
                self._played.append(Delivery(slot, account.next, snapshot.version, arrays, 0))
                account.received(account.next)
            self._members[slot].outside = play.outside
        self.training.waited(self._clock() - began)

    def _absorb_round(self) -> None:
        """The round's results in slot order; the next version waits for the last of them, so that no lag arises."""
        training = self.training
        while self._played:
            delivery = self._played.pop(0)
            member = self._members[delivery.slot]
            absorbed = training.take(
                delivery, player=member.name, may_publish=partial(operator.not_, self._played)
            )
            self._settle(absorbed.settled)
            for _, steps, episodes in absorbed.credits:
                member.steps += steps
                member.episodes += episodes
            if absorbed.detail:
                whose = "a batch" if absorbed.failed else f"{member.name}: result {delivery.seq}"
                self._message = f"{whose} dropped: {absorbed.detail}"
            if absorbed.changed:
                self._history.add(training.returns.mean)
            training.check()
        training.tick()
        self._ending = self._ending or training.ending

    def _evaluate_when_due(self) -> None:
        """Between rounds, by the first Player, as in ``sync`` mode: nothing that is learnt from depends on it."""
        evaluating, live = self._evaluating, self.training.method.live
        if self._ending is not None or not evaluating.is_due(self.seconds()):
            return
        member, number = self._members[0], evaluating.ask(0, self.seconds())
        played = self._evaluator.play(live, episodes=evaluating.episodes, seed=evaluating.seed)
        if played is None:
            evaluating.given_up(0, self.seconds())
            return
        account = self.ledger.account(member.name)
        account.received(account.next)
        account.settle(account.next - 1, Outcome.EVALUATED)
        self._evaluations_of[0] += 1
        self.training.evaluation_came(0, account.next - 1)
        self._message = evaluating.complaint(self.seconds()) or self._message
        evaluating.done(number, self.seconds())
        self.training.evaluations.asked(live.version)
        self.training.evaluated(played, live, seed=evaluating.seed, player=member.name)

    def _settle(self, settled: Sequence[tuple[ResultKey, Fate]]) -> None:
        for (slot, seq), fate in settled:
            self.ledger.account(f"player-{slot}").settle(seq, Outcome(fate))

    def _accounts(self) -> dict[str, Any]:
        self.ledger.check()
        return {"ledger": self.ledger.state()}

    def _failed(self, fault: EnvironmentFault) -> RunFailed:
        """Keep the traceback, as the Trainer process does; there is no other process to go on with."""
        failure = msgspec.to_builtins(failure_of(fault, playing=True))
        path = self.training.run.crash("player", failure, text_of(failure))
        self.stop(Ending(f"failed: {fault}", solved=False))
        return RunFailed(
            str(fault), exit_code=3, detail=shown(failure, kept=path, advice=of_environment(self._config))
        )

    def _finish(self) -> Summary:
        assert self._ending is not None
        self._settle(self.training.method.finished())
        self._settle(
            [(delivery.key, "unused") for delivery in self._played]
        )  # of a round that a fault cut short
        self.training.finish()
        return summary_of(
            self.training,
            self._ending,
            seconds=self.seconds(),
            law=self._injector.law,
            ledger=self.ledger.report(),
        )
