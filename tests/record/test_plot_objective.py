from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from touchline.record import LagLine, RunDirectory, Status, UpdateLine
from touchline.record.groups import Group, group_runs
from touchline.record.history import Rounds, read_history
from touchline.record.plot_objective import curve_of, objective_figure, together
from touchline.record.plot_style import styled
from touchline.record.plots import plot_run
from touchline.record.status import Objective

ERRORS = (1.0, 0.1, 0.02)
EACH = 1000  # row evaluations of a round
MakeTable = Callable[..., RunDirectory]


@pytest.fixture
def style() -> Iterator[None]:
    with styled():
        yield


@pytest.fixture
def make_table(make_run: Callable[..., RunDirectory], tmp_path: Path) -> MakeTable:
    """A run on a table: an error a round, a test after the second and one at the end."""

    def make(
        errors: Sequence[float | None] = ERRORS,
        *,
        table: str = "digits",
        goal: float | None = 0.01,
        accuracies: bool = True,
        lags: Sequence[int] = (0, 0),
        config: str = "method: descent",
        seed: int = 0,
    ) -> RunDirectory:
        run = RunDirectory.create(tmp_path / "runs", env=table, seed=seed)
        run.write_text("config.yaml", f"{config}\nseed: {seed}\n")
        for number, error in enumerate(errors, start=1):
            loss: dict[str, float | None] = {"error": error}
            if accuracies:
                loss["accuracy"] = number / 10
            if number >= 2:
                loss |= {"test_error": 0.3} | ({"test_accuracy": 0.2} if accuracies else {})
            run.metrics.append(update_line(number, loss, lags))
        run.flush()
        last = {"test_error": 0.2, "test_accuracy": 0.25} if accuracies else {"test_error": 0.2}
        objective = Objective(
            name="error", value=errors[-1], goal=goal, unit="row evaluations", measures=last
        )
        told = {"run": run.name, "env": table, "method": "descent", "objective": objective}
        run.write_status(Status(state="finished", steps=EACH * len(errors), **told))
        ended = make_run(updates=1).read_summary()
        assert ended is not None
        steps = EACH * len(errors)
        run.write_summary(msgspec.structs.replace(ended, steps=steps, wall_seconds=99.0, **told))
        return run

    return make


def update_line(number: int, loss: dict[str, float | None], lags: Sequence[int]) -> UpdateLine:
    return UpdateLine(
        update=number,
        version=number,
        seconds=float(number),
        steps=EACH * number,
        episodes=0,
        gradient_steps=number,
        lag=LagLine(values=list(lags)),
        loss=loss,
    )


def rounds_of(run: RunDirectory) -> Rounds:
    rounds = read_history(run).rounds
    assert rounds is not None
    return rounds


def forget_tests(run: RunDirectory) -> None:
    """All but the last, which the summary knows."""
    text = run.metrics.path.read_text()
    run.metrics.path.write_text(text.replace('"test_error":0.3', '"test_error":null'))


def figure_of(*runs: RunDirectory) -> Any:
    figure = objective_figure(group_runs(runs))
    assert figure is not None
    return figure


def texts(artist: Any) -> list[str]:
    return [text.get_text() for text in artist.findobj(lambda item: hasattr(item, "get_text"))]


def drawn(axes: Any) -> list[list[float]]:
    """The heights of each line that is drawn over more than one place, and not across."""
    return [
        list(line.get_ydata())
        for line in axes.lines
        if len(line.get_xdata()) > 1 and line.get_marker() == "None"
    ]


def test_an_error_is_drawn_where_it_was_measured(make_table: MakeTable) -> None:
    x, values = curve_of(rounds_of(make_table([1.0, None, 0.02])), "error", "steps")
    assert x.tolist() == [1000, 3000]
    assert values.tolist() == [1.0, 0.02]


def test_each_test_is_drawn_also_where_it_found_the_same_and_the_last_at_the_end(
    make_table: MakeTable,
) -> None:
    x, values = curve_of(rounds_of(make_table()), "test_error", "seconds")
    assert x.tolist() == [2.0, 3.0, 99.0]
    assert values.tolist() == [0.3, 0.3, 0.2]


def test_a_measure_that_nobody_made_has_no_curve(make_table: MakeTable) -> None:
    x, values = curve_of(rounds_of(make_table()), "no_such", "steps")
    assert (len(x), len(values)) == (0, 0)


