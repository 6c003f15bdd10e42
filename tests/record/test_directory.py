from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from touchline.record import (
    RecordError,
    RunDirectory,
    RunExists,
    RunNameError,
    RunNotFound,
    Status,
)
from touchline.record.directory import run_number, slug


def test_numbers_count_up_and_gaps_are_not_filled(tmp_path: Path) -> None:
    first = RunDirectory.create(tmp_path, env="CartPole-v1", seed=0)
    second = RunDirectory.create(tmp_path, env="CartPole-v1", seed=0)
    (tmp_path / "7-acrobot-v1-s3").mkdir()
    third = RunDirectory.create(tmp_path, env="CartPole-v1", seed=12)
    assert [run.name for run in (first, second, third)] == [
        "1-cartpole-v1-s0",
        "2-cartpole-v1-s0",
        "8-cartpole-v1-s12",
    ]


def test_the_root_is_made_and_a_new_run_has_its_folders(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "deep" / "runs", env="CartPole-v1", seed=0)
    assert {entry.name for entry in run.path.iterdir()} == {"checkpoints", "logs"}


def test_runs_that_start_at_once_get_different_numbers(tmp_path: Path) -> None:
    def create(index: int) -> int | None:
        return RunDirectory.create(tmp_path, env=f"env{index}", seed=index).number

    with ThreadPoolExecutor(16) as pool:
        numbers = list(pool.map(create, range(48)))
    assert len(set(numbers)) == 48
    assert not list(tmp_path.glob(".*")), "a claim was left behind"


def test_a_claim_left_by_a_killed_process_costs_only_its_number(tmp_path: Path) -> None:
    (tmp_path / ".1").mkdir()
    assert RunDirectory.create(tmp_path, env="a", seed=0).number == 2


def test_a_named_run(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, env="CartPole-v1", seed=0, name="baseline")
    assert run.path == tmp_path / "baseline"
    assert run.number is None


def test_a_name_that_is_taken(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path, env="CartPole-v1", seed=0, name="baseline")
    with pytest.raises(RunExists, match="baseline: a run of this name exists") as caught:
        RunDirectory.create(tmp_path, env="CartPole-v1", seed=0, name="baseline")
    assert caught.value.path == tmp_path / "baseline"


@pytest.mark.parametrize("name", ["", "7", "a/b", "../up", ".hidden", "..", "/abs"])
def test_a_name_that_reads_as_a_path_or_a_number(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunNameError, match="expected a single folder name"):
        RunDirectory.create(tmp_path, env="CartPole-v1", seed=0, name=name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CartPole-v1", "cartpole-v1"),
        ("ALE/Pong-v5", "ale-pong-v5"),
        ("my_envs.grid:Grid-v0", "my_envs.grid-grid-v0"),
        ("../a/../b.py:Class", "b.py-class"),
        ("../..", "env"),
        ("x" * 300, "x" * 80),
        ("???", "env"),
    ],
)
def test_an_environment_as_part_of_a_folder_name(text: str, expected: str) -> None:
    assert slug(text) == expected
    assert Path(slug(text)).name == slug(text)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("12-cartpole-v1-s3", 12),
        ("3-ale-pong-v5-s-1", 3),
        ("2-layers", None),
        ("baseline", None),
        ("7", None),
    ],
)
def test_the_number_in_a_name(name: str, number: int | None) -> None:
    assert run_number(name) == number


def test_open_wants_a_run(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound, match="not a run directory"):
        RunDirectory.open(tmp_path)
    with pytest.raises(RunNotFound):
        RunDirectory.open(tmp_path / "absent")
    (tmp_path / "config.yaml").write_text("seed: 0\n")
    assert RunDirectory.open(tmp_path).path == tmp_path


def test_text_and_json_are_written_whole(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, env="a", seed=0)
    run.write_text("command.txt", "touchline train à\n")
    run.write_json(
        "origin.json", {"a": np.float32(0.5), "b": float("nan"), "c": Path("x"), "d": np.arange(2)}
    )
    assert (run.path / "command.txt").read_text(encoding="utf-8") == "touchline train à\n"
    written = json.loads((run.path / "origin.json").read_text())
    assert written == {"a": 0.5, "b": None, "c": "x", "d": [0, 1]}
    assert not list(run.path.glob(".*")), "a temporary file was left behind"


def test_a_failed_write_leaves_the_former_file(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, env="a", seed=0)
    run.write_json("origin.json", {"a": 1})
    with pytest.raises(TypeError, match="cannot be written as JSON: object"):
        run.write_json("origin.json", {"a": object()})
    assert json.loads((run.path / "origin.json").read_text()) == {"a": 1}


def test_flush_writes_both_kinds_of_line(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, env="a", seed=0)
    run.metrics.append({"update": 1})
    run.episodes.append({"seq": 1})
    assert not (run.path / "metrics.jsonl").exists()
    run.flush()
    assert (run.path / "metrics.jsonl").read_text() == '{"update":1}\n'
    assert (run.path / "episodes.jsonl").read_text() == '{"seq":1}\n'


def test_crashes_are_kept_side_by_side(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, env="a", seed=0)
    payload = {"player": "player-0", "seed": 7, "actions": np.array([1, 0])}
    first = run.crash("Environment/Fault", payload, "Traceback ...\nValueError: no")
    second = run.crash("hang", {}, "it hung\n")
    assert [first.name, second.name] == ["1-environment-fault.txt", "2-hang.txt"]
    assert first.read_text() == "Traceback ...\nValueError: no\n"
    kept = json.loads(first.with_suffix(".json").read_text())
    assert (kept["kind"], kept["seed"], kept["actions"]) == ("Environment/Fault", 7, [1, 0])
    assert kept["traceback"].startswith("Traceback")


def test_crashes_at_once_do_not_overwrite_each_other(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, env="a", seed=0)

    def crash(index: int) -> Path:
        return run.crash("hang", {"index": index}, f"text {index}")

    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(crash, range(24)))
    assert sorted(path.read_text() for path in paths) == sorted(f"text {index}\n" for index in range(24))


def test_a_damaged_status_names_its_file(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, env="a", seed=0)
    run.write_status(Status(run="r", env="e"))
    (run.path / "status.json").write_text('{"run": 3}')
    with pytest.raises(RecordError, match=r"status\.json: Expected `str`, got `int`"):
        run.read_status()
