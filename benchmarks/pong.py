"""Pong by the hour: the two runs of *Pong from Pixels* side by side, or Atari Pong with convolutions.

    python benchmarks/pong.py pixels --minutes 60 --runs FOLDER     # rates 1e-4 and 1e-3, a core for each
    python benchmarks/pong.py atari  --minutes 60 --runs FOLDER     # on all cores
    python benchmarks/pong.py figure --runs FOLDER                  # draws what there is, and prints a table

Each run is ``touchline train PRESET``. The running reward is Karpathy's: 0.99 of it and 0.01 of each episode's,
from the first episode's on. Figures go to ``docs/results``; weights before and after are ``touchline plot``'s.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from touchline.record import RunDirectory
from touchline.record.history import read_history
from touchline.record.plot_style import colour, count_axis, new_figure, save, styled

OUT = Path(__file__).resolve().parent.parent / "docs" / "results"
KEPT = 0.99
RATES = ("1e-4", "1e-3")
MINUTES_BETWEEN_ROWS = 10


def train(preset: str, name: str, runs: Path, *flags: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "touchline", "train", preset, "--runs", str(runs), "--name", name]
    return subprocess.Popen([*command, "--no-live", "--stop.mean_return", "null", *flags])


def pixels(runs: Path, minutes: float) -> None:
    """Both rates at once: each is one Player, which fills a core, and a Trainer that hardly works."""
    running = [
        train(
            "pong-pixels",
            f"pong-pixels-{rate}",
            runs,
            *("--stop.minutes", str(minutes), "--optimizer.learning_rate", rate),
        )
        for rate in RATES
    ]
    for process in running:
        process.wait()


def atari(runs: Path, minutes: float, flags: list[str]) -> None:
    train("atari-pong", "atari-pong", runs, "--stop.minutes", str(minutes), *flags).wait()


def running_reward(returns: np.ndarray) -> np.ndarray:
    """float64 [E]: 0.99 of what it was and 0.01 of the episode's, beginning with the first."""
    blended = itertools.accumulate(returns, lambda so_far, one: KEPT * so_far + (1 - KEPT) * one)
    return np.fromiter(blended, np.float64)


def figure(runs: Path) -> None:
    found = {path.name: read_history(RunDirectory(path)).episodes for path in sorted(runs.glob("*pong*"))}
    for group in ("pong-pixels", "atari-pong"):
        members = {name: episodes for name, episodes in found.items() if name.startswith(group)}
        if members:
            _draw(group, members)
    for name, episodes in found.items():
        _table(name, episodes, runs)
        _weights(name, runs)


def _draw(group: str, members: dict) -> None:
    with styled():
        drawn = new_figure(10, 4.1)
        by_time, by_steps = drawn.subplots(1, 2, sharey=True)
        for index, (name, episodes) in enumerate(members.items()):
            reward = running_reward(episodes.returns)
            by_time.plot(episodes.seconds / 3600, reward, color=colour(index), label=name)
            by_steps.plot(episodes.steps, reward, color=colour(index), label=name)
        by_time.set_title(f"{group}: running reward (0.99)")
        by_time.set_xlabel("hours")
        by_steps.set_xlabel("steps")
        count_axis(by_steps.xaxis)
        by_time.legend()
        save(drawn, OUT / f"{group}-learning.png")


def _table(name: str, episodes, runs: Path) -> None:
    """Every ten minutes: steps, episodes, running reward, mean of the last 100."""
    summary = runs / name / "summary.json"
    rate = json.loads(summary.read_text())["steps_per_second"] if summary.exists() else None
    print(f"\n{name}{f', {rate:,.0f} steps/s' if rate else ''}\n")
    print("| minutes | steps | episodes | running reward | mean of the last 100 |\n|---|---|---|---|---|")
    reward, minutes = running_reward(episodes.returns), episodes.seconds / 60
    last = float(minutes[-1])
    marks = [*np.arange(MINUTES_BETWEEN_ROWS, last, MINUTES_BETWEEN_ROWS), last]
    for mark in marks:
        n = int(np.searchsorted(minutes, mark, side="right"))
        if n:
            mean = episodes.returns[max(0, n - 100) : n].mean()
            print(f"| {mark:.0f} | {episodes.steps[n - 1]:,.0f} | {n:,} | {reward[n - 1]:.1f} | {mean:.1f} |")


def _weights(name: str, runs: Path) -> None:
    drawn = Path(tempfile.mkdtemp())
    subprocess.run(
        [sys.executable, "-m", "touchline", "plot", str(runs / name), "--out", str(drawn)],
        check=True,
        capture_output=True,
    )
    for picture in drawn.glob("weights*.png"):
        shutil.copy(picture, OUT / f"{name}-weights.png")
    shutil.rmtree(drawn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("pixels", "atari", "figure"))
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60.0)
    options, flags = parser.parse_known_args()
    match options.what:
        case "pixels":
            pixels(options.runs, options.minutes)
        case "atari":
            atari(options.runs, options.minutes, flags)
    figure(options.runs)


if __name__ == "__main__":
    main()
