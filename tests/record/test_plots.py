from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from touchline.record import LagSummary, MissingView, RecordError, RunDirectory, load_checkpoint
from touchline.record.groups import group_runs
from touchline.record.plot_lag import lag_figure
from touchline.record.plot_learning import learning_figure
from touchline.record.plot_speed import speed_figure, waiting
from touchline.record.plot_style import new_figure, styled, time_axis
from touchline.record.plot_weights import weights_figure
from touchline.record.plots import plot_run


@pytest.fixture
def style() -> Iterator[None]:
    with styled():
        yield


def texts(axes: Any) -> str:
    return " | ".join(text.get_text() for text in axes.findobj(lambda item: hasattr(item, "get_text")))


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_the_files_of_one_run(make_run, tmp_path: Path) -> None:
    paths = plot_run([make_run()], tmp_path / "plots")
    assert names(paths) == ["learning.png", "lag.png", "drift.png", "speed.png", "weights.png"]
    for path in paths:
        with Image.open(path) as image:
            assert image.format == "PNG"
            assert image.width >= 1000
            assert image.convert("L").getextrema()[0] < 100, "nothing was drawn"


def test_the_files_of_several_runs(make_run, tmp_path: Path) -> None:
    runs = [make_run(seed=0, updates=20), make_run(seed=1, updates=20)]
    assert names(plot_run(runs, tmp_path / "plots")) == [
        "learning.png",
        "lag.png",
        "drift.png",
        "speed.png",
        "weights-1-cartpole-v1-s0.png",
        "weights-2-cartpole-v1-s1.png",
    ]


def test_a_run_that_failed_before_its_first_update_says_so(make_run, tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, env="a", seed=0)
    reason = "failed: 5 failures alike"
    run.write_summary(msgspec.structs.replace(make_run().read_summary(), updates=0, reason=reason))
    with pytest.raises(RecordError, match=r"ended before its first update \(failed: 5 failures alike\)"):
        plot_run([run], tmp_path)


def test_a_run_with_nothing_recorded(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, env="a", seed=0)
    with pytest.raises(RecordError, match="nothing recorded yet"):
        plot_run([run], run.plots)
    assert not run.plots.exists()


def test_a_run_that_has_only_just_begun_is_drawn_as_far_as_it_goes(make_run) -> None:
    run = make_run(updates=1, ended=False)
    run.episodes.path.unlink()
    assert names(plot_run([run], run.plots)) == ["lag.png", "drift.png", "weights.png"]


def test_weights_want_two_checkpoints(make_run) -> None:
    run = make_run(updates=20)
    shutil.rmtree(run.checkpoints / "20")
    assert "weights.png" not in names(plot_run([run], run.plots))


def test_without_matplotlib_the_extra_is_named(make_run, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(updates=2)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingView, match="with its extra view"):
        plot_run([run], run.plots)


def test_drawing_leaves_no_trace_in_the_program(make_run) -> None:
    import matplotlib as mpl

    run = make_run(updates=2)
    plot_run([run], run.plots)
    assert mpl.rcParams["axes.spines.top"] == mpl.rcParamsDefault["axes.spines.top"]
    assert "matplotlib.pyplot" not in sys.modules


def test_the_learning_curve_of_one_run(make_run, style: None) -> None:
    run = make_run()
    figure = learning_figure(group_runs([run]))
    assert figure is not None
    left, right = figure.axes
    assert "CartPole-v1 · 1-cartpole-v1-s0" in texts(left)
    assert "goal 475" in texts(left)
    assert "10th to 90th percentile" in texts(right)
    assert left.get_xlabel() == "steps trained"
    assert right.get_xlabel() == "wall time (s)"
    assert left.lines[0].get_xdata()[-1] == 60 * 2048
    assert left.lines[0].get_ydata()[-1] == pytest.approx(right.lines[0].get_ydata()[-1])


