"""The study's figures, in the style of ``touchline plot``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lagstudy.bootstrap import estimate, interquartile_mean
from lagstudy.design import METHODS
from touchline.record.plot_style import COLOURS, QUIET, colour, count_axis, new_figure, save, styled

SIDES = (("baseline-invariant", True), ("not baseline-invariant", False))
CURVE_LAGS = (0, 4, 16)
MARKS = "osD^vPX"


def draw_all(tasks: Mapping[str, Any], calibration: Mapping[str, Any] | None, folder: Path) -> None:
    """Area and final return against lag, and curves over samples and, where times are known, over wall time."""
    with styled():
        for name, task in tasks.items():
            draw_lags(task, folder / f"staleness-{name}-lags.png", title=name)
        if "cartpole" in tasks:
            draw_curves(tasks["cartpole"], folder / "staleness-cartpole-samples.png")
            if calibration is not None:
                draw_curves(
                    tasks["cartpole"], folder / "staleness-cartpole-time.png", calibration["milliseconds"]
                )


def draw_lags(task: Mapping[str, Any], path: Path, *, title: str) -> None:
    """Two rows, area and final; two columns, baseline-invariant and not; the dashed line is reuse's own null."""
    figure = new_figure(9.0, 6.4)
    axes = figure.subplots(2, 2, sharex=True, sharey="row")
    for row, score in zip(axes, ("area", "final"), strict=True):
        for panel, (says, invariant) in zip(row, SIDES, strict=True):
            for index, method in enumerate(_present(task, invariant=invariant)):
                _errorbars(panel, task, method, score, index)
            _null(panel, task, score)
            panel.set_title(f"{title}, {says}" if score == "area" else "")
            panel.set_xlabel("lag (updates)" if score == "final" else "")
            if score == "area":
                panel.legend(loc="best")
        row[0].set_ylabel("mean return over the run" if score == "area" else "return over the last tenth")
    lags = sorted({group["lag"] for group in task["groups"]})
    axes[0][0].set_xticks(range(len(lags)), map(str, lags))
    save(figure, path)


def _present(task: Mapping[str, Any], *, invariant: bool) -> list[str]:
    return [
        name
        for name, method in METHODS.items()
        if method.invariant == invariant and any(group["method"] == name for group in task["groups"])
    ]


def _errorbars(panel: Any, task: Mapping[str, Any], method: str, score: str, index: int) -> None:
    lags = sorted({group["lag"] for group in task["groups"]})
    groups = [group for group in task["groups"] if group["method"] == method]
    found = [estimate(np.array([group[score]], float), rng=np.random.default_rng(0)) for group in groups]
    value, low, high = np.array(found, float).T
    at = np.array([lags.index(group["lag"]) for group in groups]) + 0.05 * (index - 2)  # bars side by side
    panel.errorbar(
        at,
        value,
        yerr=[value - low, high - value],
        color=COLOURS[index],
        marker=MARKS[index],
        markersize=4,
        elinewidth=1,
        label=method,
    )


def _null(panel: Any, task: Mapping[str, Any], score: str) -> None:
    groups = [group for group in task["groups"] if group["method"] == "reuse" and group["null"]]
    if score == "area" and groups:
        areas = [interquartile_mean(np.array(group["null"], float)) for group in groups]
        panel.plot(
            range(len(areas)), areas, color=QUIET, linestyle="--", linewidth=1.2, label="reuse, only later"
        )


def draw_curves(task: Mapping[str, Any], path: Path, milliseconds: Mapping[str, Any] | None = None) -> None:
    """Return over samples, or over wall time where each method's milliseconds an update are given."""
    figure = new_figure(11.0, 6.4)
    axes = figure.subplots(2, len(CURVE_LAGS), sharex=True, sharey=True)
    for row, (says, invariant) in zip(axes, SIDES, strict=True):
        for panel, lag in zip(row, CURVE_LAGS, strict=True):
            for index, method in enumerate(_present(task, invariant=invariant)):
                _curve(panel, task, method, lag, index, milliseconds)
            panel.set_title(f"{says}: lag {lag}" if lag == 0 else f"lag {lag}")
        row[0].set_ylabel("return")
        row[-1].legend(loc="upper left")
    for panel in axes[-1]:
        panel.set_xlabel("steps" if milliseconds is None else "wall time (s)")
        if milliseconds is None:
            count_axis(panel.xaxis)
    save(figure, path)


def _curve(
    panel: Any,
    task: Mapping[str, Any],
    method: str,
    lag: int,
    index: int,
    milliseconds: Mapping[str, Any] | None,
) -> None:
    for group in task["groups"]:
        if (group["method"], group["lag"]) == (method, lag):
            at = (np.arange(len(group["curve_value"])) + 0.5) / len(group["curve_value"])
            if milliseconds is None:
                at = at * group["steps"]
            else:
                ms = milliseconds[method]
                at = at * group["updates"] * (ms["play"] + ms["learn"]) / 1000
            panel.plot(at, group["curve_value"], color=colour(index), label=method)
            panel.fill_between(
                at, group["curve_low"], group["curve_high"], color=colour(index), alpha=0.15, linewidth=0
            )
