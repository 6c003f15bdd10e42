"""From a run's state to what people and scripts read: status, summary, bottleneck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET

from touchline.configs import Config
from touchline.configs.methods import bounds_lag
from touchline.record import LagSummary, LedgerSummary, PlayerStatus, Status, Summary
from touchline.record.status import Objective
from touchline.trainer.course import Course
from touchline.trainer.stopping import Ending

HISTORY = 60


class History:
    """The mean return at even distances through the run so far, at most 60 points: when full, every other one goes."""

    def __init__(self) -> None:
        self._points: list[float] = []
        self._stride, self._seen = 1, 0

    def add(self, value: float | None) -> None:
        if value is None:
            return
        if self._seen % self._stride == 0:
            self._points.append(value)
        self._seen += 1
        if len(self._points) > HISTORY:
            self._points = self._points[::2]
            self._stride *= 2

    @property
    def points(self) -> list[float]:
        return list(self._points)


def lag_summary(training: Course, law: float | None) -> LagSummary:
    summary = training.lags.summary()
    return LagSummary(p50=summary.p50, p95=summary.p95, max=summary.max, mean=summary.mean, law=law)


def status_of(
    training: Course,
    *,
    state: str,
    seconds: float,
    history: Sequence[float],
    players: Sequence[PlayerStatus],
    law: float | None,
    message: str,
) -> Status:
    """status.json and the live view's picture of the run at this moment."""
    config, method = training.config, training.method
    return Status(
        run=training.run.name,
        env=config.target,
        mode=config.mode,
        state=state,  # type: ignore[arg-type]
        seconds=seconds,
        steps=method.steps,
        stop_steps=config.stop.steps if config.table.source is None else config.stop.evaluations,
        stop_minutes=config.stop.minutes,
        stop_rounds=training.last_round,
        episodes=training.returns.episodes,
        updates=method.updates,
        gradient_steps=method.gradient_steps,
        version=method.live.version,
        return_mean=training.returns.mean,
        return_goal=training.goal,
        return_history=list(history),
        over_episodes=config.stop.over_episodes,
        return_best=training.returns.best,
        evaluation=None if training.evaluations is None else training.evaluations.status,
        updates_per_second=method.updates / seconds if seconds > 0 else 0.0,
        steps_per_second=training.steps_per_second or 0.0,
        wait_fraction=training.pace.wait_fraction,
        lag=lag_summary(training, law),
        lag_bound=config.staleness.max_lag if bounds_lag(config) else None,
        players=list(players),
        eta_seconds=_eta(training, seconds),
        message=message,
        method=config.method,
        objective=training.objective,
    )


def summary_of(
    training: Course, ending: Ending, *, seconds: float, law: float | None, ledger: Mapping[str, Any]
) -> Summary:
    """summary.json."""
    method = training.method
    return Summary(
        run=training.run.name,
        env=training.config.target,
        seed=training.config.seed,
        solved=ending.solved,
        reason=ending.reason,
        wall_seconds=seconds,
        steps=method.steps,
        episodes=training.returns.episodes,
        updates=method.updates,
        gradient_steps=method.gradient_steps,
        version=method.live.version,
        steps_per_second=training.steps_per_second,
        return_mean_100=training.returns.mean,
        return_best=training.returns.best,
        lag=lag_summary(training, law),
        ledger=LedgerSummary(
            total=dict(ledger["total"]), players=dict(ledger["players"]), duplicates=ledger["duplicates"]
        ),
        bottleneck=bottleneck(training),
        method=UNSET if training.objective is None else training.config.method,
        objective=UNSET if training.objective is None else training.objective,
    )


def objective_before(config: Config) -> Objective | None:
    """What a run by rounds will minimise or maximise, before the first Player is there."""
    if config.method == "policy_gradient":
        return None
    if config.table.source is not None:
        return Objective(name="error", goal=config.stop.error, unit="row evaluations")
    return Objective(name="return")


def bottleneck(training: Course) -> str:
    """Which side the run waited for, in words a user can act on."""
    if training.config.mode == "serial":
        share = 1 - training.pace.wait_fraction
        work = "playing" if training.config.table.source is None else "working"
        return f"one process: {share:.0%} of its time updating, {1 - share:.0%} {work}"
    waiting = training.pace.wait_fraction
    if training.config.method != "policy_gradient":
        parts = training.config.tasks.parts
        shared = f"the {parts} parts of a round, which up to {parts} Players share"
        return f"the Trainer waited {waiting:.0%} of its time for {shared}"
    if training.config.mode == "sync":
        return f"sync: the learner waits {waiting:.0%} of its time, Players the rest; mode async overlaps the two"
    if waiting > 0.5:
        return f"Players: the learner waited {waiting:.0%} of its time; more or faster Players would help"
    return f"Trainer: the learner was busy {1 - waiting:.0%} of its time; more Players would not help"


def _eta(training: Course, seconds: float) -> float | None:
    """Seconds until the stop condition that comes first at the present rate; None when none is in sight."""
    config, steps = training.config, training.method.steps
    left = []
    if config.stop.minutes is not None:
        left.append(60 * config.stop.minutes - seconds)
    most = config.stop.steps if config.table.source is None else config.stop.evaluations
    if most is not None and steps and seconds > 0:
        left.append((most - steps) * seconds / steps)
    if training.last_round is not None and training.objective is not None:
        rounds = training.objective.rounds
        left += [(training.last_round - rounds) * seconds / rounds] if rounds else []
    return max(0.0, min(left)) if left else None
