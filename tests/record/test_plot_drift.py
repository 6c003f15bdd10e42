"""The picture of the drift: a panel a measure, a line a run, nothing where nothing was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from touchline.record import DriftLine, RunDirectory, UpdateLine
from touchline.record.groups import group_runs
from touchline.record.history import read_history
from touchline.record.plot_drift import TITLES, drift_figure
from touchline.record.plot_style import styled


@pytest.fixture
def style() -> Iterator[None]:
    with styled():
        yield


def run_of(root: Path, drifts: list[DriftLine]) -> RunDirectory:
    run = RunDirectory.create(root, env="a", seed=0)
    for i, drift in enumerate(drifts, start=1):
        run.metrics.append(
            UpdateLine(
                update=i, version=i, seconds=i, steps=100 * i, episodes=0, gradient_steps=i, drift=drift
            )
        )
    run.flush()
    return run


def lines_of(axes: Any) -> list[Any]:
    return [line for line in axes.lines if len(line.get_xdata())]


def test_the_drift_is_read_back_and_what_is_missing_is_not_a_number(tmp_path: Path) -> None:
    drift = DriftLine(kl=0.5, effective_fraction=0.75, cut_fraction=0.25, weight_distance=2.0)
    found = read_history(run_of(tmp_path, [drift, DriftLine(weight_distance=3.0)])).updates.drift
    np.testing.assert_array_equal(found.kl, [0.5, np.nan])
    np.testing.assert_array_equal(found.effective_fraction, [0.75, np.nan])
    np.testing.assert_array_equal(found.cut_fraction, [0.25, np.nan])
    np.testing.assert_array_equal(found.weight_distance, [2.0, 3.0])


def test_a_panel_for_each_measure(make_run, style: None) -> None:
    run = make_run()
    (group,) = group_runs([run])
    figure = drift_figure([group])
    assert figure is not None
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(TITLES.values())
    recorded = group.histories[0].updates.drift
    for axes, values in zip(figure.axes, (recorded.kl, recorded.effective_fraction), strict=False):
        (line,) = lines_of(axes)
        assert line.get_ydata()[-1] == pytest.approx(values[-20:].mean())
        assert line.get_xdata()[-1] == 60 * 2048
        assert axes.get_ylim()[0] == 0
    assert figure.axes[1].get_ylim()[1] == pytest.approx(1.02)
    assert "CartPole-v1" in figure.get_suptitle()
    assert not figure.legends
    assert "10th to 90th percentile" in figure.get_supxlabel()
    assert all(len(axes.collections) == 1 for axes in figure.axes)


def test_groups_have_colours_and_a_legend(make_run, style: None) -> None:
    runs = [make_run(config=f"trainer: {{gradient: {name}}}", updates=20) for name in ("reuse", "live")]
    figure = drift_figure(group_runs(runs))
    assert figure is not None
    assert len({line.get_color() for line in lines_of(figure.axes[0])}) == 2
    assert not any(axes.collections for axes in figure.axes)  # no bands, which would hide one another
    assert "percentile" not in figure.get_supxlabel()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "CartPole-v1 · gradient reuse",
        "CartPole-v1 · gradient live",
    ]


def test_updates_without_a_measure_are_left_out_of_it(tmp_path: Path, style: None) -> None:
    drifts = [DriftLine(weight_distance=float(i)) for i in range(12)]
    drifts[3] = DriftLine(kl=0.1, weight_distance=3.0)
    figure = drift_figure(group_runs([run_of(tmp_path, drifts)]))
    assert figure is not None
    assert lines_of(figure.axes[0])[0].get_ydata().tolist() == [0.1]
    assert not lines_of(figure.axes[1])
    assert lines_of(figure.axes[3])[0].get_ydata()[-1] == pytest.approx(5.5)


def test_nothing_recorded_is_no_figure(tmp_path: Path, style: None) -> None:
    assert drift_figure(group_runs([run_of(tmp_path, [])])) is None
    assert drift_figure(group_runs([run_of(tmp_path / "older", [DriftLine()])])) is None
