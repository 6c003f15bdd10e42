"""Our presets against Stable-Baselines3 at equal steps: how much each learns from the same amount of play.

    python benchmarks/peers.py --python PATH [PAIR ...] [--seeds N] [--out docs/results/peers]

PATH is an interpreter of another environment, which has stable-baselines3 (and gymnasium[box2d] for lunarlander):

    python3 -m venv peers && peers/bin/pip install torch stable-baselines3 "gymnasium[box2d]"

Both sides play the same number of steps with nothing that stops them early, one run after another; the peer with the
settings that rl-zoo3 tuned for it. Writes ``<out>/<pair>.json`` after every run, and goes on from there when started
again; then ``<out>/<pair>.png`` and a table in Markdown. Times are not compared: they need a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.record.plot_style import COLOURS, new_figure, save, styled

FloatArray = NDArray[np.float64]
ROOT = Path(__file__).resolve().parent.parent
SCRIPT = Path(__file__).resolve().parent / "peer_runs" / "sb3_run.py"
WINDOW = 100  # episodes of training that a mean is taken over
POINTS = 200  # of a curve


@dataclass(frozen=True)
class Pair:
    """A preset of ours and what it is compared with.

    ``steps``: how far both are followed. ``overrides``: flags of our run beside its preset. ``settings``: the peer's,
    as rl-zoo3 names them; ``goals``: mean returns whose first step is put into the table.
    """

    preset: str
    environment: str
    algorithm: str
    lanes: int
    steps: int
    goals: tuple[float, ...]
    seeds: int
    settings: Mapping[str, Any]
    overrides: Mapping[str, str] = field(default_factory=dict)

    @property
    def task(self) -> dict[str, Any]:
        """What the peer's script is told."""
        return {
            "algorithm": self.algorithm,
            "env": self.environment,
            "lanes": self.lanes,
            "steps": self.steps,
            "settings": dict(self.settings),
        }


PAIRS = {
    "cartpole-ppo": Pair(
        preset="cartpole-ppo",
        environment="CartPole-v1",
        algorithm="PPO",
        lanes=8,
        steps=100_000,
        goals=(475,),
        seeds=5,
        settings={
            "n_steps": 32,
            "batch_size": 256,
            "n_epochs": 20,
            "gamma": 0.98,
            "gae_lambda": 0.8,
            "ent_coef": 0.0,
            "learning_rate": {"linear": 0.001},
            "clip_range": {"linear": 0.2},
        },
    ),
    "cartpole-a2c": Pair(
        preset="cartpole",
        environment="CartPole-v1",
        algorithm="A2C",
        lanes=8,
        steps=500_000,
        goals=(475,),
        seeds=5,
        settings={
            "ent_coef": 0.0
        },  # the rest its defaults: rate 7e-4, RMSProp, 5 steps, gamma 0.99, lambda 1
    ),
    "lunarlander": Pair(
        preset="lunarlander",
        environment="LunarLander-v3",
        algorithm="PPO",
        lanes=16,
        steps=600_000,
        goals=(100, 150, 200),
        seeds=3,
        settings={
            "n_steps": 1024,
            "batch_size": 64,
            "n_epochs": 4,
            "gamma": 0.999,
            "gae_lambda": 0.98,
            "ent_coef": 0.01,
        },
        overrides={"stop.steps": "600k"},  # nothing of the preset is scheduled by it
    ),
}


@dataclass(frozen=True)
class Run:
    """One side's training with one seed: the steps at which episodes ended, and their returns, float64 [E]."""

    steps: FloatArray
    returns: FloatArray

    def curve(self, until: int) -> list[float | None]:
        """The mean of the last WINDOW episodes at POINTS equally spaced steps; None before there are so many."""
        ends = np.searchsorted(self.steps, np.linspace(0, until, POINTS + 1)[1:], side="right")
        means = (float(self.returns[end - WINDOW : end].mean()) if end >= WINDOW else None for end in ends)
        return [None if mean is None else round(mean, 2) for mean in means]

    def first(self, goal: float, until: int) -> int | None:
        """The step at which that mean first reached ``goal``; None where it did not by ``until``."""
        if len(self.returns) < WINDOW:
            return None
        means = np.convolve(self.returns, np.full(WINDOW, 1 / WINDOW), "valid")
        reached = np.flatnonzero((means >= goal) & (self.steps[WINDOW - 1 :] <= until))
        return int(self.steps[WINDOW - 1 + reached[0]]) if len(reached) else None

    def told(self, pair: Pair) -> dict[str, Any]:
        """What is kept of it."""
        curve = self.curve(pair.steps)
        firsts = {f"{goal:g}": self.first(goal, pair.steps) for goal in pair.goals}
        return {"final": curve[-1], "first": firsts, "curve": curve}


def ours(pair: Pair, seed: int) -> Run:
    """Train the preset to its own end of steps, or to the pair's where ``overrides`` say so."""
    flags = {"stop.mean_return": "null", **pair.overrides}
    with tempfile.TemporaryDirectory() as runs:
        command = [
            sys.executable,
            "-m",
            "touchline",
            "train",
            pair.preset,
            "--seed",
            str(seed),
            "--runs",
            runs,
        ]
        command += [
            "--name",
            "run",
            "--no-live",
            *(part for key, value in flags.items() for part in (f"--{key}", value)),
        ]
        subprocess.run(command, capture_output=True, text=True, check=True)
        lines = (Path(runs) / "run" / "episodes.jsonl").read_text().splitlines()
    results = [json.loads(line) for line in lines]
    steps = [result["steps"] for result in results for _ in result["returns"]]
    return Run(
        np.array(steps, float), np.array([value for result in results for value in result["returns"]], float)
    )


