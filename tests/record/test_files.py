from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from touchline.record.files import encode_line, encode_page, sync_folder, write_atomic


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "deep" / "status.json"
    write_atomic(path, b"first, and longer", durable=durable)
    write_atomic(path, b"second", durable=durable)
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


def test_a_reader_that_has_the_file_open_keeps_the_former_one(tmp_path: Path) -> None:
    """What a write in place would not give: half of each."""
    path = tmp_path / "status.json"
    write_atomic(path, b"first")
    with path.open("rb") as reader:
        write_atomic(path, b"2nd")
        assert reader.read() == b"first"
    assert path.read_bytes() == b"2nd"


def test_what_an_interrupted_write_left_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / ".status.json.tmp").write_bytes(b"half of something longer")
    write_atomic(tmp_path / "status.json", b"whole")
    assert [entry.name for entry in tmp_path.iterdir()] == ["status.json"]
    assert (tmp_path / "status.json").read_bytes() == b"whole"


def test_only_a_durable_write_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    write_atomic(tmp_path / "a", b"a")
    assert len(synced) == 0
    write_atomic(tmp_path / "a", b"a", durable=True)
    assert len(synced) == 2  # the file and the name of it


def test_syncing_a_folder_leaves_no_descriptor_open(tmp_path: Path) -> None:
    first = os.open(tmp_path, os.O_RDONLY)
    os.close(first)
    sync_folder(tmp_path)
    second = os.open(tmp_path, os.O_RDONLY)
    os.close(second)
    assert first == second


def test_a_line_is_one_line() -> None:
    assert encode_line({"text": "a\nb", "path": Path("x")}) == b'{"text":"a\\nb","path":"x"}\n'


def test_a_page_is_laid_out() -> None:
    assert encode_page({"a": [np.int64(1)]}) == b'{\n  "a": [\n    1\n  ]\n}\n'


def test_what_json_has_no_word_for_is_named() -> None:
    with pytest.raises(TypeError, match="cannot be written as JSON: object"):
        encode_line({"a": object()})
