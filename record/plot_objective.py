"""The error on a table: against the row evaluations it took, the unit that every method shares, and against time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from touchline.record.curves import MAX_POINTS, Curve, FloatArray
from touchline.record.groups import Group, group_title
from touchline.record.history import Rounds
from touchline.record.plot_style import COLOURS, QUIET, colour, count_axis, draw_goal, new_figure, time_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Axis = Literal["steps", "seconds"]
DASHES: Any = ((0, ()), (0, (5, 2)), (0, (1.5, 1.5)))  # of lines that share a colour
TESTED: Any = {"linestyle": (0, (2, 1.5)), "linewidth": 1.4}
TESTED_ONCE: Any = {"linestyle": "none", "marker": "o", "markersize": 5, "markerfacecolor": "white"}
HELD_OUT = ("test", "validation")  # rows that nothing is trained on; validation: that something was chosen by
DECADES = 100.0  # an axis that spans less has numbers between its powers of ten
FLOOR = 3.0  # an error of 0 is drawn that much below the least that is not
ZERO: Any = {"marker": "v", "markersize": 7, "markeredgecolor": "white", "markeredgewidth": 0.6}
STARTED = 0.3  # of the time: where starting took longer, the axis begins with the first round
ROOM = 0.05  # of an axis, beyond what is drawn
LEGEND_LETTERS = 100  # beside each other


@dataclass(frozen=True)
class Panel:
    """What a row of panels shows: a measure, and those of the rows held out beside it."""

    measure: str
    title: str

    @property
    def held_out(self) -> list[str]:
        return [f"{rows}_{self.measure}" for rows in HELD_OUT]


PANELS = (Panel("error", "error, mean of the rows"), Panel("accuracy", "accuracy"))


def objective_figure(groups: Sequence[Group]) -> Figure | None:
    """For each table a row of errors and, of classes, one of accuracies; a line a group. None without a table."""
    rows = [(table, panel) for table in _tables(groups) for panel in PANELS if _known(groups, table, panel)]
    if not rows:
        return None
    figure = new_figure(10, 0.4 + 3.7 * len(rows))
    axes = figure.subplots(len(rows), 2, squeeze=False, sharey="row")
    for (left, right), (table, panel) in zip(axes, rows, strict=True):
        members = _members(groups, table)
        _draw_panel(left, members, panel, "steps")
        _draw_panel(right, members, panel, "seconds")
        if panel is PANELS[0]:
            left.set_title(table if len(members) > 1 else group_title(members[0]))
        test = "test " if _names(members, panel) == [f"test_{panel.measure}"] else ""
        left.set_ylabel(test + panel.title)
    _legend(figure, groups)
    return figure


def curve_of(rounds: Rounds, measure: str, axis: Axis) -> tuple[FloatArray, FloatArray]:
    """Where the measure was said, and what: float64 [K] each."""
    x, values = getattr(rounds, axis), rounds.measures.get(measure, np.zeros(0))
    if not len(values):
        return np.zeros(0), np.zeros(0)
    known = np.isfinite(values)
    return x[known], values[known]


def together(curves: Sequence[tuple[FloatArray, FloatArray]], axis: Axis) -> Curve:
    """The mean of several runs and their range, the geometric mean of what is above 0 everywhere.

    A run that has ended keeps its last value; the axis starts where all have begun.
    """
    start, stop = max(x[0] for x, _ in curves), max(x[-1] for x, _ in curves)
    places = np.geomspace if axis == "steps" and start > 0 else np.linspace
    x = places(start, max(start, stop), MAX_POINTS)
    lines = np.array([np.interp(x, *curve) for curve in curves])
    mean = np.exp(np.log(lines).mean(axis=0)) if (lines > 0).all() else lines.mean(axis=0)
    return Curve(x=x, line=mean, low=lines.min(axis=0), high=lines.max(axis=0))


def _tables(groups: Sequence[Group]) -> list[str]:
    return list(dict.fromkeys(group.env for group in groups if _rounds(group)))


def _members(groups: Sequence[Group], table: str) -> list[Group]:
    return [group for group in groups if group.env == table and _rounds(group)]


def _rounds(group: Group) -> list[Rounds]:
    return [history.rounds for history in group.histories if history.rounds is not None]


def _curves(group: Group, measure: str, axis: Axis) -> list[tuple[FloatArray, FloatArray]]:
    found = [curve_of(rounds, measure, axis) for rounds in _rounds(group)]
    return [(x, values) for x, values in found if len(x)]


def _known(groups: Sequence[Group], table: str, panel: Panel) -> bool:
    names = (panel.measure, *panel.held_out)
    return any(_curves(group, name, "steps") for group in _members(groups, table) for name in names)


def _draw_panel(axes: Axes, groups: Sequence[Group], panel: Panel, axis: Axis) -> None:
    drawn = [
        (index, name, curves)
        for index, group in enumerate(groups)
        for name in _names(groups, panel)
        if (curves := _curves(group, name, axis))
    ]
    span = _span(groups, axis)
    unit = _name_axis(axes, axis, span)
    every = np.concatenate([values for _, _, curves in drawn for _, values in curves])
    goals = _goals(groups) if panel.measure == "error" else []
    floor = _floor(every, goals) if panel.measure == "error" and span[1] > span[0] else None
    for index, name, curves in drawn:
        dashes = TESTED if name in panel.held_out and len(groups) == 1 else {}
        _draw(axes, curves, {**_style(index), **dashes}, axis, unit=unit, floor=floor)
    if panel.measure == "accuracy":
        _shares(axes)
    elif floor is not None:
        _log_axis(axes, "y", floor, every.max(), "{:g}".format)
    else:
        axes.set_ylim(bottom=min(0.0, every.min()), top=1.2 * max(every.max(), *goals, 0.0) or 1.0)
    if span[1] == span[0]:
        _say_once(axes, [curve for _, _, curves in drawn for curve in curves], unit)
    _draw_goals(axes, goals, floor)


def _names(groups: Sequence[Group], panel: Panel) -> list[str]:
    """Of one group what it trains on and what is held out; of several one line each: errors of the first, accuracies
    of the tests where all have some."""
    test = f"test_{panel.measure}"
    if len(groups) == 1:
        return [panel.measure, *panel.held_out]
    tested = all(_curves(group, test, "steps") for group in groups)
    return [test if panel.measure == "accuracy" and tested else panel.measure]


def _draw(
    axes: Axes,
    curves: Sequence[tuple[FloatArray, FloatArray]],
    style: dict[str, Any],
    axis: Axis,
    *,
    unit: float,
    floor: float | None,
) -> None:
    least = -np.inf if floor is None else floor
    if len(curves) > 1:
        whole = together(curves, axis)
        low, high = np.maximum(whole.low, least), np.maximum(whole.high, least)
        axes.fill_between(whole.x / unit, low, high, color=style["color"], alpha=0.16, linewidth=0)
        x, line = whole.x, whole.line
    else:
        x, line = curves[0]
    axes.plot(x / unit, np.maximum(line, least), **style)
    if floor is not None and line[-1] <= 0:
        axes.plot(x[-1] / unit, floor, color=style["color"], **ZERO)
        axes.annotate(
            "0", (x[-1] / unit, floor), xytext=(-6, 6), textcoords="offset points", ha="right", color=QUIET
        )
    elif "linewidth" in style:
        if np.ptp(x) == 0:  # of one place there is no line
            axes.plot(x[-1] / unit, line[-1], color=style["color"], **TESTED_ONCE)
    else:
        axes.plot(x[-1] / unit, line[-1], "o", color=style["color"], markersize=4, clip_on=False, zorder=3)


def _style(index: int) -> dict[str, Any]:
    return {"color": colour(index), "linestyle": DASHES[index // len(COLOURS) % len(DASHES)]}


def _goals(groups: Sequence[Group]) -> list[float]:
    """The one goal of all; lines at several would say nothing of whose they are."""
    goals = {rounds.goal for group in groups for rounds in _rounds(group)}
    return [goal for goal in goals if goal is not None] if len(goals) == 1 else []


def _floor(errors: FloatArray, goals: Sequence[float]) -> float | None:
    """Where an error of 0 is drawn on a logarithmic axis; None where the axis is linear."""
    if not (errors > 0).any() or (errors < 0).any():
        return None
    least = float(min([errors[errors > 0].min(), *(goal for goal in goals if goal > 0)]))
    return least / FLOOR if (errors == 0).any() else least


def _span(groups: Sequence[Group], axis: Axis) -> tuple[float, float]:
    """From where to where a table's panels all go."""
    names = [name for panel in PANELS for name in _names(groups, panel)]
    curves = [curve for group in groups for name in names for curve in _curves(group, name, axis)]
    return min(x[0] for x, _ in curves), max(x[-1] for x, _ in curves)


