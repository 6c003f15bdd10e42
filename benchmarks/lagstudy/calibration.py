"""How long an update of each method takes: what turns curves over samples into curves over wall time."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from statistics import median

from lagstudy.design import METHODS, Cell
from lagstudy.running import run_cell

REPEATS = 5
RATE, LAG = 1e-3, 4


def calibrate(path: Path) -> None:
    """Times CartPole's cells, the methods in turn, several times over, and writes the medians to ``path``.

    ``play`` and ``learn`` are milliseconds of processor time an update, of one thread: on an idle core that is wall
    time, and what else runs on the machine hardly enters. Serially they add up; in separate processes they overlap.
    """
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in METHODS}
    for seed in range(REPEATS):
        for name, of_method in times.items():
            row = run_cell(Cell("cartpole", name, RATE, LAG, seed), clock=time.process_time)
            of_method.append((row["play_seconds"] / row["updates"], row["learn_seconds"] / row["updates"]))
    found = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load": round(os.getloadavg()[0], 1),
        "repeats": REPEATS,
        "milliseconds": {
            name: {
                "play": round(1000 * median(play for play, _ in pairs), 3),
                "learn": round(1000 * median(learn for _, learn in pairs), 3),
            }
            for name, pairs in times.items()
        },
    }
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
