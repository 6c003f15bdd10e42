from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from touchline.record import (
    CheckpointError,
    RunDirectory,
    checkpoint_versions,
    load_checkpoint,
    mark_best,
    save_best,
    save_checkpoint,
)

W = {"policy/0/W": np.arange(6, dtype="f4").reshape(2, 3), "policy/0/b": np.zeros(3, "f4")}
M = {"first/policy/0/W": np.ones((2, 3))}


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path, env="CartPole-v1", seed=0)


def save(run: RunDirectory, version: int, *, keep: int = 3, best: bool = False) -> Path:
    state = {"counters": {"steps": version * 10}}
    return save_checkpoint(run, version=version, weights=W, optimizer=M, state=state, keep=keep, best=best)


def test_what_is_saved_is_loaded(run: RunDirectory) -> None:
    path = save(run, 150)
    assert {entry.name for entry in path.iterdir()} == {
        "weights.safetensors",
        "optimizer.safetensors",
        "state.json",
    }
    loaded = load_checkpoint(run)
    assert loaded.version == 150
    assert loaded.state == {"counters": {"steps": 1500}}
    assert_same(loaded.weights, W)
    assert_same(loaded.optimizer, M)


@given(
    array=hnp.arrays(
        dtype=st.sampled_from(["f4", "f8", "i8", "i4", "u1", "?", "f2"]),
        shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    ),
    fortran=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_every_array_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, fortran: bool
) -> None:
    run = RunDirectory.create(tmp_path_factory.mktemp("runs"), env="a", seed=0)
    stored = np.asfortranarray(array) if fortran and array.ndim else array
    save_checkpoint(run, version=0, weights={"a": stored}, optimizer={}, state={}, keep=1)
    loaded = load_checkpoint(run).weights["a"]
    assert (loaded.dtype, loaded.shape) == (array.dtype, array.shape)
    assert loaded.tobytes() == array.tobytes()


def test_a_strided_view_comes_back_whole(run: RunDirectory) -> None:
    base = np.arange(24.0).reshape(4, 6)
    save_checkpoint(run, version=0, weights={"v": base[::2, 1::2]}, optimizer={}, state={}, keep=1)
    assert load_checkpoint(run).weights["v"].tolist() == base[::2, 1::2].tolist()


def test_loaded_arrays_belong_to_the_caller(run: RunDirectory) -> None:
    save(run, 1)
    weights = load_checkpoint(run).weights
    weights["policy/0/b"] += 1
    assert load_checkpoint(run).weights["policy/0/b"].tolist() == [0, 0, 0]


def test_a_random_generator_continues_where_it_was(run: RunDirectory) -> None:
    rng = np.random.default_rng(3)
    rng.random(5)
    state = {"rng": rng.bit_generator.state, "best": float("-inf"), "count": np.int64(7)}
    save_checkpoint(run, version=1, weights=W, optimizer={}, state=state, keep=1)
    loaded = load_checkpoint(run).state
    again = np.random.default_rng()
    again.bit_generator.state = loaded["rng"]
    assert again.random(4).tolist() == rng.random(4).tolist()
    assert (loaded["best"], loaded["count"]) == (float("-inf"), 7)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([object()]), np.array([1j])])
def test_what_safetensors_cannot_hold_is_refused_by_name(run: RunDirectory, array: np.ndarray) -> None:
    with pytest.raises(CheckpointError, match="weights 'w': expected numbers or booleans, found"):
        save_checkpoint(run, version=1, weights={"w": array}, optimizer={}, state={}, keep=1)
    assert checkpoint_versions(run) == []


def test_the_oldest_are_pruned_but_never_the_first_and_the_best(run: RunDirectory) -> None:
    save(run, 0)
    save(run, 10, best=True)
    for version in (20, 30, 40):
        save(run, version, keep=2)
    assert checkpoint_versions(run) == [0, 10, 30, 40]
    assert load_checkpoint(run, "best").version == 10
    assert load_checkpoint(run, "latest").version == 40


def test_the_latest_is_kept_even_when_nothing_else_is(run: RunDirectory) -> None:
    for version in (5, 6):
        save(run, version, keep=0)
    assert checkpoint_versions(run) == [6]


def test_the_latest_after_going_back_is_kept(run: RunDirectory) -> None:
    save(run, 50)
    save(run, 60)
    save(run, 10, keep=1)
    assert load_checkpoint(run).version == 10
    assert checkpoint_versions(run) == [10, 60]


def test_a_former_best_may_go(run: RunDirectory) -> None:
    save(run, 1, best=True)
    save(run, 2)
    mark_best(run, 2)
    save(run, 3, keep=1)
    assert checkpoint_versions(run) == [2, 3]


def test_only_a_saved_version_can_be_the_best(run: RunDirectory) -> None:
    save(run, 1)
    with pytest.raises(CheckpointError, match="versions on disk: 1"):
        mark_best(run, 2)


def test_saving_a_version_again_replaces_it(run: RunDirectory) -> None:
    save(run, 3)
    moved = {"policy/0/W": W["policy/0/W"] + 1}
    save_checkpoint(run, version=3, weights=moved, optimizer={}, state={}, keep=3)
    assert_same(load_checkpoint(run, 3).weights, moved)
    assert load_checkpoint(run, 3).optimizer == {}


