"""One cell: a serial run with injected lag, and what is kept of it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lagstudy.design import Cell
from touchline.configs import load
from touchline.launch.serial import SerialRun
from touchline.record import ResultLine, RunDirectory, UpdateLine, read_lines

POINTS = 60  # of a curve
FINAL = 0.1  # of a curve is its end
FloatArray = NDArray[np.float64]


def run_cell(cell: Cell, *, clock: Callable[[], float] = time.perf_counter) -> dict[str, Any]:
    """Play and learn; the cell's fields and what came of it, ready for a line of JSON. ``clock`` gives seconds.

    Raises RuntimeError where a recorded lag is not the injected one: then nothing of the study would mean anything.
    """
    config = load(None, values=cell.values).config
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        run = RunDirectory.create(Path(folder), env=config.env.id, seed=cell.seed)
        began = clock()
        serial = SerialRun(config, run, clock=clock)
        summary = serial.run()
        seconds = clock() - began
        run.flush()
        results = list(read_lines(run.episodes.path, ResultLine))
        updates = list(read_lines(run.metrics.path, UpdateLine))
    _check_lags(updates, cell.lag)
    curve = curve_of(results, steps=summary.steps)
    return {
        **asdict(cell),
        **scores(curve),
        "curve": [round(value, 1) for value in curve.tolist()],
        "updates": summary.updates,
        "steps": summary.steps,
        "gradient_steps": summary.gradient_steps,
        "seconds": round(seconds, 3),
        "play_seconds": serial.training.pace.wait_seconds,
        "learn_seconds": serial.training.pace.update_seconds,
    }


def curve_of(results: Sequence[ResultLine], *, steps: int, points: int = POINTS) -> FloatArray:
    """Mean return of the episodes that ended in each of ``points`` equal parts of the run, float64 ``[points]``.

    A part in which none ended has the value of the one before; a run in which none ended at all is NaN.
    """
    returns = np.array([value for line in results for value in line.returns], np.float64)
    ended = np.repeat([line.steps for line in results], [len(line.returns) for line in results])
    part = np.minimum(ended * points // max(steps, 1), points - 1).astype(np.intp)
    counts = np.bincount(part, minlength=points)
    sums = np.bincount(part, weights=returns, minlength=points)
    if not counts.any():
        return np.full(points, np.nan)
    held = np.maximum.accumulate(np.where(counts > 0, np.arange(points), 0))
    held = np.where(counts[held] > 0, held, np.argmax(counts > 0))
    curve: FloatArray = sums[held] / counts[held]
    return curve


def scores(curve: FloatArray) -> dict[str, float]:
    """``area``: the mean over the run; ``final``: over its last tenth; ``best``: over its best tenth in a row."""
    window = max(1, round(FINAL * len(curve)))
    windows = np.convolve(curve, np.full(window, 1 / window), mode="valid")
    return {
        "area": round(float(curve.mean()), 3),
        "final": round(float(curve[-window:].mean()), 3),
        "best": round(float(windows.max()), 3),
    }


def _check_lags(updates: Sequence[UpdateLine], lag: int) -> None:
    for line in updates:
        expected = min(lag, line.version - 1)  # of the version that the batch was consumed at
        if set(line.lag.values) != {expected}:
            raise RuntimeError(f"update {line.update}: expected lag {expected}, found {line.lag.values}")
