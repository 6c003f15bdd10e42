"""Steps a second over time, and how much of the learner's time went into waiting for Players."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from touchline.record.curves import FloatArray, rates
from touchline.record.groups import Group, group_title
from touchline.record.history import History, Updates
from touchline.record.plot_style import QUIET, colour, count_axis, new_figure, time_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def speed_figure(groups: Sequence[Group]) -> Figure | None:
    """Above, steps trained a second; below, the share of time spent waiting. None before two updates."""
    drawn = [
        (colour(index), group_title(group), history)
        for index, group in enumerate(groups)
        for history in group.histories
        if len(rates(history.updates.seconds, history.updates.steps)[0])
    ]
    if not drawn:
        return None
    figure = new_figure(8, 4.6)
    above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [2, 1]})
    unit = time_axis(below, max(history.updates.seconds[-1] for _, _, history in drawn))
    for paint, _, history in drawn:
        _draw_speed(above, history, paint, unit)
        _draw_waiting(below, history.updates, paint, unit)
    units = " or ".join(dict.fromkeys(history.unit for _, _, history in drawn))
    _describe(above, below, drawn[0][1] if len(drawn) == 1 else f"speed of {len(drawn)} runs", units)
    _draw_legend(above, {label: paint for paint, label, _ in drawn})
    return figure


def waiting(updates: Updates) -> tuple[FloatArray, FloatArray]:
    """When, and which share of the time until then since the last mark, the learner waited."""
    known = np.isfinite(updates.wait_seconds)
    totals = np.cumsum(updates.wait_seconds[known])
    return rates(updates.seconds[known], totals)


def _draw_speed(axes: Axes, history: History, paint: str, unit: float) -> None:
    x, y = rates(history.updates.seconds, history.updates.steps)
    axes.plot(x / unit, y, color=paint, linewidth=1.3)


def _draw_waiting(axes: Axes, updates: Updates, paint: str, unit: float) -> None:
    x, share = waiting(updates)
    axes.plot(x / unit, np.clip(share, 0, 1), color=paint, linewidth=1.3)


def _describe(above: Axes, below: Axes, title: str, units: str) -> None:
    from matplotlib.ticker import PercentFormatter

    above.set_title(title)
    above.set_ylabel("steps trained per second" if units == "steps" else f"{units} per second")
    count_axis(above.yaxis)
    above.set_ylim(bottom=0)
    below.set_ylabel("waiting")
    below.set_title("learner's time spent waiting for Players", fontsize=9, fontweight="normal", color=QUIET)
    below.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    below.set_ylim(0, 1)
    below.set_xlim(left=0)


def _draw_legend(axes: Axes, paints: dict[str, str]) -> None:
    if len(paints) > 1:
        for label, paint in paints.items():
            axes.plot([], [], color=paint, label=label)
        axes.legend(loc="best")
