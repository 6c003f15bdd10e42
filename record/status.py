"""status.json, the run as it is now, and summary.json, the run as it ended."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

RunState = Literal["starting", "training", "stopping", "finished"]


class LagSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Lag over results, in versions, and the mean that the law of lag predicts; None before the first."""

    p50: float | None = None
    p95: float | None = None
    max: float | None = None
    mean: float | None = None
    law: float | None = None


class PlayerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One Player, as the Trainer sees it."""

    name: str
    state: str  # "playing", "waiting", "starting", "restarting", "gone", ...
    steps_per_second: float = 0.0
    episodes: int = 0
    behind: int | None = None  # versions between the live weights and those it plays
    restarts: int = 0
    stage_seconds: float = 0.0  # how long it has been at ``state``, by its own account
    errors: int = 0  # numbers in its observations that lay outside their space


class EvaluationStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The last evaluation during training, and the best so far."""

    version: int
    steps: int  # trained when the version was made
    episodes: int
    mean: float | None = None
    best_version: int | None = None
    best_mean: float | None = None


class Objective(msgspec.Struct, frozen=True, kw_only=True):
    """What a run by rounds minimises or maximises, in the words of its method.

    ``measures``: what else was last measured, such as test_accuracy; ``facts``: what was found, such as a structure.
    """

    name: str  # "error" or "return"
    value: float | None = None
    best: float | None = None
    goal: float | None = None
    unit: str = "steps"  # of what ``steps`` counts: "row evaluations" or "steps"
    results: int = 0  # merged and trained on so far
    tests: int = 0  # results that were tests
    rounds: int = 0  # so far
    measures: dict[str, float] = {}
    facts: dict[str, Any] = {}


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """status.json, and all that the live view shows."""

    run: str
    env: str
    mode: str = "async"
    state: RunState = "starting"
    seconds: float = 0.0  # since the run began
    steps: int = 0
    stop_steps: int | None = None
    stop_minutes: float | None = None
    stop_rounds: int | None = None
    episodes: int = 0
    updates: int = 0
    gradient_steps: int = 0
    version: int = 0
    return_mean: float | None = None  # over the last ``over_episodes``
    return_goal: float | None = None
    return_history: list[float] = []  # at most 60, the newest last
    over_episodes: int = 100
    return_best: float | None = None
    evaluation: EvaluationStatus | None = None
    updates_per_second: float = 0.0
    steps_per_second: float = 0.0
    wait_fraction: float = 0.0  # of the learner's time, waiting for Players; 0..1
    lag: LagSummary = LagSummary()
    lag_bound: float | None = None
    players: list[PlayerStatus] = []
    eta_seconds: float | None = None
    message: str = ""  # the last notable event
    method: str = "policy_gradient"
    objective: Objective | None = None  # None with method policy_gradient


def return_goal_of(status: Status) -> float | None:
    """The return that is to be reached: the method's own where it has one, as imitation may."""
    own = status.objective.facts.get("goal") if status.objective is not None else None
    return status.return_goal if own is None else float(own)


class LedgerSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What became of every result: counts by bucket, ``sent`` among them."""

    total: dict[str, int]
    players: dict[str, dict[str, int]]
    duplicates: int = 0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """summary.json: the machine-readable result, written at every end."""

    run: str
    env: str
    seed: int
    solved: bool
    reason: str
    wall_seconds: float
    steps: int  # policy steps trained
    episodes: int
    updates: int
    gradient_steps: int
    version: int
    steps_per_second: float | None  # trained, from the first update to the last
    return_mean_100: float | None
    return_best: float | None
    lag: LagSummary
    ledger: LedgerSummary
    bottleneck: str
    method: str | msgspec.UnsetType = msgspec.UNSET  # set by every method but policy_gradient, as is the next
    objective: Objective | msgspec.UnsetType = msgspec.UNSET
