"""The study's tables in Markdown, from what ``summary`` made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lagstudy.bootstrap import estimate, interquartile_mean
from lagstudy.design import METHODS, TEST_SEEDS

Group = Mapping[str, Any]
FloatArray = NDArray[np.float64]
KEEPS = 0.9  # of what the shifted curve gains, at least


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in (titles, ["---"] * len(titles), *rows))


def by_lag(task: Mapping[str, Any], cell: Callable[[Group], str], *, groups: str = "groups") -> str:
    """Methods down, lags across."""
    found = {(group["method"], group["lag"]): group for group in task[groups]}
    lags = sorted({lag for _, lag in found})
    rows = [
        [method, *(cell(found[method, lag]) if (method, lag) in found else "" for lag in lags)]
        for method in dict.fromkeys(method for method, _ in found)
    ]
    return table(["lag", *map(str, lags)], rows)


def interval(name: str) -> Callable[[Group], str]:
    """A cell: interquartile mean and interval of a score, with the seeds where they are not all there."""

    def cell(group: Group) -> str:
        scores = np.array([group[name]], np.float64)
        value, low, high = estimate(scores, rng=np.random.default_rng(0))
        digits = 0 if abs(value) >= 30 else 1
        seeds = "" if scores.size == len(TEST_SEEDS) else f" ({scores.size} seeds)"
        return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]{seeds}"

    return cell


def share_of_null(task: Mapping[str, Any], group: Group) -> float:
    """What the method gained over the untrained policy, as a part of what its own shifted curve gains."""
    gained = float(interquartile_mean(np.array(group["area"], np.float64))) - float(task["untrained"])
    return gained / null_gain(task, group)


def collapses(task: Mapping[str, Any], group: Group) -> float:
    """The part of the runs that end with less than half of what they had gained at their best."""
    best, final = np.array(group["best"]), np.array(group["final"])
    return float(np.mean(final - task["untrained"] < (best - task["untrained"]) / 2))


def progress(task: Mapping[str, Any]) -> str:
    """How many seeds the numbers are of."""
    counts = sorted({len(group["area"]) for group in task["groups"]})
    seeds = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{seeds} test seeds a cell, of {len(TEST_SEEDS)}."


def by_invariance(task: Mapping[str, Any]) -> str:
    """The two kinds of single-pass methods against each other: shares of the null, runs drawn within each method."""
    lags = sorted({group["lag"] for group in task["groups"] if group["null"]})
    rows = []
    for says, invariant in (("baseline-invariant", True), ("not", False)):
        names = [name for name, method in METHODS.items() if method.invariant == invariant and name != "ppo"]
        found = [_shares_of(task, names, lag) for lag in lags]
        rows.append([says, *(_percent(scores) if scores.size else "" for scores in found)])
    return table(["lag", *map(str, lags)], rows)


def _shares_of(task: Mapping[str, Any], names: Sequence[str], lag: int) -> FloatArray:
    """Each method's runs as shares of its null, float64 ``[methods, seeds]``: as many seeds as all of them have."""
    groups = [
        group
        for group in task["groups"]
        if group["method"] in names and group["lag"] == lag and group["null"]
    ]
    seeds = min((len(group["area"]) for group in groups), default=0)
    gains = [
        (np.array(group["area"][:seeds]) - task["untrained"]) / null_gain(task, group) for group in groups
    ]
    return np.array(gains, np.float64)


def _percent(scores: FloatArray) -> str:
    value, low, high = estimate(scores, rng=np.random.default_rng(0))
    return f"{value:.0%} [{low:.0%}, {high:.0%}]"


def null_gain(task: Mapping[str, Any], group: Group) -> float:
    """What a method's own shifted curve gains over the untrained policy."""
    return float(interquartile_mean(np.array(group["null"], np.float64))) - float(task["untrained"])


def shares(task: Mapping[str, Any]) -> str:
    return by_lag(task, lambda group: f"{share_of_null(task, group):.0%}" if group["null"] else "")


def collapse_rates(task: Mapping[str, Any]) -> str:
    return by_lag(task, lambda group: f"{collapses(task, group):.0%}")


def rates(task: Mapping[str, Any]) -> str:
    """Mean area of every rate on the tuning seeds; the chosen one is bold."""
    titles = list(dict.fromkeys(rate for areas in task["sweep"].values() for rate in areas))
    rows = []
    for method, areas in task["sweep"].items():
        best = max(areas, key=lambda rate: areas[rate])
        cells = [f"**{areas[rate]:.1f}**" if rate == best else f"{areas[rate]:.1f}" for rate in titles]
        rows.append([method, *cells])
    return table(["rate", *titles], rows)


def lag_rates(task: Mapping[str, Any]) -> str:
    """The rate that suits each lag best."""
    return by_lag(task, lambda group: f"{group['rate']:g}", groups="each")


def limits(tasks: Mapping[str, Mapping[str, Any]]) -> str:
    """For each method and task the greatest lag up to which it serves."""
    rows = []
    for method in METHODS:
        cells = [_limit(task, method) for task in tasks.values()]
        if any(cells):
            rows.append([method, *cells])
    return table(["method", *tasks], rows)


def _limit(task: Mapping[str, Any], method: str) -> str:
    served, groups = None, [group for group in task["groups"] if group["method"] == method and group["null"]]
    ordered = sorted(groups, key=lambda group: group["lag"])
    for group in ordered:
        if share_of_null(task, group) < KEEPS:
            break
        served = group["lag"]
    if not groups:
        return ""
    return "none" if served is None else str(served)


def default_limits(tasks: Mapping[str, Mapping[str, Any]]) -> str:
    """Where the two methods that presets use stop serving, in words."""
    lines = []
    for name, task in tasks.items():
        for method in ("reuse", "ppo"):
            groups = [group for group in task["groups"] if group["method"] == method and group["null"]]
            if groups:
                worst = max(groups, key=lambda group: group["lag"])
                lines.append(
                    f"- `{name}`, {method}: served up to lag {_limit(task, method)}. At lag {worst['lag']} it keeps "
                    f"{share_of_null(task, worst):.0%} and {collapses(task, worst):.0%} of the runs collapse "
                    f"({collapses(task, min(groups, key=lambda group: group['lag'])):.0%} at lag 0)."
                )
    return "\n".join(lines)


def times(calibration: Mapping[str, Any]) -> str:
    """Milliseconds an update."""
    rows = [
        [method, f"{ms['play']:.2f}", f"{ms['learn']:.2f}", f"{ms['play'] + ms['learn']:.2f}"]
        for method, ms in calibration["milliseconds"].items()
    ]
    return table(["method", "playing, ms an update", "learning", "both"], rows)
