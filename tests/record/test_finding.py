from __future__ import annotations

from pathlib import Path

import pytest

from touchline.record import RunDirectory, RunNotFound, find_run, list_runs


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "runs"
    for env, seed, name in (
        ("CartPole-v1", 0, None),
        ("CartPole-v1", 1, None),
        ("Acrobot-v1", 0, None),
        ("Acrobot-v1", 0, "baseline"),
    ):
        RunDirectory.create(root, env=env, seed=seed, name=name).write_text("config.yaml", "")
    return root


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ("2", "2-cartpole-v1-s1"),
        ("2-cartpole-v1-s1", "2-cartpole-v1-s1"),
        ("3-a", "3-acrobot-v1-s0"),
        ("base", "baseline"),
        ("baseline", "baseline"),
    ],
)
def test_a_run_by_number_name_and_beginning(root: Path, ref: str, name: str) -> None:
    assert find_run(ref, root).name == name


def test_a_run_by_path_from_anywhere(root: Path, tmp_path: Path) -> None:
    assert find_run(str(root / "baseline"), tmp_path / "elsewhere").name == "baseline"


def test_a_number_is_not_a_beginning(root: Path) -> None:
    for _ in range(7):
        RunDirectory.create(root, env="a", seed=0).write_text("config.yaml", "")
    assert find_run("1", root).name == "1-cartpole-v1-s0"
    (root / "1-cartpole-v1-s0").rename(root / "gone")
    with pytest.raises(RunNotFound):  # and not 10-a-s0
        find_run("1", root)


def test_several_are_named(root: Path) -> None:
    RunDirectory.create(root, env="a", seed=0, name="baseline-2").write_text("config.yaml", "")
    with pytest.raises(RunNotFound, match="it could be any of baseline, baseline-2"):
        find_run("base", root)
    assert find_run("baseline", root).name == "baseline"


def test_a_near_miss_gets_a_hint(root: Path) -> None:
    with pytest.raises(RunNotFound, match=r"run 'baselime': not found in .*; did you mean baseline\?"):
        find_run("baselime", root)


def test_a_wild_guess_gets_the_list(root: Path) -> None:
    with pytest.raises(RunNotFound, match="there are 1-cartpole-v1-s0, 2-cartpole-v1-s1, 3-acrobot-v1-s0"):
        find_run("zzzz", root)


def test_a_long_list_is_cut(root: Path) -> None:
    for _ in range(4):
        RunDirectory.create(root, env="a", seed=0).write_text("config.yaml", "")
    with pytest.raises(RunNotFound, match=r"5-a-s0 and 3 more"):
        find_run("zzzz", root)


def test_no_runs_at_all(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound, match="holds no runs yet"):
        find_run("1", tmp_path / "absent")
    assert list_runs(tmp_path / "absent") == []


def test_runs_are_listed_by_number_then_name(root: Path) -> None:
    for _ in range(7):
        RunDirectory.create(root, env="a", seed=0).write_text("config.yaml", "")
    (root / "not-a-run").mkdir()
    (root / "note.txt").write_text("")
    names = [run.name for run in list_runs(root)]
    assert names[:3] == ["1-cartpole-v1-s0", "2-cartpole-v1-s1", "3-acrobot-v1-s0"]
    assert names[-2:] == ["10-a-s0", "baseline"]