def test_runs_together_are_their_geometric_mean_and_their_range() -> None:
    x = np.array([10.0, 1000.0])
    curve = together([(x, np.array([1.0, 0.01])), (x, np.array([4.0, 0.04]))], "steps")
    np.testing.assert_allclose(curve.line[[0, -1]], [2.0, 0.02])
    np.testing.assert_allclose(curve.low[[0, -1]], [1.0, 0.01])
    np.testing.assert_allclose(curve.high[[0, -1]], [4.0, 0.04])
    np.testing.assert_allclose(np.diff(np.log(curve.x)), np.log(100) / 399)


def test_an_ended_run_keeps_its_last_value_and_of_zeros_the_mean_is_arithmetic() -> None:
    short = (np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    long = (np.array([1.0, 9.0]), np.array([1.0, 0.5]))
    curve = together([short, long], "seconds")
    assert (curve.x[0], curve.x[-1], curve.low[-1]) == (1.0, 9.0, 0.0)
    assert curve.line[-1] == pytest.approx(0.25)


def test_one_run_shows_its_tests_its_goal_and_its_accuracies(make_table: MakeTable, style: None) -> None:
    run = make_table()
    figure = figure_of(run)
    error, over_time, accuracy, _ = figure.axes
    assert (error.get_xscale(), error.get_yscale(), over_time.get_xscale()) == ("log", "log", "linear")
    assert (error.get_xlabel(), over_time.get_xlabel()) == ("row evaluations", "wall time (s)")
    assert list(ERRORS) in drawn(error)
    assert [0.3, 0.3, 0.2] in drawn(error)
    assert [0.1, 0.2, 0.3] in drawn(accuracy)
    assert "goal 0.01" in texts(error)
    assert f"digits · {run.name}" in texts(error)
    assert {"training rows", "test rows"} <= set(texts(figure))
    assert over_time.get_xlim()[0] == 0


def test_the_panels_of_a_table_have_one_range(make_table: MakeTable, style: None) -> None:
    error, over_time, accuracy, accuracy_over_time = figure_of(make_table([1.0, 0.5, None])).axes
    assert error.get_xlim() == accuracy.get_xlim()
    assert over_time.get_xlim() == accuracy_over_time.get_xlim()
    assert error.get_xlim()[0] < EACH < 3 * EACH < error.get_xlim()[1]


def test_a_single_test_is_a_point_and_the_legend_names_what_is_drawn(
    make_table: MakeTable, style: None
) -> None:
    run = make_table([1.0, 0.5], accuracies=False)
    forget_tests(run)
    figure = figure_of(run)
    points = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "white"]
    assert [list(line.get_ydata()) for line in points if len(line.get_ydata())] == [[0.2]]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["training rows", "test rows"]
    assert [line.get_marker() for line in legend.get_lines()] == ["None", "o"]


def test_where_only_tests_were_made_the_legend_is_of_tests(make_table: MakeTable, style: None) -> None:
    run = make_table([None, None], accuracies=False)
    (legend,) = figure_of(run).legends
    assert [text.get_text() for text in legend.get_texts()] == ["test rows"]


def test_a_run_that_nothing_is_drawn_of_is_not_in_the_legend(make_table: MakeTable, style: None) -> None:
    silent = make_table([None, None], accuracies=False, config="method: krylov")
    assert "krylov" not in texts(figure_of(make_table(), make_table(config="method: hopping"), silent))


def test_one_round_is_drawn_from_zero_up(make_table: MakeTable, style: None) -> None:
    run = make_table([0.25], accuracies=False, goal=0.1)
    for name, text in (("status.json", '"test_error": 0.2'),):
        path = run.path / name
        path.write_text(path.read_text().replace(text, ""))
    error, over_time = figure_of(run).axes
    assert (error.get_xscale(), error.get_yscale()) == ("linear", "linear")
    assert error.get_xlim()[0] == error.get_ylim()[0] == over_time.get_xlim()[0] == 0
    assert error.get_xlim()[1] > EACH
    assert {"one round", "0.25", "goal 0.1"} <= set(texts(error))


def test_one_round_without_an_error_left_has_an_axis(make_table: MakeTable, style: None) -> None:
    run = make_table([0.0], accuracies=False, goal=0.0)
    path = run.path / "status.json"
    path.write_text(path.read_text().replace('"test_error": 0.2', ""))
    assert figure_of(run).axes[0].get_ylim() == (0, 1)


def test_rows_that_a_structure_was_chosen_by_are_not_called_tests(make_table: MakeTable, style: None) -> None:
    run, other = make_table(), make_table(config="method: krylov")
    for name in ("metrics.jsonl", "status.json"):
        path = run.path / name
        path.write_text(path.read_text().replace('"test_', '"validation_'))
    error, _, accuracy, _ = figure_of(run).axes
    assert [0.3, 0.3] in drawn(error)
    assert [0.2, 0.2] in drawn(accuracy)
    assert {"training rows", "validation rows"} <= set(texts(figure_of(run)))
    assert figure_of(run, other).axes[2].get_ylabel() == "accuracy"  # nor compared with tests of others


