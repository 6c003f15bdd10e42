"""What is set aside: readable without pickle, numbered in order, and never more than so much of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from touchline.record import RunDirectory
from touchline.record import crashes as crashes_module
from touchline.record.crashes import KEPT


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path, env="a", seed=0)


def names(run: RunDirectory) -> set[str]:
    return {path.name for path in run.crashes.iterdir()}


def test_arrays_come_back_without_pickle_and_the_page_says_what_they_are(run: RunDirectory) -> None:
    arrays = {
        "player-2.17.rewards": np.array([[np.nan, 1.0]], np.float32),
        "player-2.17.valid": np.ones(2, bool),
    }
    path = run.set_aside({"kind": "invalid", "detail": "rewards: nan"}, "rewards: nan", arrays)
    assert path.name == "1-invalid.txt"
    assert path.read_text() == "rewards: nan\n"
    page = json.loads(path.with_suffix(".json").read_text())
    assert page == {"kind": "invalid", "detail": "rewards: nan", "arrays": "1-invalid.npz", "left_out": []}
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as kept:
        assert set(kept) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(kept[name], array)
            assert kept[name].dtype == array.dtype


def test_objects_are_refused_rather_than_pickled(run: RunDirectory) -> None:
    with pytest.raises(ValueError, match="allow_pickle=False"):
        run.set_aside({}, "", {"a": np.array([{}], object)})


def test_the_newest_few_are_kept_and_tracebacks_stay(run: RunDirectory) -> None:
    run.crash("player-0", {}, "Traceback")
    for i in range(KEPT + 5):
        run.set_aside({"i": i}, str(i), {"i": np.array(i)})
    texts = sorted(run.crashes.glob("*-invalid.txt"), key=lambda path: int(path.name.split("-")[0]))
    assert [path.read_text() for path in texts] == [f"{i}\n" for i in range(5, KEPT + 5)]
    assert len(names(run)) == 3 * KEPT + 2
    assert "1-player-0.txt" in names(run)


def test_numbers_go_on_after_older_ones_were_removed(run: RunDirectory) -> None:
    for i in range(KEPT + 3):
        path = run.set_aside({}, str(i), {})
        assert path.name == f"{i + 1}-invalid.txt"
    assert run.crash("hang", {}, "it hung").name == f"{KEPT + 4}-hang.txt"


def test_bytes_are_bounded_too(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crashes_module, "KEPT_BYTES", 20_000)
    large = {"a": np.zeros(1000, np.float64)}  # 8 kB: two fit, and the texts
    for i in range(5):
        run.set_aside({}, str(i), large)
    assert {name for name in names(run) if name.endswith("txt")} == {"4-invalid.txt", "5-invalid.txt"}
    assert sum(path.stat().st_size for path in run.crashes.iterdir()) <= 20_000


def test_an_array_that_is_too_large_is_named_instead(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crashes_module, "KEPT_BYTES", 20_000)
    arrays = {"a": np.zeros(100), "observations": np.zeros(2000), "b": np.ones(3)}
    path = run.set_aside({}, "", arrays)
    assert json.loads(path.with_suffix(".json").read_text())["left_out"] == ["observations"]
    with np.load(path.with_suffix(".npz")) as kept:
        assert set(kept) == {"a", "b"}


def test_the_last_one_is_kept_whatever_its_size(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crashes_module, "KEPT_BYTES", 10)
    run.set_aside({}, "one", {})
    run.set_aside({}, "two", {})
    assert [path.read_text() for path in run.crashes.glob("*.txt")] == ["two\n"]
