"""From cells to the page: the null, shares, collapses, tables, and a page that agrees with its numbers."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from lagstudy import tables
from lagstudy.calibration import calibrate
from lagstudy.cells import Cells
from lagstudy.design import METHODS, RATES, TASKS, Cell, sweep
from lagstudy.law import closed_form, law_table
from lagstudy.page import NONE_YET, current, parts, write_report
from lagstudy.summary import null_area, shifted, summarise

ROOT = Path(__file__).resolve().parents[2]
RATE = RATES[2]


def row(cell, curve, **more):
    curve = np.asarray(curve, float)
    return {
        **asdict(cell),
        "area": float(curve.mean()),
        "final": float(curve[-6:].mean()),
        "best": float(curve.max()),
        "curve": curve.tolist(),
        "updates": 100,
        "steps": 100_000,
        **more,
    }


@pytest.fixture
def cells(tmp_path):
    """A made-up study of two methods: reuse is late and nothing worse; ppo at lag 16 falls back in half of its runs."""
    cells = Cells(tmp_path / "cells.jsonl")
    for cell in sweep(TASKS["cartpole"]):
        cells.rows[cell] = row(cell, np.full(60, 50.0 if cell.rate == RATE else 30.0))
    rise = 20 + np.linspace(0, 100, 60)
    for seed in range(4):
        for method in ("reuse", "ppo"):
            for lag in (0, 16):
                curve = shifted(rise, by=lag / 100)
                if method == "ppo" and lag == 16 and seed % 2:
                    curve = np.where(np.arange(60) > 50, 25, curve)
                cell = Cell("cartpole", method, RATE, lag, seed)
                cells.rows[cell] = row(cell, curve)
    return cells


def group_of(task, method, lag):
    return next(group for group in task["groups"] if (group["method"], group["lag"]) == (method, lag))


def test_a_shifted_curve_is_the_same_later_and_waits_at_its_first_value():
    curve = np.arange(10.0)
    assert shifted(curve, by=0).tolist() == curve.tolist()
    assert shifted(curve, by=0.3) == pytest.approx(np.maximum(curve - 3, 0))
    assert shifted(curve, by=0.05) == pytest.approx(np.maximum(curve - 0.5, 0))


def test_the_null_is_late_by_its_part_of_the_runs_updates():
    fresh = {"curve": list(range(10)), "updates": 100}
    assert null_area(fresh, 0) == 4.5
    assert null_area(fresh, 30) == pytest.approx(np.maximum(np.arange(10) - 3, 0).mean())


def test_a_method_that_is_only_late_keeps_the_whole_of_its_null(cells):
    task = summarise(cells)["cartpole"]
    for lag in (0, 16):
        assert tables.share_of_null(task, group_of(task, "reuse", lag)) == pytest.approx(1, abs=1e-3)
    assert tables.share_of_null(task, group_of(task, "ppo", 16)) < 0.99


def test_a_collapse_is_the_loss_of_half_of_what_was_gained():
    task = {"untrained": 20}
    group = {"best": [120, 120, 20, 30], "final": [69, 71, 20, 20]}
    assert (
        tables.collapses(task, group) == 0.5
    )  # the first and the last; a run that gained nothing lost nothing


def test_the_summary_is_of_test_seeds_at_the_chosen_rate(cells):
    other = Cell("cartpole", "reuse", RATES[0], 0, 0)
    cells.rows[other] = row(other, np.full(60, 1e6))
    summary = summarise(cells)
    assert list(summary) == ["cartpole"]
    task = summary["cartpole"]
    assert [(g["method"], g["lag"]) for g in task["groups"]] == [
        ("reuse", 0), ("reuse", 16), ("ppo", 0), ("ppo", 16),
    ]  # fmt: skip
    assert max(group_of(task, "reuse", 0)["area"]) < 100
    assert group_of(task, "reuse", 16)["rate"] == RATE
    assert len(group_of(task, "reuse", 0)["curve_value"]) == 60
    assert json.loads(json.dumps(summary)) == summary


def test_the_area_table_has_methods_down_and_lags_across(cells):
    task = summarise(cells)["cartpole"]
    lines = tables.by_lag(task, tables.interval("area")).splitlines()
    assert lines[0] == "| lag | 0 | 16 |"
    assert lines[2].startswith("| reuse | 70 [70, 70] (4 seeds) | ")
    assert lines[3].startswith("| ppo | 70 [70, 70] (4 seeds) | ")


def test_the_sweep_table_marks_the_chosen_rate(cells):
    line = tables.rates(summarise(cells)["cartpole"]).splitlines()[2]
    assert line == "| reuse | 30.0 | 30.0 | **50.0** | 30.0 | 30.0 |"


def test_a_method_serves_up_to_the_last_lag_at_which_it_keeps(cells):
    summary = summarise(cells)
    lines = tables.limits(summary).splitlines()
    assert "| reuse | 16 |" in lines
    assert "| ppo | 0 |" in lines
    said = tables.default_limits(summary)
    assert (
        "`cartpole`, reuse: served up to lag 16. At lag 16 it keeps 100% and 0% of the runs collapse (0% at lag 0)."
        in said
    )
    assert "`cartpole`, ppo: served up to lag 0." in said
    assert "50% of the runs collapse" in said


@pytest.mark.parametrize(
    ("share", "collapsed", "served"), [(0.95, 1, "8"), (0.85, 1, "0"), (0.95, 4, "8"), (1.3, 0, "8")]
)
def test_what_a_method_must_keep(share, collapsed, served):
    """Of ten runs, one of which collapses at lag 0 as well."""

    def group(lag, gain, collapses):
        final = [20.0] * collapses + [120.0] * (10 - collapses)
        scores = {"area": [20 + gain] * 10, "null": [120] * 10, "best": [120] * 10, "final": final}
        return {"method": "reuse", "lag": lag, **scores}

    task = {"untrained": 20, "groups": [group(8, 100 * share, collapsed), group(0, 100, 1)]}
    assert tables.limits({"t": task}).splitlines()[2] == f"| reuse | {served} |"


def test_the_two_kinds_are_compared_in_shares_of_each_methods_own_null():
    def group(method, area, null):
        return {"method": method, "lag": 4, "area": area, "null": null, "best": area, "final": area}

    groups = [
        group("reuse", [60] * 4, [120] * 4),  # 40 of 100 gained
        group("live", [40] * 5, [70] * 4),  # 20 of 50
        group("recompute", [30] * 4, [120] * 4),
        group("ppo", [500] * 4, [120] * 4),  # several passes: of neither kind
    ]
    lines = tables.by_invariance({"untrained": 20, "groups": groups}).splitlines()
    assert lines[2:] == ["| baseline-invariant | 40% [40%, 40%] |", "| not | 10% [10%, 10%] |"]


def test_the_closed_form_of_the_law():
    assert closed_form(players=8, results=4, ahead=0) == 7 / 4
    assert closed_form(players=2, results=1, ahead=1) == 3
    assert closed_form(players=1, results=10, ahead=0) == 0


def test_the_law_table_is_in_order_whole_episodes_last():
    shared = {"lanes": 4, "law": 1.0, "measured": 1.01, "count": 1200, "results_per_update": 4.4}
    rows = [
        {"unit": "episode", "players": 1, "results": 0, "ahead": 0, **shared},
        {"unit": "unroll", "players": 2, "results": 1, "ahead": 1, "closed_form": 3.0, **shared},
        {"unit": "unroll", "players": 2, "results": 1, "ahead": 0, "closed_form": 1.0, **shared},
    ]
    lines = law_table(rows).splitlines()[2:]
    assert lines == [
        "| 2 | 1 | 0 | 1.00 | 1.00 | 1.01 | 1,200 |",
        "| 2 | 1 | 1 | 3.00 | 1.00 | 1.01 | 1,200 |",
        "| 1 × 4 lanes, whole episodes | 4.4 | 0 |  | 1.00 | 1.01 | 1,200 |",
    ]


def test_a_report_writes_numbers_figures_and_its_parts_of_the_page(cells, tmp_path):
    pytest.importorskip("matplotlib")
    results, page = tmp_path / "results", tmp_path / "page.md"
    page.write_text(
        "by hand\n<!-- generated: cartpole-area -->\nold\n<!-- end -->\n<!-- generated: times -->\n<!-- end -->\n"
    )
    write_report(cells, results, page=page)
    text = page.read_text()
    assert text.startswith("by hand\n<!-- generated: cartpole-area -->\n| lag | 0 | 16 |")
    assert "old" not in text
    assert text.endswith(f"<!-- generated: times -->\n{NONE_YET}\n<!-- end -->\n")
    drawn = {path.name for path in results.glob("*.png")}
    assert drawn == {"staleness-cartpole-lags.png", "staleness-cartpole-samples.png"}
    assert parts(results)["cartpole-lags-figure"].endswith("(results/staleness-cartpole-lags.png)")


def test_times_are_medians_over_repeats_in_milliseconds(monkeypatch, tmp_path):
    seconds = iter([0.1, 0.2, 0.9, 0.3, 0.15] * len(METHODS))

    def timed(cell, *, clock):
        assert clock is time.process_time
        return {"play_seconds": next(seconds), "learn_seconds": 0.05, "updates": 100}

    monkeypatch.setattr("lagstudy.calibration.run_cell", timed)
    calibrate(tmp_path / "times.json")
    found = json.loads((tmp_path / "times.json").read_text())
    assert list(found["milliseconds"]) == list(METHODS)
    assert {ms["learn"] for ms in found["milliseconds"].values()} == {0.5}
    assert all(ms["play"] in (1.0, 1.5, 2.0, 3.0, 9.0) for ms in found["milliseconds"].values())
    assert "| reuse | " in tables.times(found)


def test_the_page_agrees_with_the_committed_numbers():
    page = ROOT / "docs" / "staleness.md"
    text = page.read_text(encoding="utf-8")
    assert current(text, ROOT / "docs" / "results") == text


def test_every_part_that_can_be_made_has_a_place_on_the_page():
    text = (ROOT / "docs" / "staleness.md").read_text(encoding="utf-8")
    left_out = {"cartpole-decay-lag-rates", "cartpole-decay-lag-area"}
    left_out |= {f"target-{part}" for part in ("share", "rates", "lag-rates", "lag-area")}
    left_out |= {f"{task}-{part}" for task in ("acrobot", "lunarlander") for part in ("share", "collapse")}
    made = set(parts(ROOT / "docs" / "results"))
    assert {name for name in made if f"<!-- generated: {name} -->" not in text} <= left_out
