"""The package's surface: sorted, complete, listed in its docstring; and the errors' tree as drawn."""

from __future__ import annotations

import re

import pytest

from touchline import protocol
from touchline.protocol import errors


def test_all_is_sorted_and_there() -> None:
    assert set(protocol.__all__) == set(re.findall(r"^    (\w+)  +\S", protocol.__doc__, re.M))
    assert len(protocol.__all__) == len(set(protocol.__all__))
    for name in protocol.__all__:
        assert hasattr(protocol, name)


def test_all_is_in_the_order_of_the_linter() -> None:
    constants = [name for name in protocol.__all__ if name.isupper()]
    classes = [name for name in protocol.__all__ if name[0].isupper() and not name.isupper()]
    functions = [name for name in protocol.__all__ if name.islower()]
    assert protocol.__all__ == sorted(constants) + sorted(classes) + sorted(functions)


DRAWN = [
    (len(match["indent"]) // 4, match["name"])
    for match in re.finditer(r"^    (?P<indent>[│├└─ ]*)(?P<name>\w+Error)\b", errors.__doc__, re.M)
]


def test_every_error_is_drawn() -> None:
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert {name for _, name in DRAWN} == defined
    assert defined <= set(protocol.__all__)


@pytest.mark.parametrize("index", range(1, len(DRAWN)))
def test_the_tree_is_drawn_as_it_is(index: int) -> None:
    depth, name = DRAWN[index]
    parent = next(other for level, other in reversed(DRAWN[:index]) if level == depth - 1)
    assert getattr(errors, name).__bases__ == (getattr(errors, parent),)
