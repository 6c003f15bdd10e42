"""The table of results: kept rows, and where it goes in the page."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from touchline.configs import preset_names

ROOT = Path(__file__).resolve().parents[2]
PAGE = """# Results

### one

    touchline train one --seed S

What it is.

| seed | steps |
|---|---|
| 0 | 10 |

![a figure](one.png)

### two

| old |

More pictures of each.
"""


@pytest.fixture(scope="module")
def results() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmarks_results", ROOT / "benchmarks" / "results.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def row(seed: int, **changes: Any) -> dict[str, Any]:
    return {
        "seed": seed,
        "process_seconds": 2.0 + seed,
        "solved": True,
        "reason": "solved",
        "steps": 1000,
        "steps_per_second": 500,
        "return_mean_100": 480.0,
        "greedy_mean": 500.0,
        "greedy_std": 0.0,
        "lag": {"mean": 1.0, "law": 1.0},
        **changes,
    }


def test_the_presets_of_the_table_exist(results: ModuleType) -> None:
    assert set(results.PRESETS) <= set(preset_names())


def test_a_table_has_the_seeds_and_their_median(results: ModuleType) -> None:
    lines = results.table([row(0), row(1), row(2, solved=False, reason="steps: 9 of 9")]).splitlines()
    assert len(lines) == 6
    assert lines[4].endswith("| steps: 9 of 9 |")
    assert lines[5].startswith("| **median** | **3.0** | 1,000 |")
    assert lines[5].endswith("| 2 of 3 |")


def test_a_table_takes_the_place_of_the_one_before(results: ModuleType) -> None:
    page = results.with_table(PAGE, "one", "| seed | new |\n| 1 | 2 |")
    assert page == PAGE.replace("| seed | steps |\n|---|---|\n| 0 | 10 |", "| seed | new |\n| 1 | 2 |")
    assert "| new |" in results.with_table(PAGE, "two", "| new |")


def test_a_preset_that_the_page_lacks_gets_a_section(results: ModuleType) -> None:
    page = results.with_table(PAGE, "three", "| new |")
    assert page.index("### two") < page.index("### three") < page.index("More pictures")
    assert "touchline train three --seed S" in page
    assert "results/three-learning.png" in page
    assert results.with_table(page, "three", "| newer |") == page.replace("| new |", "| newer |")


def test_a_run_that_was_measured_is_not_made_again(
    results: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def measured(preset: str, seed: int, runs: Path, name: str) -> dict[str, Any]:
        made.append(seed)
        (runs / name).mkdir()
        return row(seed)

    monkeypatch.setattr(results, "measured", measured)
    assert results.one_run("one", 0, tmp_path) == results.one_run("one", 0, tmp_path) == row(0)
    assert made == [0]
    assert json.loads((tmp_path / "one-s0" / "row.json").read_text()) == row(0)


def test_a_run_that_was_interrupted_is_made_anew(
    results: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one-s0").mkdir()

    def measured(preset: str, seed: int, runs: Path, name: str) -> dict[str, Any]:
        (runs / name).mkdir()  # which touchline train would refuse were the folder still there
        return row(seed)

    monkeypatch.setattr(results, "measured", measured)
    assert results.one_run("one", 0, tmp_path) == row(0)
