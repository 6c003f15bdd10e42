"""The rows of `touchline runs`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from touchline.record.directory import RunDirectory
from touchline.record.errors import RecordError
from touchline.record.finding import list_runs
from touchline.record.status import Objective, Status, Summary, return_goal_of

SILENT_SECONDS = 10.0  # without a new status; a live Trainer writes one every second or so


@dataclass(frozen=True)
class RunRow:
    """One run, as a listing shows it; None is what is not known."""

    name: str
    env: str | None
    state: str  # "solved", the reason it ended, "training", ..., "lost" (ended without a word), "unreadable"
    solved: bool
    return_mean: float | None
    return_goal: float | None
    steps: int | None
    episodes: int | None
    seconds: float | None
    modified: float  # time of the last sign of it, in seconds since 1970
    method: str = "policy_gradient"
    error: float | None = None  # of a run on a table: the least so far
    error_goal: float | None = None
    unit: str = "steps"  # of what ``steps`` counts


def run_rows(root: Path, *, now: float) -> list[RunRow]:
    """A row a run under ``root``; ``now`` in seconds since 1970. A damaged run is a row, not an error."""
    return [_row(run, now) for run in list_runs(root)]


def _row(run: RunDirectory, now: float) -> RunRow:
    modified = _modified(run)
    try:
        status, summary = run.read_status(), run.read_summary()
    except RecordError:
        return _bare(run, "unreadable", modified)
    if summary is not None:
        return _ended(run, summary, status, modified)
    if status is not None:
        return _running(run, status, modified, silent=now - modified > SILENT_SECONDS)
    return _bare(run, "starting" if now - modified <= SILENT_SECONDS else "lost", modified)


def _ended(run: RunDirectory, summary: Summary, status: Status | None, modified: float) -> RunRow:
    return RunRow(
        name=run.name,
        env=summary.env,
        state="solved" if summary.solved else summary.reason,
        solved=summary.solved,
        return_mean=summary.return_mean_100,
        return_goal=return_goal_of(status) if status else None,
        steps=summary.steps,
        episodes=summary.episodes,
        seconds=summary.wall_seconds,
        modified=modified,
        **_by_rounds(summary.method, summary.objective),
    )


def _running(run: RunDirectory, status: Status, modified: float, *, silent: bool) -> RunRow:
    return RunRow(
        name=run.name,
        env=status.env,
        state="lost" if silent else status.state,
        solved=False,
        return_mean=status.return_mean,
        return_goal=return_goal_of(status),
        steps=status.steps,
        episodes=status.episodes,
        seconds=status.seconds,
        modified=modified,
        **_by_rounds(status.method, status.objective),
    )


def _by_rounds(
    method: str | msgspec.UnsetType, objective: Objective | msgspec.UnsetType | None
) -> dict[str, Any]:
    """What a row says of a run by rounds; nothing of another."""
    if not isinstance(objective, Objective):
        return {}
    errors = {"error": objective.best, "error_goal": objective.goal} if objective.name == "error" else {}
    return {"method": method, "unit": objective.unit, **errors}


def _bare(run: RunDirectory, state: str, modified: float) -> RunRow:
    return RunRow(
        name=run.name,
        env=None,
        state=state,
        solved=False,
        return_mean=None,
        return_goal=None,
        steps=None,
        episodes=None,
        seconds=None,
        modified=modified,
    )


def _modified(run: RunDirectory) -> float:
    files = [run.path / name for name in ("summary.json", "status.json", "config.yaml")]
    return max((file.stat().st_mtime for file in files if file.exists()), default=run.path.stat().st_mtime)