def test_greedy_evaluations_are_points_on_the_learning_curve(make_run, style: None) -> None:
    run = make_run()
    without = learning_figure(group_runs([run]))
    assert "points" not in texts(without.axes[1])
    for version, mean in ((10, 50.0), (40, 400.0)):
        line = {"seconds": 0.06 * version, "steps": 2048 * version, "version": version, "player": "p"}
        run.evaluations.append({**line, "episodes": 20, "mean": mean})
    run.flush()
    left, right = learning_figure(group_runs([run])).axes
    assert "points: greedy evaluations; band:" in texts(right)
    (drawn,) = [line for line in left.lines if line.get_marker() == "D"]
    assert (drawn.get_xdata().tolist(), drawn.get_ydata().tolist()) == ([20480, 81920], [50, 400])
    (drawn,) = [line for line in right.lines if line.get_marker() == "D"]
    assert drawn.get_xdata().tolist() == pytest.approx([0.6, 2.4])


def test_a_curve_of_one_place_is_a_point(make_run, style: None) -> None:
    left, right = learning_figure(group_runs([make_run(updates=1)])).axes
    for axes in (left, right):
        assert [len(line.get_ydata()) for line in axes.lines if line.get_marker() == "o"] == [1]
    left, _ = learning_figure(group_runs([make_run(updates=20)])).axes
    assert not [line for line in left.lines if line.get_marker() == "o"]


def test_an_evaluation_far_below_is_an_arrow_and_does_not_stretch_the_axis(make_run, style: None) -> None:
    run = make_run()
    for version, mean in ((10, -90_000.0), (40, 400.0)):
        line = {"seconds": 0.06 * version, "steps": 2048 * version, "version": version, "player": "p"}
        run.evaluations.append({**line, "episodes": 20, "mean": mean})
    run.flush()
    left, right = learning_figure(group_runs([run])).axes
    (arrow,) = [line for line in left.lines if line.get_marker() == "v"]
    assert arrow.get_xdata().tolist() == [20480]
    assert arrow.get_ydata()[0] == left.get_ylim()[0] > -1000
    assert "(arrows: below, least -9e+04)" in texts(right)


def test_the_goal_is_named_beside_its_line_and_not_where_the_curve_ends(make_run, style: None) -> None:
    figure = learning_figure(group_runs([make_run()]))
    figure.draw_without_rendering()
    axes = figure.axes[0]
    (goal,) = [text for text in axes.texts if text.get_text().startswith("goal")]
    box = goal.get_window_extent().transformed(axes.transData.inverted())
    assert box.y0 > float(goal.get_text().split()[1])
    assert box.x1 < sum(axes.get_xlim()) / 2


def test_several_seeds_are_a_mean_in_a_band_with_each_run_faint(make_run, style: None) -> None:
    runs = [make_run(seed=seed, updates=40 - 10 * seed) for seed in range(3)]
    for run in runs:
        run.write_text("config.yaml", "{}")
    figure = learning_figure(group_runs(runs))
    assert figure is not None
    left, right = figure.axes
    assert "range of the runs' means" in texts(right)
    lines = [line for line in left.lines if len(line.get_xdata()) > 2]
    assert len(lines) == 4  # three runs and their mean


def test_environments_have_rows_and_configs_have_colours(make_run, style: None) -> None:
    runs = [
        make_run(config="trainer: {gradient: reuse}"),
        make_run(config="trainer: {gradient: live}"),
        make_run(env="Acrobot-v1"),
    ]
    figure = learning_figure(group_runs(runs))
    assert figure is not None
    assert len(figure.axes) == 4
    assert "gradient live" in texts(figure.axes[0])
    colours = {line.get_color() for line in figure.axes[0].lines if len(line.get_xdata()) > 2}
    assert len(colours) == 2


