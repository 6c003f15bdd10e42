"""A run by rounds as the Trainer keeps it: what is counted, what is written down, and when it ends.

What ``training`` is to the main method, for all the others; neither knows sockets or processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs

from touchline.configs import Config
from touchline.record import ResultLine, RunDirectory, UpdateLine, save_best, save_checkpoint
from touchline.record.status import Objective
from touchline.trainer.about import about_table
from touchline.trainer.accounts import checked_accounts
from touchline.trainer.advice import of_table, unusable_results, unusable_updates
from touchline.trainer.aside import HOW_TO_READ_TASKS, set_aside
from touchline.trainer.by_rounds import Batch, ByRounds
from touchline.trainer.failures import InvalidResults, RunFailed
from touchline.trainer.lags import Lagged, add_lags, lag_line
from touchline.trainer.method import Absorbed, Delivery
from touchline.trainer.pace import Pace
from touchline.trainer.scheme import Arrays, Merged, Scheme
from touchline.trainer.statistics import LagRecord, Returns
from touchline.trainer.stopping import Ending, StopConditions, measured
from touchline.trainer.training import goal_of

FLUSH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Best:
    """The version whose error is the least measured so far, and its arrays."""

    version: int
    error: float
    weights: Arrays
    facts: Mapping[str, Any]


class Campaign:
    """One run from its first READY to its end. ``clock`` gives seconds since the run began."""

    def __init__(
        self,
        config: Config,
        scheme: Scheme,
        *,
        spaces: Mapping[str, Any],
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
        self.spaces, self.facts = dict(spaces), dict(facts)
        self.method = ByRounds(scheme, config, tests_every=config.table.test_every)
        self.on_table = config.table.source is not None
        self.returns = Returns(config.stop.over_episodes)
        self.lags = LagRecord()
        self.goal = None if self.on_table else goal_of(config, facts)
        # The episodes of evolution strategies are of perturbed policies: the policy itself is judged by its tests.
        tested = config.table.test_every is not None and bool(scheme.test())
        self._by_tests = config.method == "evolution" and not self.on_table and tested
        self.evaluations = None
        self.ending: Ending | None = None
        self.error: float | None = None
        self.tested: dict[str, float] = {}
        self.measures: dict[str, float] = {}
        self.best: Best | None = None
        self.pace = Pace()
        unit = "row evaluations" if self.on_table else "steps"
        goal = None if self._by_tests else self.goal
        self._stop = StopConditions(goal, self._most_steps(), config.stop.minutes, unit)
        self._end_wanted: Ending | None = None
        self._wound_at: float | None = None
        # the live version, as it was when the last merge had made it
        self._measured = (0, _copied(scheme.weights()), dict(scheme.facts()))
        self._overflow = ""
        self._last_kept: Path | None = None  # of what was set aside
        self._clock = clock
        self._accounts, self._saved = accounts, saved
        self._invalid = InvalidResults()
        self._best_saved: int | None = None
        self._flushed_at = self._saved_at = clock()

    def begin(self) -> None:
        """Save version 0, which plots compare with and nothing prunes."""
        self.checkpoint()

    def waited(self, seconds: float) -> None:
        """The learner waited this long for a result."""
        self.pace.waited(seconds)

    def take(self, delivery: Delivery, *, player: str, may_publish: Callable[[], bool]) -> Absorbed:
        """Absorb a result and account for it. Sets ``ending`` when the run should end; ``check`` comes afterwards."""
        began = self._clock()
        absorbed = self.method.absorb(replace(delivery, player=player), may_publish=may_publish)
        if absorbed.aside:
            live, seed = self.method.live.version, self.config.seed
            kept = self._last_kept = set_aside(
                self.run,
                absorbed.aside,
                detail=absorbed.detail,
                live=live,
                seed=seed,
                note=HOW_TO_READ_TASKS,
            )
            absorbed = replace(absorbed, detail=f"{absorbed.detail}; kept in {kept.name}")
        if absorbed.failed:
            self._overflow = absorbed.detail
            return absorbed
        self._invalid.took(absorbed.detail)
        if self.method.tested is not None:
            self._tested(self.method.tested)
        if self.method.batch is not None:
            now = self._clock()
            self._merged(self.method.batch, now, now - began)
        self._look_for_the_end()
        return absorbed

    def unreadable(self, detail: str) -> None:
        """A result came of which not even the form could be read."""
        self._invalid.took(detail)

    @property
    def hopeless(self) -> bool:
        """Whether ``check`` would raise: nothing more should be taken."""
        return self._invalid.too_many or bool(self._overflow)

    def check(self) -> None:
        """Raises RunFailed when the last ten results in a row were unusable, or the last update not finite.

        The main method sets such a batch aside and goes on with the next; here the next would be made of the same.
        """
        if not self.hopeless:
            return
        kept, results, updates = self._last_kept, of_table(self._last_kept), of_table(self._last_kept)
        if not self.on_table:
            results = unusable_results(self.config, self._invalid.detail, kept)
            updates = unusable_updates(self.config, kept)
        self._invalid.check(results)
        headline = f"update {self.method.counts.rounds + 1}: {self._overflow}"
        raise RunFailed(headline, exit_code=3, detail=updates)

    def tick(self) -> None:
        """What is done about once a second whatever arrives: lines to disk, a checkpoint when one is due."""
        now = self._clock()
        if now - self._flushed_at >= FLUSH_SECONDS:
            self.run.flush()
            self._flushed_at = now
        if now - self._saved_at >= self.config.save.every:
            self.checkpoint()
        self._look_for_the_end()

    def finish(self) -> None:
        """The last lines and the last checkpoint."""
        self.run.flush()
        self.checkpoint()

    def checkpoint(self) -> None:
        """Save the live version, and the best where it is another."""
        accounts, failure = checked_accounts(self._accounts)
        scheme, best = self.method.scheme, self.best
        live, weights, facts = self._measured
        save_checkpoint(
            self.run,
            version=live,
            weights=weights,
            optimizer={} if self._overflow else _copied(scheme.state()),
            state={**self._state(live, facts), "accounts": dict(accounts)},
            keep=self.config.save.keep,
            best=best is not None and best.version == live,
        )
        if best is not None and best.version != live and best.version != self._best_saved:
            save_best(
                self.run,
                version=best.version,
                weights=best.weights,
                state={**self._state(best.version, best.facts), "error": best.error},
                keep=self.config.save.keep,
            )
        self._best_saved = None if best is None else best.version
        self._saved_at = self._clock()
        if failure is not None:
            raise failure
        self._saved(accounts)

    @property
    def objective(self) -> Objective:
        """What is minimised, or maximised, as the live view and summary.json show it."""
        sign, name = (1.0, "error") if self.on_table else (-1.0, "return")
        tests = {**self.measures, **self.tested}
        return Objective(
            name=name,
            value=None if self.error is None else sign * self.error,
            best=None if self.best is None else sign * self.best.error,
            goal=self.config.stop.error if self.on_table else self.goal,
            unit=self._stop.unit,
            results=self.method.counts.merged,
            tests=self.method.counts.tests,
            rounds=self.method.counts.rounds,
            measures=tests,
            facts=dict(self.method.scheme.facts()),
        )

    @property
    def last_round(self) -> int | None:
        """The round after which it ends: of ``stop.rounds`` and what the scheme knows, the first."""
        known = [self.config.stop.rounds, self.method.scheme.rounds_in_all]
        return min((number for number in known if number is not None), default=None)

    @property
    def about(self) -> str:
        """What is trained on what, in a line; nothing for an environment."""
        return about_table(self.config, self.spaces, self.facts) if self.on_table else ""

    @property
    def headline(self) -> float | None:
        """What the live view draws over time."""
        return self.objective.value if self.on_table or self.returns.mean is None else self.returns.mean

    @property
    def steps_per_second(self) -> float | None:
        """Steps, or row evaluations, from the first update to the last over the wall time between them."""
        return self.pace.steps_per_second(self.method.steps)

    # -- what a merge says

    def _merged(self, batch: Batch, now: float, seconds: float) -> None:
        merged = batch.merged
        waited = self.pace.updated(now=now, seconds=seconds, steps=self.method.steps)
        self._note_error(merged, late=any(lag for _, lag, _ in batch.lags))
        self.measures = dict(merged.measures)
        lags = [Lagged(player, lag, play, 1, lag) for player, lag, play in batch.lags]
        add_lags(self.lags, lags)
        self._note_episodes(batch, now)
        loss = {"error": merged.error, **merged.measures}
        line = self._line(now, loss)
        self.run.metrics.append(
            structs.replace(line, wait_seconds=waited, update_seconds=seconds, lag=lag_line(lags))
        )
        if merged.done is not None:
            self._end_wanted = self._end_wanted or Ending(merged.done, solved=merged.solved)

    def _note_error(self, merged: Merged, *, late: bool) -> None:
        """The error is the new version's, or that of the version before, whose weights are still at hand.

        ``late``: it is of versions before that, and no version's own.
        """
        scheme, live = self.method.scheme, self.method.live.version
        now = (live, _copied(scheme.weights()), dict(scheme.facts()))
        version, weights, facts = now if merged.of_new or not merged.changed else self._measured
        self._measured = now
        if merged.error is None:
            return
        self.error = merged.error
        of_one = (merged.of_new or not late) and not self._by_tests
        if of_one and (self.best is None or merged.error < self.best.error):
            self.best = Best(version, merged.error, weights, facts)

    def _note_episodes(self, batch: Batch, now: float) -> None:
        merged = batch.merged
        if not len(merged.returns):
            return
        returns = [float(value) for value in merged.returns]
        self.returns.add(returns)
        last = batch.deliveries[-1]
        self.run.episodes.append(
            ResultLine(
                seconds=now,
                steps=self.method.steps,
                player=last.player,
                seq=last.seq,
                version=last.version,
                returns=returns,
                lengths=[int(length) for length in merged.lengths],
            )
        )

    def _tested(self, found: Mapping[str, float]) -> None:
        """A line of its own: of the version that is live."""
        self.tested = dict(found)
        if self._by_tests:
            self._judge(found["test_return"])
        self.run.metrics.append(self._line(self._clock(), dict(found)))

    def _judge(self, value: float) -> None:
        """The live policy's own return, in a test."""
        if self.best is None or -value < self.best.error:
            version, weights, facts = self._measured
            self.best = Best(version, -value, weights, facts)
        if self.goal is not None and value >= self.goal:
            reason = f"solved: mean return {measured(value)} of a greedy test reached {self.goal:g}"
            self._end_wanted = self._end_wanted or Ending(reason, solved=True)

    def _line(self, now: float, loss: Mapping[str, float | None]) -> UpdateLine:
        method = self.method
        return UpdateLine(
            update=method.counts.rounds,
            version=method.live.version,
            seconds=now,
            steps=method.steps,
            episodes=self.returns.episodes,
            gradient_steps=method.gradient_steps,
            return_mean=self.returns.mean,
            steps_per_second=self.steps_per_second,
            loss=dict(loss),
        )

    # -- the end

    def _look_for_the_end(self) -> None:
        """A stop condition winds the method up: what is live is tested, then the run ends."""
        if self.ending is not None:
            return
        self._end_wanted = self._end_wanted or self._met()
        if self._end_wanted is not None:
            self._wind_up(self._clock())
        if self.method.phase == "over":
            self.ending = self._end_wanted or Ending("finished: nothing is left to try", solved=False)

    def _wind_up(self, now: float) -> None:
        self._wound_at = now if self._wound_at is None else self._wound_at
        self.method.wind_up()
        if now - self._wound_at >= self.config.tasks.lease:  # whoever tests it does not answer
            self.method.give_up()

    def nobody_is_there(self) -> None:
        """No Player is: a run that is to end does not wait for a test."""
        if self._end_wanted is not None:
            self.method.give_up()

    def _met(self) -> Ending | None:
        stop, counts = self.config.stop, self.method.counts
        if stop.rounds is not None and counts.rounds >= stop.rounds:
            return Ending(f"rounds: {counts.rounds:,} of {stop.rounds:,}", solved=False)
        return self._stop.met(returns=self.returns, steps=self.method.steps, seconds=self._clock())

    def _most_steps(self) -> int | None:
        stop = self.config.stop
        return stop.evaluations if self.on_table else stop.steps

    # -- checkpoints

    def _state(self, version: int, found: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "run": self.run.name,
            "epoch": self.epoch,
            **self.method.report(),
            "version": version,
            "method": self.config.method,
            "episodes": self.returns.episodes,
            "return_mean": self.returns.mean,
            "error": self.error,
            "tested": self.tested,
            "found": dict(found),
            "seed": self.config.seed,
            "spaces": self.spaces,
            "facts": self.facts,
        }


def _copied(arrays: Arrays) -> dict[str, Any]:
    return {name: np.array(array) for name, array in arrays.items()}
