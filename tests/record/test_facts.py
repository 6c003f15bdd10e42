from __future__ import annotations

import json
import platform
import subprocess
from pathlib import Path

import pytest

from touchline.record import environment_facts


def test_versions_and_machine() -> None:
    facts = environment_facts()
    assert facts["python"] == platform.python_version()
    assert set(facts["packages"]) >= {"touchline", "numpy", "gymnasium"}
    assert all(version for version in facts["packages"].values())
    assert 1 <= facts["cpus"]["usable"] <= facts["cpus"]["machine"]
    json.dumps(facts)


def test_a_package_that_is_missing_is_null(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("touchline.record.facts.PACKAGES", ("no-such-package",))
    assert environment_facts()["packages"] == {"no-such-package": None}


def test_outside_a_repository_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert environment_facts()["git"] is None


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert environment_facts()["git"] is None


def test_the_commit_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = make_repository(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert environment_facts()["git"] == {"commit": commit, "modified": False}
    (tmp_path / "file").write_text("changed")
    assert environment_facts()["git"] == {"commit": commit, "modified": True}


def make_repository(folder: Path) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    (folder / "file").write_text("first")
    for arguments in (["init", "-q"], ["add", "file"], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
