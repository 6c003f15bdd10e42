"""From references to objects: modules, files, near names, and what goes wrong on the way."""

from __future__ import annotations

import sys

import pytest

from touchline.policy.references import (
    ImportFailed,
    NotFound,
    did_you_mean,
    error_line,
    get_object,
    is_file,
    load_file,
    load_module,
    nearest,
    public_callables,
    split_reference,
)


@pytest.fixture(autouse=True)
def imports(monkeypatch, tmp_path):
    """What a test imports is forgotten after it, and the path as it was."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("a.b:C", ("a.b", "C")),
        ("dir/file.py:C.D", ("dir/file.py", "C.D")),
        ("C:\\dir\\file.py:C", ("C:\\dir\\file.py", "C")),
        ("CartPole-v1", None),
        (":C", None),
        ("a:", None),
    ],
)
def test_references_are_split_at_the_last_colon(reference, parts):
    assert split_reference(reference) == parts


def test_a_file_is_told_by_its_ending():
    assert is_file("a/b.py")
    assert not is_file("a.b")


def test_a_file_is_loaded_once_with_its_folder_first(imports):
    (imports / "my_nets.py").write_text("import my_helper\nclass Net: pass\n")
    (imports / "my_helper.py").write_text("")
    module = load_module("my_nets.py", reference="my_nets.py:Net")
    assert sys.path[0] == str(imports)
    assert module is load_file(imports / "my_nets.py", reference="again")
    assert get_object(module, "Net.__name__") == "Net"
    assert public_callables(module) == ["Net"]


def test_two_files_of_one_name_are_two_modules(imports):
    loaded = []
    for folder in ("one", "two"):
        (imports / folder).mkdir()
        (imports / folder / "my_twin.py").write_text(f"where = {folder!r}\n")
        loaded.append(load_file(imports / folder / "my_twin.py", reference="x"))
    assert [module.where for module in loaded] == ["one", "two"]


def test_a_module_in_the_working_folder_is_found_and_shadows_nothing(imports):
    (imports / "my_package").mkdir()
    (imports / "my_package" / "nets.py").write_text("class Net: pass\n")
    assert load_module("my_package.nets", reference="x").Net
    assert sys.path[-1] == str(imports)


def test_what_is_not_there_names_the_nearest(imports):
    (imports / "my_nets.py").write_text("")
    with pytest.raises(NotFound, match=r"r: no file .*my_net\.py\. Did you mean 'my_nets\.py'\?"):
        load_module("my_net.py", reference="r")
    with pytest.raises(
        NotFound, match=r"r: no module 'not_there_at_all'\. Expected an installed module, or one in"
    ):
        load_module("not_there_at_all.nets", reference="r")


@pytest.mark.parametrize("place", ["my_broken.py", "my_broken"])
def test_what_fails_when_it_is_imported_is_told_and_not_kept(imports, place):
    (imports / "my_broken.py").write_text("raise ValueError('no such luck.\\nreally')\n")
    with pytest.raises(
        ImportFailed, match=r"r: importing .*my_broken.* raised ValueError: no such luck$"
    ) as caught:
        load_module(place, reference="r")
    assert isinstance(caught.value.error, ValueError)
    assert "my_broken" not in sys.modules


def test_a_package_that_a_module_needs_is_another_failure_than_the_module(imports):
    (imports / "my_needy.py").write_text("import not_installed_at_all\n")
    with pytest.raises(ImportFailed) as caught:
        load_module("my_needy", reference="r")
    assert isinstance(caught.value.error, ModuleNotFoundError)


def test_near_names():
    assert nearest("residul", ["Residual", "Dense"]) == ["Residual"]
    assert did_you_mean("residul", ["Residual"]) == " Did you mean 'Residual'?"
    assert did_you_mean("zzz", ["Residual"]) == ""


def test_an_error_in_one_line():
    assert error_line(ValueError("one.\ntwo")) == "one"
    assert error_line(ValueError()) == "ValueError"


def test_what_is_only_a_little_alike_is_not_suggested() -> None:
    assert nearest("bonus", ["focus"]) == []


def test_a_longer_name_that_begins_so_is_suggested() -> None:
    assert nearest("framestack", ["FrameStackObservation", "Frame"]) == ["FrameStackObservation"]
    assert nearest("Fra", ["FrameStackObservation"]) == [], "so few letters begin many names"
