"""Finished cells on disk: one line each, so that a study that was cut short goes on where it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

from lagstudy.design import TUNING_LAGS, Cell, Task
from lagstudy.running import run_cell
from touchline.record import JsonLines, read_lines

Row = Mapping[str, Any]
FIELDS = tuple(Cell.__dataclass_fields__)


class Cells:
    """The finished cells of one file."""

    def __init__(self, path: Path) -> None:
        """Reads what is there. Raises LinesError for a damaged file."""
        self.rows: dict[Cell, Row] = {cell_of(row): row for row in read_lines(path)}
        self._lines = JsonLines(path)

    def add(self, row: Row) -> None:
        """One more, on disk when this returns."""
        self.rows[cell_of(row)] = row
        self._lines.append(row)
        self._lines.flush()

    def run(
        self,
        wanted: Iterable[Cell],
        *,
        jobs: int,
        until: float,
        told: Callable[[Row], None],
        runner: Callable[[Cell], Row] = run_cell,
    ) -> bool:
        """Run what is not there yet in ``jobs`` processes, none begun after ``until`` (time.monotonic).

        Whether all are there now.
        """
        missing = iter([cell for cell in dict.fromkeys(wanted) if cell not in self.rows])
        with ProcessPoolExecutor(jobs) as pool:
            running = {pool.submit(_run, runner, cell) for cell in islice(missing, jobs)}
            while running:
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                for one in ended:
                    self._take(one, told)
                if time.monotonic() < until:
                    running |= {pool.submit(_run, runner, cell) for cell in islice(missing, len(ended))}
        return next(missing, None) is None

    def _take(self, done: Future[Row], told: Callable[[Row], None]) -> None:
        row = done.result()
        self.add(row)
        told(row)


def _run(runner: Callable[[Cell], Row], cell: Cell) -> Row:
    """Raises RuntimeError: another exception may not pass between processes, and would end the pool untold."""
    try:
        return runner(cell)
    except Exception as error:
        raise RuntimeError(f"{cell}: {type(error).__name__}: {error}") from None


def cell_of(row: Row) -> Cell:
    return Cell(**{field: row[field] for field in FIELDS})


def chosen_rates(cells: Cells, task: Task, *, each_lag: bool = False) -> dict[tuple[str, int], float]:
    """The rate of each (method, lag): that of the greatest mean area on the tuning seeds.

    The mean is over the tuning lags, so that a method has one rate; with ``each_lag`` over that lag alone. A method is
    left out until every tuning seed of every rate is there.
    """
    rates = {}
    for method in task.methods:
        for lag in task.lags:
            found = best_rate(cells, task, method, (lag,) if each_lag else TUNING_LAGS)
            if found is not None:
                rates[method, lag] = found
    return rates


def best_rate(cells: Cells, task: Task, method: str, lags: tuple[int, ...]) -> float | None:
    """The rate of the greatest mean area over these lags; None until all are there."""
    areas = swept(cells, task, method, lags)
    return max(areas, key=lambda rate: areas[rate]) if areas else None


def swept(cells: Cells, task: Task, method: str, lags: tuple[int, ...]) -> dict[float, float]:
    """Mean area of each rate on the tuning seeds over these lags; empty until all are there."""
    found: dict[float, list[float]] = {}
    for cell, row in cells.rows.items():
        asked = (cell.task, cell.method) == (task.name, method) and cell.lag in lags
        if asked and cell.rate in task.rates and cell.seed in task.tuning_seeds:
            found.setdefault(cell.rate, []).append(row["area"])
    whole = len(task.tuning_seeds) * len(lags)
    complete = {rate: fmean(areas) for rate, areas in sorted(found.items()) if len(areas) == whole}
    return complete if len(complete) == len(task.rates) else {}