def test_a_run_that_took_longer_to_start_is_not_squeezed_to_the_right(
    make_table: MakeTable, style: None
) -> None:
    run = make_table()
    text = run.metrics.path.read_text()
    for second in (1, 2, 3):
        text = text.replace(f'"seconds":{second}.0', f'"seconds":{95 + second}.0')
    run.metrics.path.write_text(text)
    assert 90 < figure_of(run).axes[1].get_xlim()[0] < 96


def test_several_runs_are_a_line_each_named_for_what_sets_them_apart(
    make_table: MakeTable, style: None
) -> None:
    descents = [
        make_table(config=f"method: descent\noptimizer: {{rule: {rule}}}") for rule in ("sgd", "adam")
    ]
    figure = figure_of(*descents, make_table(config="method: krylov\nkrylov: {solver: cg}"))
    error, _, accuracy, _ = figure.axes
    assert [len(line) for line in drawn(error) if line][:3] == [3, 3, 3]
    assert {"descent · rule sgd", "descent · rule adam", "krylov"} <= set(texts(figure))
    assert accuracy.get_ylabel() == "test accuracy"
    assert "test rows" not in texts(figure)


def test_seeds_of_one_config_are_a_mean_with_a_band(make_table: MakeTable, style: None) -> None:
    figure = figure_of(make_table(seed=0), make_table([2.0, 0.2, 0.04], seed=1))
    error = figure.axes[0]
    assert len(error.collections) == 2  # of errors, and of the tests
    assert any(line[-1] == pytest.approx((0.02 * 0.04) ** 0.5) for line in drawn(error))


def test_goals_that_differ_are_left_out(make_table: MakeTable, style: None) -> None:
    runs = [make_table(goal=goal, config=f"stop: {{error: {goal}}}") for goal in (0.01, 0.02)]
    assert not any(text.startswith("goal") for text in texts(figure_of(*runs).axes[0]))


def test_an_error_of_nothing_lies_below_all_others_and_the_goal(make_table: MakeTable, style: None) -> None:
    figure = figure_of(make_table([0.5, 0.0], accuracies=False, goal=0.03))
    error = figure.axes[0]
    assert error.get_yscale() == "log"
    assert [0.5, pytest.approx(0.01)] in drawn(error)
    assert "0" in texts(error)


def test_nothing_but_zeros_is_drawn_on_a_linear_axis(make_table: MakeTable, style: None) -> None:
    run = make_table([0.0, 0.0], accuracies=False)
    for name, text in (("metrics.jsonl", '"test_error":0.3'), ("status.json", '"test_error": 0.2')):
        path = run.path / name
        assert text in path.read_text()
        path.write_text(path.read_text().replace(text, f"{text[:-3]}0.0"))
    assert figure_of(run).axes[0].get_yscale() == "linear"


def test_an_axis_of_less_than_two_decades_has_numbers_between_the_powers(
    make_table: MakeTable, style: None
) -> None:
    figure = figure_of(make_table([0.9, 0.3, 0.2], goal=None))
    figure.draw_without_rendering()
    error = figure.axes[0]
    shown = {label.get_text() for label in (*error.get_xticklabels(), *error.get_yticklabels())}
    assert {"2k", "0.5"} <= shown
    assert not any("$" in text for text in texts(figure))


def test_each_table_has_its_row(make_table: MakeTable, style: None) -> None:
    figure = figure_of(make_table(accuracies=False), make_table(table="xor", accuracies=False))
    assert len(figure.axes) == 4
    assert any(text.startswith("xor") for text in texts(figure.axes[2]))


def test_a_run_in_an_environment_has_no_error(make_run: Callable[..., RunDirectory], style: None) -> None:
    groups: list[Group] = group_runs([make_run(updates=15)])
    assert objective_figure(groups) is None


def test_the_files_of_a_run_on_a_table(make_table: MakeTable) -> None:
    lockstep, late = make_table(), make_table(lags=(0, 2), config="staleness: {max_lag: 2}")
    assert [path.name for path in plot_run([lockstep], lockstep.plots)] == ["error.png", "speed.png"]
    assert [path.name for path in plot_run([late], late.plots)] == ["error.png", "lag.png", "speed.png"]


def test_a_mixed_group_has_returns_and_errors(
    make_table: MakeTable, make_run: Callable[..., RunDirectory], tmp_path: Path
) -> None:
    names = [path.name for path in plot_run([make_table(), make_run(updates=20)], tmp_path / "both")]
    assert {"learning.png", "error.png", "lag.png"} <= set(names)
