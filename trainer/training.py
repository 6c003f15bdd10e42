"""A run as the Trainer keeps it: the method, what is counted, what is written down, and when it ends.

It takes deliveries one at a time and knows neither sockets nor processes, so that serial mode and the
Trainer process share every line of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from msgspec import to_builtins
from numpy.typing import NDArray

from touchline.configs import Config
from touchline.policy.evaluation import Evaluation
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.spaces import to_plain
from touchline.record import (
    DriftLine,
    ResultLine,
    RunDirectory,
    UpdateLine,
    save_best,
    save_checkpoint,
)
from touchline.trainer.accounts import checked_accounts
from touchline.trainer.advice import unusable_results, unusable_updates
from touchline.trainer.aside import set_aside
from touchline.trainer.evaluations import Evaluations
from touchline.trainer.failures import InvalidResults
from touchline.trainer.lags import Lagged, add_lags, lag_line
from touchline.trainer.method import Absorbed, Delivery
from touchline.trainer.numbering import Numbering
from touchline.trainer.pace import Pace
from touchline.trainer.policy_gradient import PolicyGradient
from touchline.trainer.statistics import LagRecord, Returns
from touchline.trainer.stopping import Ending, StopConditions

FLUSH_SECONDS = 1.0


class Training:
    """One run from its first READY to its end. ``clock`` gives seconds since the run began."""

    def __init__(
        self,
        config: Config,
        policy: Policy,
        *,
        facts: Mapping[str, Any],
        run: RunDirectory,
        epoch: int,
        clock: Callable[[], float],
        accounts: Callable[[], Mapping[str, Any]] = dict,
        saved: Callable[[Mapping[str, Any]], None] = lambda state: None,
    ) -> None:
        """``accounts`` gives the sessions' state for a checkpoint, its sums checked; ``saved`` is told it when it is on
        disk."""
        self.config, self.run, self.epoch = config, run, epoch
        self.facts = dict(facts)
        self.method = PolicyGradient(policy, config, epoch=epoch)
        self.returns = Returns(config.stop.over_episodes)
        self.lags = LagRecord()
        self.goal = goal_of(config, facts)
        self.evaluations = Evaluations(run.evaluations)
        self.ending: Ending | None = None
        self.pace = Pace()
        self._stop = StopConditions(self.goal, config.stop.steps, config.stop.minutes)
        self._clock = clock
        self._accounts, self._saved = accounts, saved
        self._best_saved: float | None = None
        self._invalid, self._failed = InvalidResults(), InvalidResults("updates")
        self._last_kept: Path | None = None  # of what was set aside
        self._numbering = Numbering()
        self._batch_lags: list[Lagged] = []
        self._flushed_at = self._saved_at = clock()

    def begin(self) -> None:
        """Save version 0, which plots compare with and nothing prunes."""
        self.evaluations.published(self.method.report())
        self.checkpoint()

    @property
    def objective(self) -> None:
        """Nothing beside the returns."""

    @property
    def last_round(self) -> None:
        """It goes by no rounds."""

    @property
    def about(self) -> str:
        """Nothing to say beforehand."""
        return ""

    @property
    def headline(self) -> float | None:
        """What the live view draws over time: the mean return."""
        return self.returns.mean

    @property
    def policy(self) -> Policy:
        return self.method.policy

    def waited(self, seconds: float) -> None:
        """The learner waited this long for a result."""
        self.pace.waited(seconds)

    def take(self, delivery: Delivery, *, player: str, may_publish: Callable[[], bool]) -> Absorbed:
        """Absorb a result and account for it. Sets ``ending`` when the run should end; ``check`` comes afterwards."""
        began = self._clock()
        before = self._numbering.evaluations_before(delivery.slot, delivery.seq)
        delivery = replace(delivery, player=player, evaluations=before)
        absorbed = self.method.absorb(delivery, may_publish=may_publish)
        self._count(delivery, player)
        if absorbed.aside:
            live, seed = self.method.live.version, self.config.seed
            kept = set_aside(self.run, absorbed.aside, detail=absorbed.detail, live=live, seed=seed)
            self._last_kept, absorbed = (
                kept,
                replace(absorbed, detail=f"{absorbed.detail}; kept in {kept.name}"),
            )
        self._invalid.took("" if absorbed.failed else absorbed.detail)
        if absorbed.changed or absorbed.failed:
            self._failed.took(absorbed.detail)
            batch, self._batch_lags = self._batch_lags, []
            if absorbed.changed:
                now = self._clock()
                self._updated(now, now - began, batch)
        return absorbed

    def unreadable(self, detail: str) -> None:
        """A result came of which not even the form could be read: unusable like one that is no trajectory."""
        self._invalid.took(detail)

    def evaluation_came(self, slot: int, seq: int) -> None:
        """This result of the slot's Player was an evaluation, readable or not: what is learnt from goes on after it."""
        self._numbering.evaluated(slot, seq)

    @property
    def hopeless(self) -> bool:
        """Whether ``check`` would raise: nothing more should be taken."""
        return self._invalid.too_many or self._failed.too_many

    def check(self) -> None:
        """Raises RunFailed when the last ten results in a row were unusable, or the last ten updates."""
        self._invalid.check(unusable_results(self.config, self._invalid.detail, self._last_kept))
        self._failed.check(unusable_updates(self.config, self._last_kept))

    def tick(self) -> None:
        """What is done about once a second whatever arrives: lines to disk, a checkpoint when one is due."""
        now = self._clock()
        if now - self._flushed_at >= FLUSH_SECONDS:
            self.run.flush()
            self._flushed_at = now
        if now - self._saved_at >= self.config.save.every:
            self.checkpoint()
        if self.ending is None:
            self.ending = self._stop.met(returns=self.returns, steps=self.method.steps, seconds=now)

    def evaluated(self, played: Evaluation, snapshot: Snapshot, *, seed: int, player: str) -> None:
        """Write an evaluation down. The best so far is saved, and is the run's best checkpoint: the version that was
        evaluated, which need not be the live one."""
        best = self.evaluations.add(
            played, version=snapshot.version, seed=seed, player=player, seconds=self._clock()
        )
        if not best:
            return
        if snapshot.version == self.method.live.version:
            self.checkpoint()
            return
        counts = self.evaluations.counts_of(snapshot.version)
        save_best(
            self.run,
            version=snapshot.version,
            weights=weights_of(self.policy, snapshot),
            state={**self._state(None), **counts, "version": snapshot.version, **self._evaluation()},
            keep=self.config.save.keep,
        )

    def checkpoint(self) -> None:
        """Save the live version; it is named the best when the mean return is the best saved so far, or with
        ``eval.every`` when it is the version that evaluated best."""
        mean = self.returns.mean if self.returns.full else None
        method, live = self.method, self.method.live
        best = self._is_best(live.version, mean)
        accounts, failure = checked_accounts(self._accounts)
        evaluation = self._evaluation() if best else {}
        save_checkpoint(
            self.run,
            version=live.version,
            weights=weights_of(self.policy, live),
            optimizer=method.optimizer_state(),
            state={**self._state(mean), **evaluation, "accounts": dict(accounts)},
            keep=self.config.save.keep,
            best=best,
        )
        self._saved_at = self._clock()
        if failure is not None:
            raise failure
        self._saved(accounts)

    def finish(self) -> None:
        """The last lines and the last checkpoint."""
        self.run.flush()
        self.checkpoint()

    def _is_best(self, version: int, mean: float | None) -> bool:
        if self.config.eval.every is not None:
            best = self.evaluations.best
            return best is not None and best.version == version
        better = mean is not None and (self._best_saved is None or mean > self._best_saved)
        if better:
            self._best_saved = mean
        return better

    def _evaluation(self) -> dict[str, Any]:
        """What the best checkpoint says of its evaluation; nothing where there was none."""
        best = self.evaluations.best
        return {} if best is None else {"evaluation": to_builtins(best)}

    def _state(self, mean: float | None) -> dict[str, Any]:
        policy = self.method.policy
        return {
            "run": self.run.name,
            "epoch": self.epoch,
            **self.method.report(),
            "episodes": self.returns.episodes,
            "return_mean": mean,
            "seed": self.config.seed,
            "spaces": {
                "observation": to_plain(policy.observation_space),
                "action": to_plain(policy.action_space),
            },
            "facts": self.facts,
        }

    def _count(self, delivery: Delivery, player: str) -> None:
        consumed = self.method.consumed
        if consumed is None:
            return
        trajectory = consumed.trajectory
        steps = trajectory.steps
        if consumed.fate == "admitted":
            self._batch_lags.append(
                Lagged(player, consumed.lag, consumed.lag_play, steps, consumed.gradient_steps)
            )
        if not len(trajectory.episode_returns):
            return
        returns = trajectory.episode_returns.tolist()
        self.returns.add(returns)
        self.run.episodes.append(
            ResultLine(
                seconds=self._clock(),
                steps=self.method.steps,
                player=player,
                seq=delivery.seq,
                version=delivery.version,
                lag=consumed.lag,
                weight=consumed.weight,
                returns=returns,
                lengths=trajectory.episode_lengths.tolist(),
                seeds=trajectory.episode_seeds.tolist(),
            )
        )

    def _updated(self, now: float, seconds: float, batch: Sequence[Lagged]) -> None:
        add_lags(self.lags, batch)
        waited = self.pace.updated(now=now, seconds=seconds, steps=self.method.steps)
        self.evaluations.published(self.method.report())
        self.run.metrics.append(self._line(now, seconds, waited, batch))
        self.ending = self._stop.met(returns=self.returns, steps=self.method.steps, seconds=now)

    def _line(self, now: float, seconds: float, waited: float, batch: Sequence[Lagged]) -> UpdateLine:
        method, losses = self.method, self.method.last_losses
        assert losses is not None
        return UpdateLine(
            update=method.updates,
            version=method.live.version,
            seconds=now,
            steps=method.steps,
            episodes=self.returns.episodes,
            gradient_steps=method.gradient_steps,
            return_mean=self.returns.mean,
            steps_per_second=self.steps_per_second,
            wait_seconds=waited,
            update_seconds=seconds,
            lag=lag_line(batch),
            drift=DriftLine(**asdict(losses.drift)),
            loss={
                "policy": losses.policy,
                "value": losses.value,
                "entropy": losses.entropy,
                "gradient_norm": losses.gradient_norm,
                "learning_rate": losses.learning_rate,
                "explained_variance": losses.explained_variance,
            },
        )

    @property
    def steps_per_second(self) -> float | None:
        """Steps trained from the first update to the last over the wall time between them."""
        return self.pace.steps_per_second(self.method.steps)


def weights_of(policy: Policy, snapshot: Snapshot) -> dict[str, NDArray[Any]]:
    """A snapshot's arrays by name, as a checkpoint holds them."""
    statistics = snapshot.statistics.to_array()
    return {**policy.network.layout.views(snapshot.weights.flat), "normalizer/statistics": statistics}


def goal_of(config: Config, facts: Mapping[str, Any]) -> float | None:
    """The return to reach: the config's, or the environment's own threshold where it has one."""
    wanted = config.stop.mean_return
    if wanted != "threshold":
        return wanted
    threshold = facts.get("reward_threshold")
    return float(threshold) if threshold is not None and math.isfinite(threshold) else None
