"""YAML to plain data with places."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.configs.document import MAX_NODES, Document, read_document, read_scalar
from touchline.configs.errors import ConfigError


def read(text: str) -> Document:
    return read_document(text, "f.yaml")


def fault_of(text: str) -> str:
    """The one fault that keeps a text from being read at all."""
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert len(caught.value.faults) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", None),
        ("# nothing", None),
        ("a: 1", {"a": 1}),
        ("a: 1e-4", {"a": 0.0001}),
        ("a: 1e6", {"a": 1e6}),
        ("a: 1_000", {"a": 1000}),
        ("a: 0x1f", {"a": 31}),
        ("a: 012", {"a": 12}),
        ("a: 1.5M", {"a": "1.5M"}),
        ("a: 30s", {"a": "30s"}),
        ("a: yes", {"a": "yes"}),
        ("a: true", {"a": True}),
        ("a: 'true'", {"a": "true"}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: .inf", {"a": math.inf}),
        ("a: 2001-01-01", {"a": "2001-01-01"}),
        ("a: 10:30", {"a": "10:30"}),
        ("a: path/file.py:Class", {"a": "path/file.py:Class"}),
        ("a: !!float 1", {"a": 1.0}),
        ("a: {b: [1, {c: x}]}", {"a": {"b": [1, {"c": "x"}]}}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("a: &x 1\nb: &x 2\nc: *x", {"a": 1, "b": 2, "c": 2}),
        ("\ufeffa: 1", {"a": 1}),
        ("- 1\n- b", [1, "b"]),
        ("word", "word"),
    ],
)
def test_a_text_is_read_as_yaml_1_2(text: str, data: object) -> None:
    document = read(text)
    assert document.data == data
    assert document.faults == []


def test_a_number_stays_of_its_type() -> None:
    data = read("a: 1\nb: 1.0\nc: true").data
    assert isinstance(data, dict)
    assert [type(value) for value in data.values()] == [int, float, bool]


def test_every_key_and_value_has_its_place() -> None:
    document = read("env: {id: x}\nlist:\n  - a\n  -  b\n")
    assert {path: str(place) for path, place in document.keys.items()} == {
        ("env",): "f.yaml:1:1",
        ("env", "id"): "f.yaml:1:7",
        ("list",): "f.yaml:2:1",
    }
    assert {path: str(place) for path, place in document.values.items()} == {
        (): "f.yaml:1:1",
        ("env",): "f.yaml:1:6",
        ("env", "id"): "f.yaml:1:11",
        ("list",): "f.yaml:3:3",
        ("list", 0): "f.yaml:3:5",
        ("list", 1): "f.yaml:4:6",
    }


def test_every_duplicate_key_is_a_fault_and_the_first_holds() -> None:
    document = read("a: 1\nb: {c: 1, c: 2}\na: 3\na: 4\n")
    assert document.data == {"a": 1, "b": {"c": 1}}
    assert [str(fault) for fault in document.faults] == [
        "f.yaml:2:11: key 'b.c' appears twice, first in line 2",
        "f.yaml:3:1: key 'a' appears twice, first in line 1",
        "f.yaml:4:1: key 'a' appears twice, first in line 1",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("1: 2", "f.yaml:1:1: a key is not text. Quote it"),
        ("~: 2", "f.yaml:1:1: a key is not text"),
        ("a: {true: 1}", "f.yaml:1:5: a key under 'a' is not text. Quote it"),
        ("? [1]\n: 2", "f.yaml:1:3: a key is not text"),
        ("a: !foo x", "f.yaml:1:4: tag '!foo' is not understood. Write plain YAML"),
        (
            "a: !!python/object:os.system x",
            "f.yaml:1:4: tag 'tag:yaml.org,2002:python/object:os.system' is not understood. Write plain YAML",
        ),
        ("a: !!int x", "f.yaml:1:4: 'x' is not of its tag 'tag:yaml.org,2002:int'"),
        ("a: !!bool maybe", "f.yaml:1:4: 'maybe' is not of its tag 'tag:yaml.org,2002:bool'"),
    ],
)
def test_what_a_config_cannot_hold_is_a_fault_that_lets_reading_go_on(text: str, fault: str) -> None:
    document = read(f"{text}\nlast: 1")
    assert [str(each) for each in document.faults] == [fault]
    assert isinstance(document.data, dict)
    assert document.data["last"] == 1


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a: b: c", "f.yaml:1:5: not YAML: mapping values are not allowed here"),
        ("a:\n\t- b", "f.yaml:2:1: not YAML: while scanning"),
        ("a: 'x", "f.yaml:1:6: not YAML: while scanning a quoted scalar"),
        ("a: [1", "f.yaml:1:6: not YAML: "),
        ("a: \x07", "f.yaml:1:1: not YAML: unacceptable character"),
        ("a: 1\n---\nb: 2", "f.yaml:2:1: not YAML: expected a single document"),
        ("*x", "f.yaml:1:1: not YAML: found undefined alias 'x'"),
        ("%YAML 2.0\n---\na: 1", "f.yaml:1:1: not YAML: found incompatible YAML document"),
        ("[" * 5000, "f.yaml:1:1: not YAML: nested too deeply"),
        ("a: &x [*x]", "f.yaml:1:4: an alias inside of what it names"),
    ],
)
def test_what_is_not_yaml_has_one_fault_with_its_place(text: str, start: str) -> None:
    assert fault_of(text).startswith(start)


def test_aliases_of_aliases_are_bounded() -> None:
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert f"more than {MAX_NODES} values" in fault_of("\n".join(["a0: &a0 x", *lines]))


@pytest.mark.parametrize(
    ("text", "value"),
    [("8", 8), ("1e-3", 0.001), ("null", None), ("", None), ("[1, x]", [1, "x"]), ("{a: 1}", {"a": 1})],
)
def test_a_flag_is_read_as_in_a_file(text: str, value: object) -> None:
    assert read_scalar(text, "--a.b", "a.b") == value


@pytest.mark.parametrize("text", ["[", "@x", "{1: 2}", "{a: 1, a: 2}"])
def test_a_flag_that_is_not_yaml_is_a_fault_of_the_flag(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_scalar(text, "--a.b", "a.b")
    assert [str(fault.place) for fault in caught.value.faults] == ["--a.b"]


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:,[]{}&*!|>'\"#%@-? \n\t0.e\x07é~"), max_size=30))
def test_any_text_is_a_document_or_a_config_error(text: str) -> None:
    try:
        faults = read(text).faults
    except ConfigError as error:
        faults = list(error.faults)
    assert all(fault.place.source == "f.yaml" and fault.place.line > 0 for fault in faults)
