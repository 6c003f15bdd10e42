"""The lag histogram: measured beside the law."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from touchline.record.groups import Group, group_title
from touchline.record.plot_style import INK, QUIET, colour, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BARS = 60
SEEN = 0.02  # of the highest bar: a lower one is a line of a pixel or two


def lag_figure(groups: Sequence[Group]) -> Figure | None:
    """A row a group, on one axis of lag. None before the first update."""
    shown = [(index, group) for index, group in enumerate(groups) if len(_lags(group))]
    if not shown:
        return None
    figure = new_figure(8, 1.2 + 2.3 * len(shown))
    rows = figure.subplots(len(shown), 1, squeeze=False, sharex=True)[:, 0]
    for axes, (index, group) in zip(rows, shown, strict=True):
        _draw(axes, group, colour(index))
        axes.set_title(group_title(group))
    rows[-1].set_xlabel("lag of a result (versions)")
    return figure


def _lags(group: Group) -> NDArray[np.int64]:
    return np.concatenate([history.updates.lags for history in group.histories])


def _draw(axes: Axes, group: Group, paint: str) -> None:
    from matplotlib.ticker import MaxNLocator

    lags = _lags(group)
    width = max(1, -(-int(lags.max() + 1) // MOST_BARS))  # whole versions a bar
    edges = np.arange(0, lags.max() + width + 1, width) - 0.5
    counts, _, _ = axes.hist(
        lags, edges.tolist(), weights=np.full(len(lags), 1 / len(lags)), color=paint, alpha=0.75, rwidth=0.92
    )
    _scale(axes, np.asarray(counts, np.float64))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _draw_marks(axes, group, float(lags.mean()))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))  # beside it: any bar may be the highest


def _scale(axes: Axes, shares: NDArray[np.float64]) -> None:
    """Shares in per cent; on a logarithmic axis where the tail could not be seen beside the highest bar."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    least, greatest = float(shares[shares > 0].min()), float(shares.max())
    axes.set_ylabel("share of results")
    if least < SEEN * greatest:
        axes.set_yscale("log")
        axes.set_ylim(least / 2, 1.5 * greatest)
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylabel("share of results (log scale)")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.3g}%"))


def _draw_marks(axes: Axes, group: Group, mean: float) -> None:
    axes.axvline(mean, color=INK, linewidth=1.4, label=f"measured mean {mean:.2f}")
    known = [history for history in group.histories if history.law is not None]
    results = [len(history.updates.lags) for history in known]
    if sum(results):  # a run counts by its results, as in the mean beside it
        law = float(np.average([history.law or 0.0 for history in known], weights=results))
        dashed: Any = (0, (4, 3))
        axes.axvline(law, color=INK, linewidth=1.4, linestyle=dashed, label=f"the law: {law:.2f}")
    bounds = {history.lag_bound for history in group.histories if history.lag_bound is not None}
    for bound in sorted(bounds):
        axes.axvline(bound, color=QUIET, linewidth=1.0, linestyle=":", label=f"bound {bound:g}")
