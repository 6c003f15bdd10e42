"""The lag study of docs/staleness.md: every method at every lag, injected exactly, all else equal.

    python benchmarks/staleness.py [--jobs 2] [--minutes 60] [--only cartpole ...]
    python benchmarks/staleness.py --report

The first form runs what is missing of the study and may be stopped at any moment: finished cells are kept in
``--cells``, one line each, and are not run again. First each method's rate is swept on seeds of its own, then the
test seeds run at the rates chosen, then those at rates chosen for each lag alone. Runs are serial, with
staleness.inject, and so do not depend on the machine or its load. ``--calibrate`` times each method's update, best
on a quiet machine, for the curves against wall time. ``--report`` makes docs/results/staleness.json, the figures and
the generated parts of docs/staleness.md from what there is.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from lagstudy.calibration import calibrate
from lagstudy.cells import Cells, Row, chosen_rates
from lagstudy.design import TASKS, TUNING_LAGS, Cell, Task, sweep, test_cells
from lagstudy.page import write_report

ROOT = Path(__file__).resolve().parent.parent


def stages(cells: Cells, tasks: Sequence[Task]) -> Iterator[tuple[str, list[Cell]]]:
    """The parts of the study in the order in which they matter; each is listed when the one before is done."""
    for task in tasks:
        yield f"{task.name}: sweep", list(sweep(task))
        yield f"{task.name}: test", list(test_cells(task, chosen_rates(cells, task)))
    for task in tasks:
        if task.each_lag:
            rest = [lag for lag in task.lags if lag not in TUNING_LAGS]
            yield f"{task.name}: sweep of the other lags", list(sweep(task, lags=rest))
            rates = chosen_rates(cells, task, each_lag=True)
            yield f"{task.name}: test at each lag's rate", list(test_cells(task, rates))


def study(cells: Cells, tasks: Sequence[Task], *, jobs: int, minutes: float) -> None:
    until = time.monotonic() + 60 * minutes
    for name, wanted in stages(cells, tasks):
        missing = sum(cell not in cells.rows for cell in wanted)
        print(f"{name}: {len(wanted)} cells, {missing} to run", flush=True)
        if not cells.run(wanted, jobs=jobs, until=until, told=_tell):
            print("out of time: the same command goes on from here")
            return


def _tell(row: Row) -> None:
    print(
        f"{row['task']} {row['method']} rate {row['rate']:g} lag {row['lag']} seed {row['seed']}: "
        f"area {row['area']:.1f}, final {row['final']:.1f}, {row['seconds']:.1f} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--cells", type=Path, default=ROOT / "runs" / "staleness.jsonl", help="finished cells"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no cell after these")
    parser.add_argument("--only", nargs="*", choices=TASKS, default=list(TASKS), help="tasks")
    parser.add_argument("--calibrate", action="store_true", help="time the methods, nothing else running")
    parser.add_argument("--report", action="store_true", help="write the page from the cells")
    options = parser.parse_args()
    results = ROOT / "docs" / "results"
    if options.calibrate:
        calibrate(results / "staleness-times.json")
    elif options.report:
        write_report(Cells(options.cells), results, page=ROOT / "docs" / "staleness.md")
    else:
        study(
            Cells(options.cells),
            [TASKS[name] for name in options.only],
            jobs=options.jobs,
            minutes=options.minutes,
        )


if __name__ == "__main__":
    main()