@pytest.mark.parametrize(
    ("seconds", "unit", "label"),
    [
        (4.0, 1.0, "wall time (s)"),
        (299.0, 1.0, "wall time (s)"),
        (300.0, 60.0, "wall time (min)"),
        (9_000.0, 60.0, "wall time (min)"),
        (86_400.0, 3600.0, "wall time (h)"),
    ],
)
def test_time_is_in_the_unit_that_suits(style: None, seconds: float, unit: float, label: str) -> None:
    axes = new_figure(2, 2).subplots()
    assert time_axis(axes, seconds) == unit
    assert axes.get_xlabel() == label


def test_the_window_is_the_run_s_own(make_run, style: None) -> None:
    run = make_run(updates=20)
    status = run.read_status()
    run.write_status(msgspec.structs.replace(status, over_episodes=20, return_goal=None))
    (group,) = group_runs([run])
    figure = learning_figure([group])
    assert figure is not None
    left = figure.axes[0]
    assert left.get_ylabel() == "return, mean of 20 episodes"
    assert "goal" not in texts(left)
    assert left.lines[0].get_ydata()[-1] == pytest.approx(group.histories[0].episodes.returns[-20:].mean())


def test_an_ended_run_is_marked_where_it_ended(make_run, style: None) -> None:
    runs = [make_run(seed=seed, updates=updates, config="{}") for seed, updates in ((0, 20), (1, 40))]
    figure = learning_figure(group_runs(runs))
    assert figure is not None
    marks = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert marks == [20 * 2048, 40 * 2048]


def test_the_lag_of_several_groups_has_a_row_each_on_one_axis(make_run, style: None) -> None:
    runs = [make_run(config=f"trainer: {{gradient: {name}}}", updates=20) for name in ("reuse", "live")]
    line = {"update": 21, "version": 21, "seconds": 9, "steps": 9, "episodes": 0, "gradient_steps": 21}
    runs[0].metrics.append({**line, "lag": {"values": [25]}})
    runs[0].flush()
    figure = lag_figure(group_runs(runs))
    assert figure is not None
    above, below = figure.axes
    assert above.get_title(loc="left") == "CartPole-v1 · gradient reuse"
    assert above.get_xlim() == below.get_xlim()
    assert below.get_xlabel() == "lag of a result (versions)"


def test_a_run_whose_law_is_not_known_draws_none(make_run, style: None) -> None:
    run = make_run(ended=False)
    run.write_status(msgspec.structs.replace(run.read_status(), lag=LagSummary(), lag_bound=None))
    figure = lag_figure(group_runs([run]))
    assert figure is not None
    assert "law" not in texts(figure.axes[0])
    assert "bound" not in texts(figure.axes[0])


def test_the_lag_histogram_adds_up_and_shows_the_law(make_run, style: None) -> None:
    run = make_run()
    figure = lag_figure(group_runs([run]))
    assert figure is not None
    (axes,) = figure.axes
    assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(1)
    assert "the law: 2.00" in texts(axes)
    assert "bound 8" in texts(axes)
    mean = axes.lines[0].get_xdata()[0]
    assert f"measured mean {mean:.2f}" in texts(axes)
    centres = [bar.get_x() + bar.get_width() / 2 for bar in axes.patches]
    assert mean == pytest.approx(sum(c * b.get_height() for c, b in zip(centres, axes.patches, strict=True)))


def test_a_wide_lag_is_gathered_into_bars_of_whole_versions(make_run, style: None) -> None:
    run = make_run(updates=2)
    line = {"update": 3, "version": 3, "seconds": 9, "steps": 9, "episodes": 0, "gradient_steps": 3}
    run.metrics.append({**line, "lag": {"values": list(range(500))}})
    run.flush()
    figure = lag_figure(group_runs([run]))
    assert figure is not None
    bars = figure.axes[0].patches
    assert len(bars) <= 60
    assert sum(bar.get_height() for bar in bars) == pytest.approx(1)