def theirs(pair: Pair, seed: int, python: str) -> tuple[Run, dict[str, str]]:
    """Train the peer in its own environment; also the versions of what it ran on."""
    command = [python, str(SCRIPT), json.dumps(pair.task), str(seed)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    steps, returns = np.array(told["episodes"], float).reshape(-1, 2).T
    return Run(steps, returns), told["versions"]


def compare(name: str, seeds: int | None, python: str | None, out: Path) -> dict[str, Any]:
    """Every run of a pair that is not on disk yet; all of them as the file holds them."""
    pair, path = PAIRS[name], out / f"{name}.json"
    kept = json.loads(path.read_text()) if path.exists() else {"task": pair.task, "ours": {}, "theirs": {}}
    for seed in range(seeds or pair.seeds):
        if str(seed) not in kept["ours"]:
            kept["ours"][str(seed)] = ours(pair, seed).told(pair)
            _write(path, kept)
        if str(seed) not in kept["theirs"] and python is not None:
            run, kept["versions"] = theirs(pair, seed, python)
            kept["theirs"][str(seed)] = run.told(pair)
            _write(path, kept)
        print(f"# {name} seed {seed}", file=sys.stderr)
    return kept


def _write(path: Path, kept: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(kept) + "\n")


def table(name: str, kept: Mapping[str, Any]) -> str:
    """Both sides in Markdown: medians over seeds with their range, and how many reached each goal."""
    pair = PAIRS[name]
    goals = [f"{goal:g}" for goal in pair.goals]
    lines = [
        _row(
            f"{pair.steps:,} steps",
            "seeds",
            *(f"steps to {goal}" for goal in goals),
            "mean return at the end",
        ),
        _row(*["---"] * (len(goals) + 3)),
    ]
    for title, side in ((f"`{pair.preset}`", "ours"), (f"Stable-Baselines3 {pair.algorithm}", "theirs")):
        runs = list(kept[side].values())
        if runs:
            firsts = [_median_first([run["first"][goal] for run in runs]) for goal in goals]
            lines.append(_row(title, len(runs), *firsts, _spread([run["final"] for run in runs])))
    return "\n".join(lines)


def _median_first(firsts: Sequence[int | None]) -> str:
    """The median, a run that did not arrive counting as later than all; and the range of those that did."""
    arrived = sorted(first for first in firsts if first is not None)
    if not arrived:
        return f"none of {len(firsts)}"
    middle = statistics.median_high([first if first is not None else float("inf") for first in firsts])
    median = f"{middle:,.0f}" if middle < float("inf") else "not by then"
    return f"{median} [{arrived[0]:,} to {arrived[-1]:,}], {len(arrived)} of {len(firsts)}"


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.1f} [{min(values):.1f} to {max(values):.1f}]"


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def draw(name: str, kept: Mapping[str, Any], path: Path) -> None:
    """Median over seeds of the mean of the last 100 episodes, and the range from the worst seed to the best."""
    pair = PAIRS[name]
    x = np.linspace(0, pair.steps, POINTS + 1)[1:] / 1000
    with styled():
        figure = new_figure(7, 4)
        axes = figure.add_subplot()
        titles = {"ours": f"touchline {pair.preset}", "theirs": f"Stable-Baselines3 {pair.algorithm}"}
        for (side, title), colour in zip(titles.items(), COLOURS, strict=False):
            curves = np.array([run["curve"] for run in kept[side].values()], float)
            begun = np.isfinite(curves).all(axis=0) if len(curves) else np.zeros(POINTS, bool)
            if begun.any():
                shown = curves[:, begun]
                axes.plot(
                    x[begun], np.median(shown, axis=0), color=colour, label=f"{title}, {len(curves)} seeds"
                )
                axes.fill_between(
                    x[begun], shown.min(axis=0), shown.max(axis=0), color=colour, alpha=0.2, lw=0
                )
        axes.set_title(f"{pair.environment} at equal steps: median and range")
        axes.set_xlabel("steps (thousands)")
        axes.set_ylabel(f"mean return, last {WINDOW} episodes")
        axes.legend()
        save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("pairs", nargs="*", default=list(PAIRS), metavar="PAIR", help=", ".join(PAIRS))
    parser.add_argument(
        "--python", default=None, help="an interpreter that has the peer; without it, only ours run"
    )
    parser.add_argument("--seeds", type=int, default=None)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "peers")
    options = parser.parse_args()
    if unknown := sorted(set(options.pairs) - set(PAIRS)):
        parser.error(f"no pair {', '.join(unknown)}; there are {', '.join(PAIRS)}")
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.pairs:
        kept = compare(name, options.seeds, options.python, options.out)
        draw(name, kept, options.out / f"{name}.png")
        print(f"\n### {name}\n\n{table(name, kept)}\n", flush=True)


if __name__ == "__main__":
    main()
