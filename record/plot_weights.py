"""How training moved the weights: each matrix's distribution before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from touchline.record.checkpoints import Checkpoint
from touchline.record.plot_style import COLOURS, QUIET, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BINS = 48
COLUMNS = 3
TAIL = 0.002  # beyond these quantiles a lone weight would only stretch the axis


def weights_figure(name: str, before: Checkpoint, after: Checkpoint) -> Figure | None:
    """A panel for every weight matrix of both checkpoints; vectors are left out, as they start constant."""
    names = [key for key, array in after.weights.items() if array.ndim >= 2 and key in before.weights]
    if not names:
        return None
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    figure = new_figure(3.4 * columns, 0.9 + 2.4 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, key in zip(panels, sorted(names), strict=False):
        _draw(axes, key, before.weights[key].ravel(), after.weights[key])
    for axes in panels[len(names) :]:
        axes.remove()
    _describe(figure, panels[0], f"{name}: weights, version {before.version} and {after.version}")
    return figure


def _draw(axes: Axes, key: str, before: NDArray[Any], after: NDArray[Any]) -> None:
    from matplotlib.ticker import MaxNLocator

    both = np.concatenate([before, after.ravel()])
    low, high = np.quantile(both, [TAIL, 1 - TAIL])
    bins = np.linspace(low, high if high > low else low + 1, _bin_count(len(before)) + 1)
    # the outermost bars hold the tails, so that no weight goes missing
    _draw_step(axes, before, bins, fill=True)
    _draw_step(axes, after.ravel(), bins, fill=False)
    axes.set_title(key, fontsize=9.5)
    spread = f"{'×'.join(map(str, after.shape))}, std {before.std():.2g} → {after.std():.2g}"
    axes.set_xlabel(spread, fontsize=8.5, color=QUIET)
    # no label at the ends: it would run into the next panel's
    axes.xaxis.set_major_locator(MaxNLocator(nbins=3, prune="both"))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _bin_count(size: int) -> int:
    """So many that a bar of the middle holds enough weights not to be noise."""
    return int(min(MOST_BINS, max(8, size**0.5)))


def _draw_step(axes: Axes, values: NDArray[Any], bins: NDArray[Any], *, fill: bool) -> None:
    counts, _ = np.histogram(np.clip(values, bins[0], bins[-1]), bins)
    if fill:
        axes.stairs(counts, bins, fill=True, color="#bbbbbb", label="before")
    else:
        axes.stairs(counts, bins, color=COLOURS[0], linewidth=1.4, label="after")


def _describe(figure: Figure, first: Axes, title: str) -> None:
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    handles, labels = first.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2)
