"""What a study is given, and a run of touchline as a study reads it: made once, and kept."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from touchline.record import RunDirectory, UpdateLine, read_lines

POINTS = 60  # of a curve that is kept


@dataclass(frozen=True)
class Done:
    """A finished run. ``load``: of the machine in the minute before its end."""

    path: Path
    summary: Mapping[str, Any]
    load: float

    @property
    def lines(self) -> list[UpdateLine]:
        return list(read_lines(RunDirectory(self.path).metrics.path, UpdateLine))

    @property
    def facts(self) -> Mapping[str, Any]:
        return dict(self.summary["objective"]["facts"])

    @property
    def measures(self) -> Mapping[str, float]:
        return dict(self.summary["objective"]["measures"])


@dataclass(frozen=True)
class Study:
    """``runs``: where runs are kept, so that a study that was cut short goes on. ``quick``: a small form of it all."""

    runs: Path
    mnist: str | None = None
    quick: bool = False
    seeds: int = 3

    def run(self, name: str, preset: str, *flags: str, serial: bool = False) -> Done:
        """``touchline train PRESET FLAGS``, or what it came to before."""
        path = self.runs / name
        if not (path / "load.json").exists():
            if path.exists():
                shutil.rmtree(path)  # it was interrupted
            touchline(
                *("train", preset, "--runs", str(self.runs), "--name", name, "--no-live"),
                *(("--mode", "serial") if serial else ()),
                *flags,
            )
            (path / "load.json").write_text(json.dumps(round(os.getloadavg()[0], 1)))
        summary = json.loads((path / "summary.json").read_text())
        return Done(path, summary, json.loads((path / "load.json").read_text()))

    def over_seeds(self, name: str, preset: str, *flags: str, **more: Any) -> list[Done]:
        """The same run for each seed."""
        return [
            self.run(f"{name}-s{seed}", preset, "--seed", str(seed), *flags, **more)
            for seed in range(self.seeds)
        ]


def touchline(*arguments: str) -> None:
    """The command line, in a process of its own. Raises RuntimeError with what it said."""
    command = [sys.executable, "-m", "touchline", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")


def machine() -> dict[str, Any]:
    """Where and when under what load a part was measured."""
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load": round(os.getloadavg()[0], 1),
    }


def curve(lines: Sequence[UpdateLine], measure: str, *, over: str = "steps") -> list[list[float]]:
    """[[x, value], ..] of what the lines say of a measure: at most ``POINTS`` of them, evenly over log x."""
    said = [(getattr(line, over), line.loss[measure]) for line in lines if line.loss.get(measure) is not None]
    return thinned(said)


def thinned(points: Sequence[tuple[float, Any]], *, log: bool = True) -> list[list[float]]:
    """At most ``POINTS`` of them and the last, the first among these, evenly over x or log x."""
    if len(points) <= POINTS:
        return [[x, value] for x, value in points]
    x = np.array([max(point[0], 1e-9) for point in points])
    wanted = (np.geomspace if log else np.linspace)(x[0], x[-1], POINTS)
    at = sorted({0, len(points) - 1, *np.searchsorted(x, wanted, side="right").clip(1) - 1})
    return [[points[int(i)][0], points[int(i)][1]] for i in at]


def reached(lines: Sequence[UpdateLine], threshold: float, *, over: str = "steps") -> float | None:
    """Where the error was first within ``threshold``: row evaluations or seconds; None: never."""
    for line in lines:
        error = line.loss.get("error")
        if error is not None and error <= threshold:
            return float(getattr(line, over))
    return None


def seconds_of(lines: Sequence[UpdateLine]) -> float:
    """Wall time of the rounds: from the first to the last, or of the only one, its waiting and its merge."""
    if len(lines) == 1:
        return (lines[0].wait_seconds or 0.0) + (lines[0].update_seconds or 0.0)
    return lines[-1].seconds - lines[0].seconds


def rounds_timed(lines: Sequence[UpdateLine]) -> int:
    """The rounds that ``seconds_of`` is the time of."""
    return max(1, len(lines) - 1)
