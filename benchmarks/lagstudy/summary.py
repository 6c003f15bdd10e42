"""From finished cells to what is committed: per task the rates, and per (method, lag) the scores and the mean curve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lagstudy.bootstrap import band
from lagstudy.cells import Cells, Row, chosen_rates, swept
from lagstudy.design import TASKS, TEST_SEEDS, TUNING_LAGS, Task

FloatArray = NDArray[np.float64]
Summary = dict[str, Any]


def summarise(cells: Cells) -> Summary:
    """The tasks of which any test cell is there, ready for JSON."""
    found = {name: _task(cells, task) for name, task in TASKS.items()}
    return {name: task for name, task in found.items() if task["groups"]}


def _task(cells: Cells, task: Task) -> Summary:
    own = {method: swept(cells, task, method, TUNING_LAGS) for method in task.methods}
    return {
        "untrained": task.untrained,
        "batch": task.batch,
        "sweep": {method: {f"{rate:g}": round(area, 2) for rate, area in areas.items()}
                  for method, areas in own.items() if areas},
        "groups": _groups(cells, task, chosen_rates(cells, task)),
        "each": _groups(cells, task, chosen_rates(cells, task, each_lag=True), curves=False)
                if task.each_lag else [],
    }  # fmt: skip


def _groups(
    cells: Cells, task: Task, rates: Mapping[tuple[str, int], float], *, curves: bool = True
) -> list[Summary]:
    rows: dict[tuple[str, int], list[Row]] = {}
    for cell, row in cells.rows.items():
        if cell.task == task.name and cell.seed in TEST_SEEDS:
            key = cell.method, cell.lag
            if rates.get(key) == cell.rate:
                rows.setdefault(key, []).append(row)
    ordered = [(method, lag) for method in task.methods for lag in task.lags if (method, lag) in rows]
    return [
        _group(method, lag, rates[method, lag], rows[method, lag], rows.get((method, 0), ()), curves=curves)
        for method, lag in ordered
    ]


def _group(
    method: str, lag: int, rate: float, rows: list[Row], fresh: Iterable[Row], *, curves: bool
) -> Summary:
    rows = sorted(rows, key=lambda row: row["seed"])
    group: Summary = {
        "method": method,
        "lag": lag,
        "rate": rate,
        **{name: [row[name] for row in rows] for name in ("area", "final", "best")},
        "steps": round(float(np.mean([row["steps"] for row in rows]))),
        "updates": round(float(np.mean([row["updates"] for row in rows])), 1),
    }
    if curves:
        group["null"] = [round(null_area(row, lag), 2) for row in fresh]
        drawn = band(np.array([row["curve"] for row in rows]), rng=np.random.default_rng(0))
        for name, values in drawn._asdict().items():
            group[f"curve_{name}"] = [round(float(value), 1) for value in values]
    return group


def null_area(fresh: Row, lag: int) -> float:
    """The area of a run at lag 0 had it only been ``lag`` updates late, and no worse."""
    return float(shifted(np.array(fresh["curve"]), by=lag / fresh["updates"]).mean())


def shifted(curve: FloatArray, *, by: float) -> FloatArray:
    """A curve ``[X]`` over the run, later by a part ``by`` of it; before that it stays at its first value."""
    at = (np.arange(len(curve)) + 0.5) / len(curve)
    late: FloatArray = np.interp(at - by, at, curve)
    return late