def _name_axis(axes: Axes, axis: Axis, span: tuple[float, float]) -> float:
    """Scale and label the x axis; returns the unit of its numbers."""
    from matplotlib.ticker import EngFormatter

    start, stop = span
    if axis == "seconds":
        unit = time_axis(axes, stop)
        low = 0.0 if start < STARTED * stop or start == stop else start - ROOM * (stop - start)
        axes.set_xlim(low / unit, (stop + ROOM * (stop - low)) / unit)
        return unit
    axes.set_xlabel("row evaluations")
    if 0 < start < stop:
        _log_axis(axes, "x", start, stop, EngFormatter(sep=""))
        room = (stop / start) ** ROOM
        axes.set_xlim(start / room, stop * room)
    else:
        count_axis(axes.xaxis)
        axes.set_xlim(0, (1 + ROOM) * stop or 1.0)
    return 1.0


def _say_once(axes: Axes, curves: Sequence[tuple[FloatArray, FloatArray]], unit: float) -> None:
    """What was measured in the only round."""
    axes.set_title("one round", loc="right", fontsize=8.5, fontweight="normal", color=QUIET)
    for x, values in curves:
        axes.annotate(
            f"{values[-1]:.4g}",
            (x[-1] / unit, values[-1]),
            xytext=(-6, 6),
            textcoords="offset points",
            ha="right",
            color=QUIET,
        )


