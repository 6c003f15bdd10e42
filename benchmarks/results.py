"""Every preset from command to exit, seed by seed: the table and the figures of docs/results.md.

    python benchmarks/results.py [PRESET ...] [--seeds 5] [--out docs/results] [--runs FOLDER]

Each run is ``touchline train PRESET --seed S`` in a process of its own, timed from the command to its exit, followed by
``touchline eval`` of its last weights, greedy, 100 fresh episodes. Nothing else should be running. Writes
``<out>/<preset>.json`` (every number), ``<out>/<preset>-*.png`` (curves over all seeds) and prints a table in Markdown;
``--page docs/results.md`` puts it into that page, in place of the preset's table before.

With ``--runs`` the runs are kept, each with what it came to in ``row.json``, and the same command goes on after the
last of them: a table of hours need not be made in one go. Delete a run's folder to have it made anew.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PRESETS = (
    *("cartpole", "cartpole-ppo", "cartpole-reinforce", "acrobot", "lunarlander"),
    *("pendulum", "mountaincar-continuous", "recall", "lunarlander-continuous", "halfcheetah"),
)
ROOT = Path(__file__).resolve().parent.parent


def touchline(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "touchline", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def one_run(preset: str, seed: int, runs: Path) -> dict[str, Any]:
    """What one seed came to: as it was kept, or from a run made now."""
    name = f"{preset}-s{seed}"
    kept = runs / name / "row.json"
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text())
        return found
    if (runs / name).exists():
        shutil.rmtree(runs / name)  # it has no row, so it was interrupted
    row = measured(preset, seed, runs, name)
    kept.write_text(json.dumps(row) + "\n")
    return row


def measured(preset: str, seed: int, runs: Path, name: str) -> dict[str, Any]:
    """Train and evaluate one seed."""
    began = time.perf_counter()
    touchline("train", preset, "--seed", str(seed), "--runs", str(runs), "--name", name, "--no-live")
    seconds = time.perf_counter() - began
    summary = json.loads((runs / name / "summary.json").read_text())
    found = json.loads(touchline("eval", str(runs / name), "--episodes", "100", "--json").stdout)
    return {
        "preset": preset,
        "seed": seed,
        "process_seconds": round(seconds, 2),
        "solved": summary["solved"],
        "reason": summary["reason"],
        "steps": summary["steps"],
        "updates": summary["updates"],
        "gradient_steps": summary["gradient_steps"],
        "episodes": summary["episodes"],
        "steps_per_second": round(summary["steps_per_second"] or 0),
        "return_mean_100": summary["return_mean_100"],
        "greedy_mean": found["return_mean"],
        "greedy_std": found["return_std"],
        "lag": summary["lag"],
        "ledger": summary["ledger"]["total"],
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The runs of one preset as Markdown, medians last."""
    titles = [
        *("seed", "seconds, command to exit", "steps", "steps/s", "return (sampled, last 100)"),
        *("greedy, 100 episodes", "lag mean / law", "ended"),
    ]
    lines = [_row(*titles), _row(*["---"] * len(titles))]
    for row in rows:
        lag = f"{row['lag']['mean']:.2f} / {row['lag']['law']:.2f}"
        lines.append(
            _row(
                row["seed"],
                f"{row['process_seconds']:.1f}",
                f"{row['steps']:,}",
                f"{row['steps_per_second']:,}",
                f"{row['return_mean_100']:.1f}",
                f"{row['greedy_mean']:.1f} ± {row['greedy_std']:.1f}",
                lag,
                "solved" if row["solved"] else row["reason"],
            )
        )

    def median(key: str) -> float:
        return float(statistics.median(row[key] for row in rows))

    lines.append(
        _row(
            "**median**",
            f"**{median('process_seconds'):.1f}**",
            f"{median('steps'):,.0f}",
            f"{median('steps_per_second'):,.0f}",
            f"{median('return_mean_100'):.1f}",
            f"{median('greedy_mean'):.1f}",
            "",
            f"{sum(row['solved'] for row in rows)} of {len(rows)}",
        )
    )
    return "\n".join(lines)


def with_table(page: str, preset: str, rows: str) -> str:
    """The page with ``rows`` for the table in the preset's section, which is added as the last where there is none."""
    lines = page.splitlines()
    heading = f"### {preset}"
    if heading not in lines:
        figure = f"![Return against steps and wall time](results/{preset}-learning.png)"
        section = [
            heading,
            "",
            f"    touchline train {preset} --seed S",
            "",
            *rows.splitlines(),
            "",
            figure,
            "",
        ]
        end = next((n for n, line in enumerate(lines) if line.startswith("More pictures")), len(lines))
        return "\n".join([*lines[:end], *section, *lines[end:]]) + "\n"
    start = lines.index(heading)
    first = next(n for n in range(start, len(lines)) if lines[n].startswith("|"))
    last = next((n for n in range(first, len(lines)) if not lines[n].startswith("|")), len(lines))
    return "\n".join([*lines[:first], *rows.splitlines(), *lines[last:]]) + "\n"


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def figures(preset: str, seeds: int, runs: Path, out: Path) -> None:
    """``touchline plot`` over all seeds of a preset."""
    drawn = Path(tempfile.mkdtemp())
    names = [str(runs / f"{preset}-s{seed}") for seed in range(seeds)]
    touchline("plot", *names, "--out", str(drawn))
    for picture in drawn.glob("*.png"):
        kind, _, run = picture.stem.partition("-")
        if not run:
            shutil.copy(picture, out / f"{preset}-{kind}.png")
        elif run == f"{preset}-s0":  # one seed's weights before and after are enough
            shutil.copy(picture, out / f"{preset}-weights.png")
    shutil.rmtree(drawn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("presets", nargs="*", default=PRESETS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results")
    parser.add_argument(
        "--runs", type=Path, default=None, help="keep the runs here, and go on from those that are"
    )
    parser.add_argument("--page", type=Path, default=None, help="put the tables into this page")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    runs = options.runs or Path(tempfile.mkdtemp())
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f}\n"
    )
    for preset in options.presets:
        rows = []
        for seed in range(options.seeds):
            rows.append(one_run(preset, seed, runs))
            print(
                f"# {preset} seed {seed}: {rows[-1]['process_seconds']} s, {rows[-1]['reason']}",
                file=sys.stderr,
            )
        (options.out / f"{preset}.json").write_text(json.dumps(rows, indent=1) + "\n")
        figures(preset, options.seeds, runs, options.out)
        if options.page is not None:
            options.page.write_text(with_table(options.page.read_text(), preset, table(rows)))
        print(f"\n### {preset}\n\n`touchline train {preset} --seed S`\n\n{table(rows)}\n", flush=True)
    if options.runs is None:
        shutil.rmtree(runs)


if __name__ == "__main__":
    main()
