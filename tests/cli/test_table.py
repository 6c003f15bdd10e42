from __future__ import annotations

import click

from touchline.cli.table import table


def rows(*args, **kwargs) -> list[str]:
    return [click.unstyle(line) for line in table(*args, **kwargs)]


def test_columns_are_as_wide_as_they_need_to_be():
    assert rows(("a", "wide"), [("long one", "x"), ("y", "z")]) == [
        "a         wide",
        "long one  x",
        "y         z",
    ]


def test_numbers_are_aligned_right():
    assert rows(("n",), [("5",), ("1,000",)], right=(0,)) == ["    n", "    5", "1,000"]


def test_a_colour_takes_no_room():
    styled = click.style("ab", fg="red")
    lines = list(table(("x", "y"), [(styled, "1"), ("abc", "2")]))
    assert lines[1] == f"{styled}   1"


def test_an_untitled_column_that_is_empty_is_left_out():
    assert rows(("a", "", "b"), [("1", "", "2")]) == ["a  b", "1  2"]
    assert rows(("a", "", "b"), [("1", "x", "2")]) == ["a     b", "1  x  2"]


def test_no_rows_are_a_title():
    assert rows(("a", "b"), []) == ["a  b"]