def _log_axis(
    axes: Axes, which: Literal["x", "y"], low: float, high: float, said: Callable[[float], str]
) -> None:
    """A logarithmic axis whose numbers are at the powers of ten; of few, at 2 and 5 between them too."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis = axes.xaxis if which == "x" else axes.yaxis
    axes.set(**{f"{which}scale": "log"})
    axis.set_major_locator(LogLocator(subs=(1.0,) if high > DECADES * low else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: said(value)))
    axis.set_minor_formatter(NullFormatter())


def _shares(axes: Axes) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    axes.set_ylim(top=1.02)


def _draw_goals(axes: Axes, goals: Sequence[float], floor: float | None) -> None:
    for goal in goals:
        if goal > 0 or floor is None:
            draw_goal(axes, goal)


def _legend(figure: Figure, groups: Sequence[Group]) -> None:
    """Of one group which line is of the rows held out; of several which is whose."""
    shown = [group for group in groups if _rounds(group)]
    first = figure.axes[0]
    tables = _tables(groups)
    if len(shown) == 1:
        _legend_of_one(figure, shown[0])
        return
    for table in tables:
        for index, group in enumerate(_members(groups, table)):
            if not _drawn(groups, table, group):
                continue
            runs = f" ({len(group.histories)} runs)" if len(group.histories) > 1 else ""
            label = group.label if len(tables) == 1 else group_title(group)
            first.plot([], [], label=f"{label}{runs}", **_style(index))
    longest = max(len(text) for text in first.get_legend_handles_labels()[1])
    figure.legend(loc="outside lower center", ncols=max(1, LEGEND_LETTERS // longest))


def _legend_of_one(figure: Figure, group: Group) -> None:
    """Nothing where all lines are of the rows trained on."""
    of = {rows: _places(group, [f"{rows}_{panel.measure}" for panel in PANELS]) for rows in HELD_OUT}
    held_out = {rows: places for rows, places in of.items() if places}
    if not held_out:
        return
    first = figure.axes[0]
    if _places(group, [panel.measure for panel in PANELS]):
        first.plot([], [], color=colour(0), label="training rows")
    look = TESTED if max(held_out.values()) > 1 else TESTED_ONCE
    first.plot([], [], label=f"{' and '.join(held_out)} rows", **{"color": colour(0), **look})
    figure.legend(loc="outside upper right", ncols=2)


def _places(group: Group, measures: Sequence[str]) -> int:
    """Of the longest curve of these measures: at how many places it was measured."""
    return max((len(x) for name in measures for x, _ in _curves(group, name, "steps")), default=0)


def _drawn(groups: Sequence[Group], table: str, group: Group) -> bool:
    """Whether there is a line of it in any panel."""
    members = _members(groups, table)
    return _places(group, [name for panel in PANELS for name in _names(members, panel)]) > 0