def test_a_tail_that_could_not_be_seen_makes_the_axis_logarithmic(make_run, style: None) -> None:
    run = make_run(updates=2)
    line = {"update": 3, "version": 3, "seconds": 9, "steps": 9, "episodes": 0, "gradient_steps": 3}
    run.metrics.append({**line, "lag": {"values": [1] * 2000 + [7]}})
    run.flush()
    (axes,) = lag_figure(group_runs([run])).axes
    assert axes.get_yscale() == "log"
    assert axes.get_ylabel() == "share of results (log scale)"
    assert axes.get_ylim()[0] < min(bar.get_height() for bar in axes.patches if bar.get_height())
    (even,) = lag_figure(group_runs([make_run(updates=2)])).axes
    assert even.get_yscale() == "linear"


def test_the_speed_of_a_run(make_run, style: None) -> None:
    run = make_run()
    (group,) = group_runs([run])
    figure = speed_figure([group])
    assert figure is not None
    above, below = figure.axes
    updates = group.histories[0].updates
    overall = (updates.steps[-1] - updates.steps[0]) / (updates.seconds[-1] - updates.seconds[0])
    assert np.mean(above.lines[0].get_ydata()) == pytest.approx(overall)
    assert above.get_ylabel() == "steps trained per second"
    assert "waiting for Players" in texts(below)


def test_the_share_of_waiting(make_run) -> None:
    (group,) = group_runs([make_run()])
    _, share = waiting(group.histories[0].updates)
    # 20 ms of waiting in updates that take 60 ms on average
    assert np.mean(share) == pytest.approx(1 / 3, rel=0.05)


def test_one_update_has_no_speed(make_run, style: None) -> None:
    assert speed_figure(group_runs([make_run(updates=1)])) is None


def test_each_matrix_has_a_panel_and_every_weight_is_in_it(make_run, style: None) -> None:
    run = make_run()
    before, after = load_checkpoint(run, 0), load_checkpoint(run)
    figure = weights_figure(run.name, before, after)
    assert figure is not None
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["policy/0/W", "policy/1/W", "policy/head/W", "value/0/W"]
    for axes, key in zip(figure.axes, titles, strict=True):
        filled, outline = axes.patches
        assert filled.get_data().values.sum() == outline.get_data().values.sum() == after.weights[key].size
        assert f"std {before.weights[key].std():.2g} →" in axes.get_xlabel()


def test_the_labels_of_neighbouring_panels_keep_apart(make_run, style: None) -> None:
    run = make_run()
    figure = weights_figure(run.name, load_checkpoint(run, 0), load_checkpoint(run))
    figure.draw_without_rendering()
    rows: dict[float, list[Any]] = {}
    for axes in figure.axes:
        low, high = axes.get_xlim()
        ticks = [tick for tick in axes.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
        row = round(axes.get_position().y0, 2)
        rows.setdefault(row, []).extend(tick.label1.get_window_extent() for tick in ticks)
    for boxes in rows.values():
        ordered = sorted(boxes, key=lambda box: box.x0)
        gaps = [other.x0 - one.x1 for one, other in itertools.pairwise(ordered)]
        assert min(gaps) > 0, gaps


def test_weights_that_never_moved_and_are_all_alike(tmp_path: Path, style: None) -> None:
    from touchline.record import save_checkpoint

    run = RunDirectory.create(tmp_path, env="a", seed=0)
    weights = {"W": np.zeros((2, 2))}
    for version in (0, 1):
        save_checkpoint(run, version=version, weights=weights, optimizer={}, state={}, keep=2)
    figure = weights_figure(run.name, load_checkpoint(run, 0), load_checkpoint(run, 1))
    assert figure is not None
    bars = figure.axes[0].patches[0].get_data()
    assert bars.values.sum() == 4
    assert bars.edges[-1] > bars.edges[0], "bars without a width are not seen"


def test_a_dollar_in_a_name_is_a_dollar(make_run) -> None:
    run = make_run(env="$x_{$", updates=20)
    assert "learning.png" in names(plot_run([run], run.plots))
