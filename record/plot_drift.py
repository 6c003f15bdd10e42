"""How far the live policy was from the ones that played, over the run: what a lag of so many updates came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from touchline.record.curves import rolling
from touchline.record.groups import Group, group_title
from touchline.record.history import Drifts, History
from touchline.record.plot_style import QUIET, colour, count_axis, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UPDATES = 20  # that a point of a line is the mean of
TITLES = {
    "kl": "KL(v‖u), oldest result",
    "effective_fraction": "effective share of samples",
    "cut_fraction": "share of ratios beyond the cut",
    "weight_distance": "largest |W_u − W_v|, oldest result",
}
SHARES = {"effective_fraction", "cut_fraction"}


def drift_figure(groups: Sequence[Group]) -> Figure | None:
    """A panel a measure, against steps trained, a line a run. None where no update recorded any."""
    if not any(_known(history) for group in groups for history in group.histories):
        return None
    figure = new_figure(10, 5.6)
    panels = figure.subplots(2, 2, sharex=True)
    alone = sum(len(group.histories) for group in groups) == 1  # the bands of several would hide each other
    for axes, field in zip(panels.flat, fields(Drifts), strict=True):
        for index, group in enumerate(groups):
            for history in group.histories:
                _draw(axes, history, field.name, colour(index), band=alone)
        _describe(axes, field.name)
    for axes in panels[-1]:
        axes.set_xlabel("steps trained")
        count_axis(axes.xaxis)
        axes.set_xlim(left=0)
    _legend(figure, groups, band=alone)
    return figure


def _known(history: History) -> bool:
    return any(np.isfinite(getattr(history.updates.drift, field.name)).any() for field in fields(Drifts))


def _draw(axes: Axes, history: History, name: str, paint: str, *, band: bool) -> None:
    values = getattr(history.updates.drift, name)
    known = np.isfinite(values)
    if not known.any():
        return
    curve = rolling(history.updates.steps[known], values[known], window=UPDATES)
    if band:
        axes.fill_between(curve.x, curve.low, curve.high, color=paint, alpha=0.16, linewidth=0)
    axes.plot(curve.x, curve.line, color=paint, linewidth=1.3)


def _describe(axes: Axes, name: str) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.set_title(TITLES[name])
    axes.set_ylim(bottom=0)
    if name in SHARES:
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=None))
    if name == "effective_fraction":
        axes.set_ylim(0, 1.02)


def _legend(figure: Figure, groups: Sequence[Group], *, band: bool) -> None:
    text = f"v played, u was live before the update; mean of {UPDATES} updates"
    text += ", 10th to 90th percentile" if band else ""
    figure.supxlabel(text, fontsize=8.5, color=QUIET)
    if len(groups) == 1:
        figure.suptitle(group_title(groups[0]), fontweight="bold", fontsize=11, x=0.01, ha="left")
        return
    axes = figure.axes[0]
    for index, group in enumerate(groups):
        axes.plot([], [], color=colour(index), label=group_title(group))
    figure.legend(loc="outside upper left", ncols=2)
