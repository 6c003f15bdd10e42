"""Kinds: what each reads, what it refuses, and what it calls itself."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from touchline.configs.kinds import (
    Kind,
    UnfitError,
    choice,
    duration,
    integer,
    list_of,
    nothing,
    number,
    read_parts,
    text,
)


def refused(kind: Kind, value: object) -> UnfitError:
    with pytest.raises(UnfitError) as caught:
        kind.parse(value)
    return caught.value


@pytest.mark.parametrize(
    ("kind", "inside", "outside"),
    [
        (integer(1), [1, 5, 2e6, "3k"], [0, -1, 0.5, "x", True, None]),
        (integer(0), [0, 1], [-1]),
        (integer(1, 65535), [1, 65535], [0, 65536]),
        (number(), [-1e9, 0, 0.5], ["x", None, False]),
        (number(0), [0, 3.5], [-0.001]),
        (number(0, 1), [0, 0.5, 1], [-0.1, 1.1]),
        (number(above=0), [1e-12, 7], [0, -1]),
        (number(0, below=1), [0, 0.999], [1, -0.1]),
        (duration(), ["30s", 0.1], [0, "0s", "-1s", "soon"]),
        (text("a name"), ["x", "a b"], ["", 5, None, ["x"], "\ud800"]),
        (choice(bool), [True, False], [1, 0, "true", None]),
        (choice(Literal["tanh", "relu"]), ["tanh", "relu"], ["elu", "", None, 1, ["tanh"]]),
        (nothing("null"), [None], [0, False, "", "null"]),
        (integer(1).or_word("auto"), [1, "auto", "2k"], ["Auto", "", 0, None]),
        (integer(1).or_null(), [1, None], ["null", 0]),
        (choice(bool).or_word("auto"), [True, False, "auto"], ["yes", 1]),
        (number().or_word("threshold").or_null(), [1, "threshold", None], ["x"]),
    ],
)
def test_a_kind_reads_what_is_inside_and_refuses_what_is_not(
    kind: Kind, inside: list[Any], outside: list[Any]
) -> None:
    for value in inside:
        kind.parse(value)
    for value in outside:
        assert refused(kind, value).value is value


def test_values_come_in_their_final_type() -> None:
    assert type(integer(1).parse(2e6)) is int
    assert type(number(0).parse(2)) is float
    assert type(duration().parse("30s")) is float
    assert list_of(integer(1), "sizes").parse([1, 2.0]) == (1, 2)
    assert integer(1).or_word("auto").parse("auto") == "auto"
    assert integer(1).or_null().parse(None) is None


@pytest.mark.parametrize(
    ("kind", "short", "expected"),
    [
        (integer(1), "int ≥ 1", "an integer of at least 1"),
        (integer(1, 65535), "int 1..65535", "an integer from 1 to 65535"),
        (number(0, 1), "float 0..1", "a number from 0 to 1"),
        (number(above=0), "float > 0", "a number above 0"),
        (number(0, below=1), "float ≥ 0, < 1", "a number of at least 0 and below 1"),
        (number(), "float", "a number"),
        (choice(Literal["a", "b", "c"]), "a | b | c", "a, b or c"),
        (choice(Literal["a"]), "a", "a"),
        (choice(bool), "true | false", "true or false"),
        (integer(1).or_word("auto"), "int ≥ 1 | auto", "an integer of at least 1 or auto"),
        (integer(1).or_null("all"), "int ≥ 1 | null", "an integer of at least 1 or null (all)"),
        (integer(0, 2**31 - 1), "int 0..2147483647", "an integer from 0 to 2147483647"),
    ],
)
def test_a_kind_says_what_it_expects(kind: Kind, short: str, expected: str) -> None:
    assert (kind.short, kind.expected) == (short, expected)


def test_a_wider_kind_refuses_in_its_own_name() -> None:
    assert refused(integer(1).or_word("auto"), "x").kind.expected == "an integer of at least 1 or auto"


def test_a_list_names_every_item_that_is_wrong() -> None:
    unfit = refused(list_of(integer(1), "sizes"), [64, "x", 3, 0])
    assert [(part.path, part.value) for part in (unfit, *unfit.also)] == [((1,), "x"), ((3,), 0)]
    assert unfit.kind.expected == "an integer of at least 1"


@pytest.mark.parametrize("value", ["64", 64, None, {"a": 1}])
def test_what_is_no_list_is_refused_whole(value: object) -> None:
    unfit = refused(list_of(integer(1), "a list of sizes"), value)
    assert (unfit.path, unfit.kind.expected) == ((), "a list of sizes")


def test_paths_of_nested_parts_lead_from_the_outside_in() -> None:
    inner = list_of(integer(1), "sizes")
    with pytest.raises(UnfitError) as caught:
        read_parts({"a": [1], "b": [1, "x"]}.items(), inner.parse)
    assert caught.value.path == ("b", 1)


def test_parts_keep_their_order_and_names() -> None:
    assert read_parts([("b", 1), ("a", 2)], integer(1).parse) == [("b", 1), ("a", 2)]


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (choice(Literal["a", "b"]), {"enum": ["a", "b"]}),
        (choice(bool), {"type": "boolean"}),
        (text("a name"), {"type": "string"}),
        (nothing("null"), {"type": "null"}),
    ],
)
def test_simple_kinds_have_simple_schemas(kind: Kind, schema: dict[str, Any]) -> None:
    assert kind.schema == schema


def test_a_number_may_also_be_text_to_an_editor() -> None:
    plain, written = integer(1).schema["anyOf"]
    assert plain == {"type": "integer", "minimum": 1}
    assert written["type"] == "string"


def test_alternatives_of_a_schema_stay_flat() -> None:
    schema = number().or_word("threshold").or_null().schema
    assert [part.get("type", part.get("const")) for part in schema["anyOf"]] == [
        "number",
        "string",
        "threshold",
        "null",
    ]