def test_what_a_killed_writer_left_is_no_checkpoint_and_goes(run: RunDirectory) -> None:
    save(run, 1)
    (run.checkpoints / ".2.tmp").mkdir()
    (run.checkpoints / ".2.tmp" / "weights.safetensors").write_bytes(b"half")
    assert checkpoint_versions(run) == [1]
    save(run, 3)
    assert {entry.name for entry in run.checkpoints.iterdir()} == {"1", "3", "latest"}


class PowerCut(Exception):
    """Ends a save in the middle."""


@pytest.mark.parametrize("files_written", [0, 1, 2, 3])
def test_a_save_cut_short_leaves_the_former_one(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, files_written: int
) -> None:
    save(run, 1)
    cut_after(monkeypatch, files_written)
    with pytest.raises(PowerCut):
        save(run, 2)
    monkeypatch.undo()
    loaded = load_checkpoint(run)
    assert loaded.version == 1
    assert_same(loaded.weights, W)
    save(run, 2)
    assert load_checkpoint(run).version == 2


def cut_after(monkeypatch: pytest.MonkeyPatch, files: int) -> None:
    """Stop at the first file beyond ``files``, half of it written; with all written, before the pointer."""
    written: list[Path] = []

    def write(path: Path, content: bytes, *, durable: bool) -> None:
        if len(written) == files:
            path.write_bytes(content[: len(content) // 2])
            raise PowerCut
        written.append(path)
        path.write_bytes(content)

    monkeypatch.setattr("touchline.record.checkpoints.write_file", write)
    monkeypatch.setattr("touchline.record.files.write_file", write)


@pytest.mark.parametrize("name", ["weights.safetensors", "optimizer.safetensors"])
def test_a_flipped_bit_is_found(run: RunDirectory, name: str) -> None:
    path = save(run, 1) / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        CheckpointError, match=rf"{name}: expected sha256 [0-9a-f]{{64}}, found [0-9a-f]{{64}}"
    ):
        load_checkpoint(run)


def test_a_changed_state_is_found(run: RunDirectory) -> None:
    path = save(run, 1) / "state.json"
    path.write_text(path.read_text().replace('"steps": 10', '"steps": 11'))
    with pytest.raises(CheckpointError, match=r"state\.json: expected sha256"):
        load_checkpoint(run)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}'])
def test_a_state_that_is_none(run: RunDirectory, text: str) -> None:
    (save(run, 1) / "state.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"state\.json: expected format, sha256 and state"):
        load_checkpoint(run)


def test_a_format_of_the_future(run: RunDirectory) -> None:
    path = save(run, 1) / "state.json"
    page = json.loads(path.read_text())
    path.write_text(json.dumps(page | {"format": 99}))
    with pytest.raises(CheckpointError, match="expected checkpoint format 1, found 99"):
        load_checkpoint(run)


def test_missing_ones_say_what_there_is(run: RunDirectory) -> None:
    with pytest.raises(CheckpointError, match="the run has no checkpoint"):
        load_checkpoint(run)
    save(run, 1)
    save(run, 2)
    with pytest.raises(CheckpointError, match="best: missing; versions on disk: 1, 2"):
        load_checkpoint(run, "best")
    with pytest.raises(CheckpointError, match="9: missing; versions on disk: 1, 2"):
        load_checkpoint(run, 9)


def test_a_file_missing_from_a_checkpoint(run: RunDirectory) -> None:
    (save(run, 1) / "weights.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"weights\.safetensors: missing"):
        load_checkpoint(run)


def test_a_pointer_that_names_nothing(run: RunDirectory) -> None:
    save(run, 1)
    (run.checkpoints / "latest").write_text("yesterday\n")
    with pytest.raises(CheckpointError, match="latest: expected a version, found 'yesterday'"):
        load_checkpoint(run)


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


# -- a best version that is older than the latest


def test_a_best_version_that_was_not_saved_is_written_and_kept(run: RunDirectory) -> None:
    for version in (0, 10, 20):
        save(run, version)
    other = {name: array + 1 for name, array in W.items()}
    save_best(run, version=7, weights=other, state={"evaluation": {"mean": 3.0}}, keep=1)
    assert load_checkpoint(run, "latest").version == 20
    best = load_checkpoint(run, "best")
    assert (best.version, best.state, best.optimizer) == (7, {"evaluation": {"mean": 3.0}}, {})
    assert_same(best.weights, other)
    for version in (30, 40):
        save(run, version, keep=1)
    assert checkpoint_versions(run) == [0, 7, 40]


def test_one_that_was_saved_keeps_what_it_has(run: RunDirectory) -> None:
    for version in (0, 10, 20):
        save(run, version)
    other = {name: array + 1 for name, array in W.items()}
    save_best(run, version=10, weights=other, state={"evaluation": {"mean": 3.0}}, keep=3)
    best = load_checkpoint(run, "best")
    assert best.state == {"counters": {"steps": 100}, "evaluation": {"mean": 3.0}}
    assert_same(best.weights, W)
    assert_same(best.optimizer, M)


def test_a_new_best_frees_the_old_one(run: RunDirectory) -> None:
    save(run, 0)
    for version in (3, 5):
        save_best(run, version=version, weights=W, state={}, keep=1)
        save(run, version + 1, keep=1)
    assert checkpoint_versions(run) == [0, 5, 6]
