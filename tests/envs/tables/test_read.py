"""Sources: which are found, and what is said of those that are not."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.configs.tables import BUILT_IN
from touchline.envs.errors import EnvError, TableError
from touchline.envs.tables import SOURCES, read_table

KNOWN = "digits, sine, two_spirals, xor, or a path: a .csv, an .npz, or a folder of idx files"


def refusal(source, **request):
    with pytest.raises(TableError) as caught:
        read_table(source=str(source), **request)
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("digit", " Did you mean 'digits'?"),
        ("XOR", " Did you mean 'xor'?"),
        ("spirals", " Did you mean 'two_spirals'?"),
        ("mnist", ""),
    ],
)
def test_an_unknown_source_names_the_nearest_and_all_there_are(tmp_path, monkeypatch, source, meant):
    monkeypatch.chdir(tmp_path)
    assert refusal(source) == f"unknown table '{source}'.{meant} Expected one of {KNOWN}"


def test_a_path_that_leads_nowhere_names_the_nearest(tmp_path, monkeypatch):
    (tmp_path / "flowers.csv").write_text("1,2\n")
    near = tmp_path / "flower.csv"
    monkeypatch.chdir(tmp_path)
    meant = "Did you mean 'flowers.csv'?"
    assert refusal("flower.csv") == f"flower.csv: no such file or folder in {tmp_path}. {meant}"
    assert refusal(near) == f"{near}: no such file or folder. Did you mean 'flowers.csv'?"
    far = tmp_path / "nowhere" / "data.npz"
    assert refusal(far) == f"{far}: no such file or folder."
    nobody = "~no_such_user_at_all/x.csv"
    assert refusal(nobody) == f"{nobody}: no such file or folder in {tmp_path}."


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "data.parquet"
    path.write_bytes(b"")
    assert refusal(path) == (
        f"{path}: expected a .csv, an .npz, or a folder of idx files, found a file named otherwise"
    )


def test_a_file_that_the_system_does_not_give_is_refused(tmp_path):
    folder = tmp_path / "data.csv"
    folder.mkdir()
    assert refusal(folder) == f"{folder}: cannot be read: Is a directory"


@pytest.mark.parametrize("source", ["xor", "data.npz"])
def test_only_a_csv_has_columns_to_choose(source):
    expected = f"{source}: target: expected none, as only a .csv has columns to choose, found 'y'"
    assert refusal(source, target="y") == expected


def test_the_config_knows_the_same_names_which_are_no_paths():
    assert SOURCES == BUILT_IN


def test_its_error_is_one_of_the_environments():
    assert issubclass(TableError, EnvError)


def test_a_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "data.csv").write_text("1,2\n")
    assert read_table(source="~/data.csv").name == "data.csv"


def test_the_path_to_the_same_file_changes_nothing(tmp_path, monkeypatch):
    (tmp_path / "data.csv").write_text("1,2\n3,4\n")
    monkeypatch.chdir(tmp_path)
    near, far = (read_table(source=source) for source in ("data.csv", str(tmp_path / "data.csv")))
    assert near.announced() == far.announced()


def test_a_built_in_table_comes_before_a_file_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "xor").mkdir()
    assert len(read_table(source="xor").x) == 4


@pytest.mark.parametrize("scale", ["none", "unit", "standard", "binary"])
def test_the_rows_chosen_alone_decide_the_scale(tmp_path, scale):
    whole, part = tmp_path / "whole.csv", tmp_path / "part.csv"
    whole.write_text("1,0\n2,0\n-3,0\n50,0\n")
    part.write_text("1,0\n2,0\n-3,0\n")
    first = read_table(source=str(whole), rows=3, scale=scale)
    np.testing.assert_array_equal(first.x, read_table(source=str(part), scale=scale).x)
