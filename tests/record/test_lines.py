from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.record import DriftLine, JsonLines, LagLine, LinesError, ResultLine, UpdateLine, read_lines
from touchline.record.files import encode_line

UPDATE = UpdateLine(
    update=1,
    version=1,
    seconds=0.5,
    steps=2048,
    episodes=9,
    gradient_steps=4,
    lag=LagLine(mean=0.5, max=1.0, values=[0, 1]),
    drift=DriftLine(kl=0.01, effective_fraction=0.9, cut_fraction=0.25, weight_distance=1e-3),
    loss={"policy": -0.1, "value": 3.0},
)


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    writer = JsonLines(tmp_path / "a.jsonl")
    writer.append({"a": 1})
    writer.append({"a": 2})
    writer.flush()
    writer.append({"a": 3})
    writer.close()
    assert list(read_lines(writer.path)) == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_structs_are_read_back_as_structs(tmp_path: Path) -> None:
    writer = JsonLines(tmp_path / "a.jsonl")
    writer.append(UPDATE)
    writer.flush()
    assert list(read_lines(writer.path, UpdateLine)) == [UPDATE]


def test_a_drift_that_is_no_number_is_null_and_one_of_an_older_run_unknown(tmp_path: Path) -> None:
    writer = JsonLines(tmp_path / "a.jsonl")
    plain = {"update": 1, "version": 1, "seconds": 1.0, "steps": 1, "episodes": 0, "gradient_steps": 1}
    writer.append({**plain, "drift": DriftLine(kl=float("nan"), weight_distance=0.5)})
    writer.append(plain)
    writer.flush()
    assert b'"kl":null' in writer.path.read_bytes()
    drifts = [line.drift for line in read_lines(writer.path, UpdateLine)]
    assert drifts == [DriftLine(weight_distance=0.5), DriftLine()]


def test_a_plain_dict_with_more_and_fewer_fields_reads_as_a_struct(tmp_path: Path) -> None:
    writer = JsonLines(tmp_path / "a.jsonl")
    line = {"seconds": 1, "steps": 2, "player": "p", "seq": 0, "version": 3, "returns": [1.5], "new": True}
    writer.append(line)
    writer.flush()
    (read,) = read_lines(writer.path, ResultLine)
    assert (read.returns, read.lag, read.lengths) == ([1.5], None, [])


def test_nothing_reaches_the_disk_before_a_flush(tmp_path: Path) -> None:
    writer = JsonLines(tmp_path / "a.jsonl")
    writer.append({"a": 1})
    assert not writer.path.exists()
    writer.flush()
    written = writer.path.stat().st_size
    writer.flush()
    assert writer.path.stat().st_size == written


def test_numpy_and_what_is_not_finite(tmp_path: Path) -> None:
    writer = JsonLines(tmp_path / "a.jsonl")
    writer.append({"a": np.float32(0.5), "b": np.int64(3), "c": np.array([[1, 2]]), "d": float("inf")})
    writer.append({"a": np.nan, "b": np.bool_(True)})
    writer.flush()
    assert writer.path.read_text().splitlines() == [
        '{"a":0.5,"b":3,"c":[[1,2]],"d":null}',
        '{"a":null,"b":true}',
    ]


def test_a_line_that_cannot_be_encoded_adds_nothing(tmp_path: Path) -> None:
    writer = JsonLines(tmp_path / "a.jsonl")
    writer.append({"a": 1})
    with pytest.raises(TypeError):
        writer.append({"a": object()})
    writer.flush()
    assert list(read_lines(writer.path)) == [{"a": 1}]


@pytest.mark.parametrize("torn", [b'{"a": 2', b"{", b'{"a": "\xc3', b""])
def test_a_torn_last_line_is_left_out(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n' + torn)
    assert list(read_lines(path)) == [{"a": 1}]


@given(
    lines=st.lists(
        st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=6), max_size=3), max_size=6
    ),
    share=st.floats(0, 1),
)
@settings(max_examples=50, deadline=None)
def test_a_writer_killed_at_any_byte_leaves_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, object]], share: float
) -> None:
    path = tmp_path_factory.mktemp("run") / "a.jsonl"
    lines = [line for line in lines if all(abs(v) < 2**63 for v in line.values() if isinstance(v, int))]
    content = b"".join(encode_line(line) for line in lines)
    path.write_bytes(content[: round(share * len(content))])
    read = list(read_lines(path))
    assert read == lines[: len(read)]
    assert len(read) >= path.read_bytes().count(b"\n")


def test_a_whole_last_line_without_its_newline_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": 2}')
    assert list(read_lines(path)) == [{"a": 1}, {"a": 2}]


def test_a_later_writer_does_not_join_its_line_to_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": 2')
    writer = JsonLines(path)
    writer.append({"a": 3})
    writer.flush()
    assert list(read_lines(path)) == [{"a": 1}, {"a": 3}]


def test_damage_before_the_end_is_an_error_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a"\n{"a": 3}\n')
    with pytest.raises(LinesError, match=r"a\.jsonl:2: "):
        list(read_lines(path))


def test_a_line_of_another_shape_is_an_error_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"update": "one"}\n')
    with pytest.raises(LinesError, match=r"a\.jsonl:1: "):
        list(read_lines(path, UpdateLine))


def test_a_file_that_does_not_exist_has_no_lines(tmp_path: Path) -> None:
    assert list(read_lines(tmp_path / "absent.jsonl")) == []


def test_defaults_are_not_shared_between_lines() -> None:
    one = ResultLine(seconds=0, steps=0, player="p", seq=0, version=0)
    two = ResultLine(seconds=0, steps=0, player="p", seq=1, version=0)
    one.returns.append(1.0)
    assert two.returns == []
