"""The law of lag against real asynchronous runs: the table of docs/staleness.md.

    python benchmarks/law_of_lag.py [--players 1 2 4 8] [--results 1 4 10] [--ahead 0 1] [--updates 300]

Each run is a Trainer with N Player processes on CartPole, R results an update. The Trainer asserts the law's integer
identity and the ledger's sum at the end of each; a run in which either fails ends this command. ``measured`` is the
mean lag of the second half of the results, when all Players have joined; ``law`` is what was counted at version
increments, over the whole run. Writes docs/results/law-of-lag.json, row by row: what is there is not run again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

from lagstudy.law import closed_form
from lagstudy.page import write_page

from touchline.configs import load
from touchline.launch.local import train
from touchline.record import RunDirectory, UpdateLine, read_lines

ROOT = Path(__file__).resolve().parent.parent
LANES, LENGTH = 4, 32
EPISODE_LANES, EPISODES = 4, 4
BASE = {
    "env.id": "CartPole-v1",
    "players.lanes": LANES,
    "trainer.algorithm": "a2c",
    "trainer.epochs": 1,
    "trainer.minibatch_steps": None,
    "trainer.gradient": "reuse",
    "staleness.correction": "none",
    "staleness.max_lag": 64,  # nothing is weighed down, dropped or held
    "stop.mean_return": None,
    "optimizer.learning_rate": 1e-4,
}
Row = dict[str, Any]


def unroll_runs(players: list[int], results: list[int], ahead: list[int], updates: int) -> Iterator[Row]:
    """The runs by unrolls: every result has as many steps, so R is exact."""
    for n, r, a in product(players, results, ahead):
        steps = LANES * LENGTH
        values = {
            "players.unroll_length": LENGTH,
            "env.vectorize": "never",  # every step of an unroll is valid
            "trainer.batch_steps": r * steps,
            "stop.steps": r * steps * updates,
        }
        head = {"unit": "unroll", "players": n, "lanes": LANES, "results": r, "ahead": a}
        yield {**head, "closed_form": closed_form(players=n, results=r, ahead=a), "values": values}


def episode_runs(players: list[int], updates: int) -> Iterator[Row]:
    """Whole episodes: each lane's game is a result, and an update takes as many as hold enough steps."""
    for n in players:
        values = {
            "players.unroll_length": "episode",
            "players.lanes": EPISODE_LANES,
            "trainer.advantage": "monte_carlo",
            "trainer.batch_steps": 25 * EPISODES,
            "stop.steps": 25 * EPISODES * updates,
        }
        yield {
            "unit": "episode",
            "players": n,
            "lanes": EPISODE_LANES,
            "results": 0,
            "ahead": 0,
            "values": values,
        }


def measure(row: Row) -> Row:
    """Run it; the row with what came of it. Raises LagLawError and LedgerError where a sum does not hold."""
    changes = {"players.count": row["players"], "staleness.ahead": row["ahead"]}
    config = load(None, values={**BASE, **row["values"], **changes}).config
    with tempfile.TemporaryDirectory() as folder:
        run = RunDirectory.create(Path(folder), env=config.env.id, seed=config.seed)
        summary = train(config, run)
        lines = list(read_lines(run.metrics.path, UpdateLine))
    assert summary is not None
    lags = [lag for line in lines for lag in line.lag.values]
    found = {name: value for name, value in row.items() if name != "values"}
    return {
        **found,
        "law": summary.lag.law,
        "mean": summary.lag.mean,
        "measured": fmean(lags[len(lags) // 2 :]),
        "results_per_update": len(lags) / len(lines),
        "count": len(lags),
    }


def same(one: Row, other: Row) -> bool:
    return all(one[name] == other[name] for name in ("unit", "players", "lanes", "results", "ahead"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--players", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--results", type=int, nargs="+", default=[1, 4, 10])
    parser.add_argument("--ahead", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--updates", type=int, default=300)
    options = parser.parse_args()
    path = ROOT / "docs" / "results" / "law-of-lag.json"
    rows: list[Row] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    wanted = [
        *unroll_runs(options.players, options.results, options.ahead, options.updates),
        *episode_runs([n for n in options.players if n <= 4], options.updates),
    ]
    for run in wanted:
        if any(same(run, row) for row in rows):
            continue
        rows.append(measure(run))
        path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        print(rows[-1], flush=True)
    page = ROOT / "docs" / "staleness.md"
    if page.exists():
        write_page(path.parent, page=page)


if __name__ == "__main__":
    main()
