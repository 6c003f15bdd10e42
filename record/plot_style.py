"""How touchline's plots look, and the only importer of matplotlib.

Figures are made without pyplot: no window system, no global state, so that plots may be drawn in any
thread of any program. The colours are Okabe and Ito's, told apart by colour-blind readers and, by their
lightness, in a grey print.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from touchline.record.errors import MissingView

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#666666")
INK, QUIET, FAINT = "#222222", "#6b6b6b", "#dddddd"
DOTS_PER_INCH = 160
STYLE: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.labelsize": 10,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "text.parse_math": False,  # a dollar in a name is a dollar
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "savefig.facecolor": "white",
    "savefig.dpi": DOTS_PER_INCH,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw and save in touchline's style. Raises MissingView without matplotlib."""
    # matplotlib looks for a config folder of its own on import, and warns where there is no home
    os.environ.setdefault("MPLBACKEND", "agg")
    try:
        import matplotlib
    except ImportError:
        raise MissingView from None
    with matplotlib.rc_context(STYLE):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, ``width`` by ``height`` inches, that lays itself out."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, path: Path) -> Path:
    """Write ``figure`` as a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png")
    return path


def colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def draw_goal(axes: Axes, goal: float) -> None:
    """A line across at what is to be reached."""
    axes.axhline(goal, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1.5)
    axes.annotate(
        f"goal {goal:g}",
        (0.01, goal),  # left: where a run ends, its curve is at the goal too
        xycoords=("axes fraction", "data"),
        xytext=(0, 4),
        textcoords="offset points",
        va="bottom",
        fontsize=8.5,
        color=QUIET,
    )


def count_axis(axis: Any) -> None:
    """Label an axis's numbers as 20k and 1.5M."""
    from matplotlib.ticker import EngFormatter

    axis.set_major_formatter(EngFormatter(sep=""))


def time_axis(axes: Axes, seconds: float) -> float:
    """Label the x axis in the unit that suits a span of ``seconds``; returns that unit in seconds."""
    unit, name = next((unit, name) for limit, unit, name in TIME_UNITS if seconds < limit)
    axes.set_xlabel(f"wall time ({name})")
    return unit


TIME_UNITS = ((300.0, 1.0, "s"), (3 * 3600.0, 60.0, "min"), (float("inf"), 3600.0, "h"))
