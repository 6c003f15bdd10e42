"""docs/staleness.md and what stands beside it: numbers, figures, and the parts of the page made from them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lagstudy import tables
from lagstudy.cells import Cells
from lagstudy.figures import draw_all
from lagstudy.law import law_table
from lagstudy.summary import summarise

PART = re.compile(r"<!-- generated: (?P<name>[a-z-]+) -->\n.*?<!-- end -->", re.DOTALL)
NONE_YET = "Not run yet."
PICTURES = {
    "cartpole-lags-figure": ("staleness-cartpole-lags.png", "CartPole: return against lag, by method"),
    "samples-figure": ("staleness-cartpole-samples.png", "CartPole: return against steps at lag 0, 4 and 16"),
    "time-figure": ("staleness-cartpole-time.png", "CartPole: return against wall time at lag 0, 4 and 16"),
    "target-lags-figure": ("staleness-target-lags.png", "Target: return against lag, by method"),
    "cartpole-decay-lags-figure": (
        "staleness-cartpole-decay-lags.png",
        "CartPole with a decaying rate: return against lag, by method",
    ),
    "acrobot-lags-figure": ("staleness-acrobot-lags.png", "Acrobot: return against lag, by method"),
    "lunarlander-lags-figure": (
        "staleness-lunarlander-lags.png",
        "LunarLander: return against lag, by method",
    ),
}


def write_report(cells: Cells, results: Path, *, page: Path) -> None:
    """``results``/staleness.json and figures from the cells, then the page from the files in ``results``."""
    results.mkdir(parents=True, exist_ok=True)
    tasks = summarise(cells)
    (results / "staleness.json").write_text(json.dumps(tasks, separators=(",", ":")) + "\n", encoding="utf-8")
    draw_all(tasks, _read(results / "staleness-times.json"), results)
    write_page(results, page=page)


def write_page(results: Path, *, page: Path) -> None:
    """The generated parts of the page anew."""
    page.write_text(current(page.read_text(encoding="utf-8"), results), encoding="utf-8")


def current(text: str, results: Path) -> str:
    """The page as it should be: its text by hand, its generated parts from the committed numbers."""
    made = parts(results)

    def part(match: re.Match[str]) -> str:
        name = match["name"]
        return f"<!-- generated: {name} -->\n{made.get(name, NONE_YET)}\n<!-- end -->"

    return PART.sub(part, text)


def parts(results: Path) -> dict[str, str]:
    """Every generated part of which there are numbers, by name."""
    tasks: Mapping[str, Any] = _read(results / "staleness.json") or {}
    made = {}
    for name, task in tasks.items():
        made[f"{name}-seeds"] = tables.progress(task)
        made[f"{name}-area"] = tables.by_lag(task, tables.interval("area"))
        made[f"{name}-final"] = tables.by_lag(task, tables.interval("final"))
        made[f"{name}-share"] = tables.shares(task)
        made[f"{name}-collapse"] = tables.collapse_rates(task)
        if task["sweep"]:
            made[f"{name}-rates"] = tables.rates(task)
        if task["each"]:
            made[f"{name}-lag-rates"] = tables.lag_rates(task)
            made[f"{name}-lag-area"] = tables.by_lag(task, tables.interval("area"), groups="each")
    if "cartpole" in tasks:
        made["invariance"] = tables.by_invariance(tasks["cartpole"])
    if tasks:
        made["limits"] = tables.limits(tasks)
        made["default"] = tables.default_limits(tasks)
    if (times := _read(results / "staleness-times.json")) is not None:
        made["times"] = f"{times['machine']}, load {times['load']} when it ended.\n\n{tables.times(times)}"
    if (law := _read(results / "law-of-lag.json")) is not None:
        made["law"] = law_table(law)
    return made | {
        name: _picture(results, *picture) for name, picture in PICTURES.items() if _drawn(results, picture)
    }


def _picture(results: Path, file: str, says: str) -> str:
    return f"![{says}]({results.name}/{file})"


def _drawn(results: Path, picture: tuple[str, str]) -> bool:
    return (results / picture[0]).exists()


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
