"""What `touchline plot` draws: learning, error, lag, speed, weights. Which files, in which folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from touchline.record.checkpoints import checkpoint_versions, load_checkpoint
from touchline.record.directory import RunDirectory
from touchline.record.errors import RecordError
from touchline.record.groups import Group, group_runs
from touchline.record.plot_drift import drift_figure
from touchline.record.plot_lag import lag_figure
from touchline.record.plot_learning import learning_figure
from touchline.record.plot_objective import objective_figure
from touchline.record.plot_speed import speed_figure
from touchline.record.plot_style import save, styled
from touchline.record.plot_weights import weights_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_run(runs: Sequence[RunDirectory], out: Path) -> list[Path]:
    """Draw one run, or several on the same axes, as PNGs in ``out``; returns their paths.

    ``learning.png``, ``error.png`` (of tables), ``lag.png``, ``drift.png``, ``speed.png``; and of each run
    ``weights.png`` (``weights-<run>.png`` of several). What has not been recorded yet is left out. Runs of one
    environment or table and config are drawn as a mean with the range across seeds. Raises MissingView without
    matplotlib, RecordError if there is nothing at all to draw.
    """
    with styled():
        groups = group_runs(runs)
        paths = [save(figure, out / name) for name, figure in _of_groups(groups) if figure]
        for run in runs:
            name = "weights.png" if len(runs) == 1 else f"weights-{run.name}.png"
            figure = _weights(run)
            if figure:
                paths.append(save(figure, out / name))
    if not paths:
        raise RecordError("; ".join(_nothing_of(run) for run in runs))
    return paths


def _nothing_of(run: RunDirectory) -> str:
    """Why there is nothing to draw of it."""
    summary = run.read_summary()
    if summary is None:
        return f"{run.path}: nothing recorded yet, so nothing to plot"
    return f"{run.path}: nothing to plot: it ended before its first update ({summary.reason})"


def _of_groups(groups: Sequence[Group]) -> list[tuple[str, Figure | None]]:
    return [
        ("learning.png", learning_figure(groups)),
        ("error.png", objective_figure(groups)),
        ("lag.png", lag_figure([group for group in groups if _lagged(group)])),
        ("drift.png", drift_figure(groups)),
        ("speed.png", speed_figure(groups)),
    ]


def _lagged(group: Group) -> bool:
    """Whether its lag is worth a picture: in lockstep there is none."""
    main = any(history.method == "policy_gradient" for history in group.histories)
    return main or any(history.updates.lags.any() for history in group.histories)


def _weights(run: RunDirectory) -> Figure | None:
    versions = checkpoint_versions(run)
    if len(versions) < 2 or versions[0] != 0:
        return None
    before, after = load_checkpoint(run, 0), load_checkpoint(run, versions[-1])
    return weights_figure(run.name, before, after)
