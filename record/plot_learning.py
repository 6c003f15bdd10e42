"""The learning curve: return against steps trained and against wall time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from touchline.record.curves import Curve, FloatArray, across, rolling
from touchline.record.groups import Group, group_title
from touchline.record.history import History
from touchline.record.plot_style import QUIET, colour, count_axis, draw_goal, new_figure, time_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Axis = Literal["steps", "seconds"]
POINT: Any = {
    "marker": "D",
    "markersize": 4,
    "markeredgecolor": "white",
    "markeredgewidth": 0.6,
    "zorder": 2.5,
}
ARROW: Any = {**POINT, "marker": "v", "markersize": 7}
ROOM_BELOW = 0.25  # of the height of the curves


@dataclass(frozen=True)
class Drawn:
    """A group's runs over one axis, and the curve that stands for them."""

    group: Group
    curves: list[Curve]
    whole: Curve
    evaluations: list[tuple[FloatArray, FloatArray]]  # of each run that has some: where, and the means


def learning_figure(groups: Sequence[Group]) -> Figure | None:
    """A row an environment: left against steps, right against time. None before the first episode."""
    groups = [group for group in groups if any(len(history.episodes.returns) for history in group.histories)]
    envs = list(dict.fromkeys(group.env for group in groups))
    if not envs:
        return None
    figure = new_figure(10, 4.1 * len(envs))
    rows = figure.subplots(len(envs), 2, squeeze=False, sharey="row")
    for (left, right), env in zip(rows, envs, strict=True):
        members = [group for group in groups if group.env == env]
        _draw_axis(left, members, "steps")
        _draw_axis(right, members, "seconds")
        _describe(left, members)
        _note(right, members)
    return figure


def _draw_axis(axes: Axes, groups: Sequence[Group], axis: Axis) -> None:
    drawn = [_prepare(group, axis) for group in groups]
    floor = _floor(drawn)
    unit = _name_axis(axes, axis, max(item.whole.x[-1] for item in drawn))
    for index, item in enumerate(drawn):
        _draw_group(axes, item, colour(index), unit)
        _draw_evaluations(axes, item, colour(index), unit, floor=floor)
    _draw_goal(axes, groups)
    if len(_below(groups, floor)):
        axes.set_ylim(bottom=floor)
    axes.set_xlim(left=0)
    axes.margins(x=0.02)


def _prepare(group: Group, axis: Axis) -> Drawn:
    curves = [_curve(history, axis) for history in group.histories if len(history.episodes.returns)]
    evaluated = [history.evaluated for history in group.histories if len(history.evaluated.means)]
    return Drawn(
        group=group,
        curves=curves,
        whole=curves[0] if len(curves) == 1 else across(curves),
        evaluations=[(one.steps if axis == "steps" else one.seconds, one.means) for one in evaluated],
    )


def _curve(history: History, axis: Axis) -> Curve:
    x = history.episodes.steps if axis == "steps" else history.episodes.seconds
    return rolling(x, history.episodes.returns, window=history.over_episodes)


def _name_axis(axes: Axes, axis: Axis, longest: float) -> float:
    if axis == "seconds":
        return time_axis(axes, longest)
    axes.set_xlabel("steps trained")
    count_axis(axes.xaxis)
    return 1.0


def _draw_group(axes: Axes, item: Drawn, paint: str, unit: float) -> None:
    whole = item.whole
    axes.fill_between(whole.x / unit, whole.low, whole.high, color=paint, alpha=0.16, linewidth=0)
    if len(item.curves) > 1:
        for curve in item.curves:
            axes.plot(curve.x / unit, curve.line, color=paint, alpha=0.35, linewidth=0.8)
            axes.plot(curve.x[-1] / unit, curve.line[-1], "o", color=paint, markersize=3.5, alpha=0.7)
    axes.plot(whole.x / unit, whole.line, color=paint, label=_legend(item))
    if np.ptp(whole.x) == 0:  # a curve of one place is a point
        axes.plot(whole.x[-1] / unit, whole.line[-1], "o", color=paint, markersize=4)


def _floor(drawn: Sequence[Drawn]) -> float:
    """Below it an evaluation would only press the curves together: a little below their bands."""
    low = min(float(np.nanmin(item.whole.low)) for item in drawn)
    high = max(float(np.nanmax(item.whole.high)) for item in drawn)
    return low - ROOM_BELOW * (high - low or 1.0)


def _below(groups: Sequence[Group], floor: float) -> FloatArray:
    """The evaluations that the axis does not reach."""
    means = [history.evaluated.means for group in groups for history in group.histories]
    every = np.concatenate(means)
    return every[every < floor]


def _draw_evaluations(axes: Axes, item: Drawn, paint: str, unit: float, *, floor: float) -> None:
    """The greedy evaluations of each run, as points; one below the axis as an arrow at its edge."""
    for x, means in item.evaluations:
        inside = means >= floor
        axes.plot(x[inside] / unit, means[inside], linestyle="none", color=paint, **POINT)
        if not inside.all():
            edge = np.full(int((~inside).sum()), floor)
            axes.plot(x[~inside] / unit, edge, linestyle="none", color=paint, clip_on=False, **ARROW)


def _legend(item: Drawn) -> str:
    count = len(item.curves)
    return item.group.label if count == 1 else f"{item.group.label} ({count} runs)"


def _draw_goal(axes: Axes, groups: Sequence[Group]) -> None:
    goals = {history.goal for group in groups for history in group.histories}
    for goal in sorted(goal for goal in goals if goal is not None):
        draw_goal(axes, goal)


def _describe(axes: Axes, groups: Sequence[Group]) -> None:
    window = groups[0].histories[0].over_episodes
    axes.set_title(groups[0].env if len(groups) > 1 else group_title(groups[0]))
    axes.set_ylabel(f"return, mean of {window} episodes")
    if len(groups) > 1:
        axes.legend(loc="best")


def _note(axes: Axes, groups: Sequence[Group]) -> None:
    """What the band is, and the points where there are some."""
    evaluated = any(len(history.evaluated.means) for group in groups for history in group.histories)
    points = "points: greedy evaluations; " if evaluated else ""
    below = _below(groups, _floor([_prepare(group, "steps") for group in groups]))
    if len(below):
        points = f"points: greedy evaluations (arrows: below, least {below.min():.4g}); "
    if all(len(group.histories) == 1 for group in groups):
        text = "band: 10th to 90th percentile of those episodes"
    else:
        text = "band: range of the runs' means; an ended run keeps its last value"
    axes.set_title(points + text, loc="right", fontsize=8.5, fontweight="normal", color=QUIET)
