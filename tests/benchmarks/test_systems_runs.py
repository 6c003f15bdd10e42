"""Runs as a study makes them: once each, timed, and read back; and the parts of documents 002 and 003."""

from __future__ import annotations

import pytest
from systems_study import document_002, document_003
from systems_study.blas import gradients_a_second
from systems_study.levels import Level, measured
from systems_study.study import Study

from touchline.configs import load

GRID = ("--search.low", "-1", "--search.step", "2", "--search.high", "1", "--stop.error", "null")


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path, quick=True, seeds=1)


def test_a_run_is_made_once_and_an_interrupted_one_anew(study):
    (study.runs / "grid").mkdir()
    (study.runs / "grid" / "torn").write_text("")
    done = study.run("grid", "001-grid", *GRID, serial=True)
    assert not (done.path / "torn").exists()
    assert done.facts["points"] == 2**6
    assert [line.update for line in done.lines] == [1]
    before = (done.path / "metrics.jsonl").stat().st_mtime_ns
    assert study.run("grid", "001-grid", *GRID, serial=True).summary == done.summary
    assert (done.path / "metrics.jsonl").stat().st_mtime_ns == before


def test_a_run_that_fails_says_what_it_said(study):
    with pytest.raises(RuntimeError, match=r"search\.limit"):
        study.run("grid", "001-grid", "--search.limit", "3", serial=True)


def test_a_level_is_timed_serial_and_with_players(study):
    row = measured(study, Level("grid", "a few points", "001-grid", (), GRID))
    assert min(row[mode] for mode in ("serial", "1 Player", "2 Players", "merge")) > 0
    modes = [load(study.run(f"level-grid-{n}-0", "001-grid").path / "config.yaml").config for n in range(3)]
    assert [config.mode for config in modes] == ["serial", "async", "async"]
    assert [config.players.count for config in modes][1:] == [1, 2]


def test_two_processes_share_the_rows():
    assert gradients_a_second("64-16-10", players=2, threads=1, seconds=0.05) > 0


def test_the_tables_of_document_003_have_what_was_reached():
    got = {"evaluations": 1200.0, "seconds": 0.5, "load": 1.0}
    never = {"evaluations": None, "seconds": None, "load": 2.0}
    row = {"preset": "003-gd", "serial": [got, never], "2 Players": [got, got], "curve": [], "accuracy": None}
    made = document_003.task_table({"machine": "here", "threshold": 0.1, "methods": {"descent": row}})
    assert "| descent | `003-gd` | 1 of 2 | 1,200 | 1,200 | 0.5 | 0.5 |" in made
    assert "load 2.0" in made


def test_the_tables_of_document_002_have_the_first_second_above_a_level():
    row = {
        "preset": "p",
        "curve": [[1, -200], [5, 10], [60, 201]],
        "best": 201.0,
        "steps": 1000,
        "seconds": 70.0,
    }
    kept = {"machine": "here", "forms": {"form": {**row, "load": 1.5}}}
    assert "| form | 201 | 5 | 60 | 1,000 | 70 |" in document_002.lunarlander_table(kept)
