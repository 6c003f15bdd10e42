"""Environment arguments and wrappers: plain data, and nothing that could not be sent."""

from __future__ import annotations

from typing import Any

import pytest

from touchline.configs.kinds import Kind, UnfitError
from touchline.configs.plain import ARGUMENTS, MAX_DEPTH, WRAPPER, WRAPPERS


def refused(kind: Kind, value: object) -> list[tuple[Any, ...]]:
    """The paths of everything the kind refuses in the value."""
    with pytest.raises(UnfitError) as caught:
        kind.parse(value)
    return [part.path for part in (caught.value, *caught.value.also)]


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_plain_arguments_are_kept() -> None:
    arguments = {"a": 1, "b": [True, None, "x", 0.5], "c": {"d": (1, 2)}, "e": -(2**63)}
    assert ARGUMENTS.parse(arguments) == {**arguments, "c": {"d": [1, 2]}}


def test_arguments_are_copied() -> None:
    given = {"sizes": [1, 2]}
    kept = ARGUMENTS.parse(given)
    given["sizes"].append(3)
    assert kept == {"sizes": [1, 2]}


@pytest.mark.parametrize("value", [None, [], "a=1", 3, {1: 2}, {"\udc00": 1}])
def test_arguments_are_a_map_by_name(value: object) -> None:
    assert refused(ARGUMENTS, value) == [()]


@pytest.mark.parametrize("part", [object(), print, {1: 2}, {1, 2}, b"x", 2**63, "\ud800", 1j])
def test_what_cannot_be_sent_is_refused_where_it_stands(part: object) -> None:
    assert refused(ARGUMENTS, {"ok": 1, "list": [0, part]}) == [("list", 1)]


def test_every_wrong_part_is_named() -> None:
    assert refused(ARGUMENTS, {"a": print, "b": {"c": [print, 1, print]}}) == [
        ("a",),
        ("b", "c", 0),
        ("b", "c", 2),
    ]


def test_depth_is_bounded() -> None:
    assert ARGUMENTS.parse({"a": nested(MAX_DEPTH)}) == {"a": nested(MAX_DEPTH)}
    assert len(refused(ARGUMENTS, {"a": nested(MAX_DEPTH + 1)})) == 1


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("ClipReward", "ClipReward"),
        ({"TimeLimit": {"max_episode_steps": 5}}, {"TimeLimit": {"max_episode_steps": 5}}),
        ({"ClipReward": None}, {"ClipReward": {}}),
    ],
)
def test_a_wrapper_is_a_name_with_or_without_arguments(written: object, kept: object) -> None:
    assert WRAPPER.parse(written) == kept


@pytest.mark.parametrize("written", ["", None, 3, [], {}, {"A": {}, "B": {}}, {1: {}}])
def test_what_is_no_wrapper_is_refused(written: object) -> None:
    assert refused(WRAPPER, written) == [()]


def test_wrong_wrappers_are_named_by_position() -> None:
    assert refused(WRAPPERS, ["A", {"B": 3}, {"C": {"d": print}}, 5]) == [(1, "B"), (2, "C", "d"), (3,)]
