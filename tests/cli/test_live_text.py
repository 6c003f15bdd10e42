from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.cli.live_text import (
    ASCII,
    UNICODE,
    bar,
    chart,
    clock,
    count,
    encodable,
    glyphs_for,
    number,
    plain_line,
    resample,
    short,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (7, "7"),
        (9_999, "9,999"),
        (10_000, "10k"),
        (612_345, "612k"),
        (999_499, "999k"),
        (999_500, "1M"),
        (1_530_000, "1.53M"),
        (2e9, "2G"),
        (5e12, "5T"),
        (-12_345, "-12.3k"),
    ],
)
def test_counts(value: float, text: str) -> None:
    assert count(value) == text


@given(st.floats(0, 9e14))
def test_a_count_is_narrow_and_close(value: float) -> None:
    text = count(value)
    assert len(text) <= 6
    units = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
    unit = units.get(text[-1], 1)
    shown = float(text.rstrip("kMGT").replace(",", "")) * unit
    assert math.isclose(shown, value, rel_tol=6e-3, abs_tol=0.51)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (412.34, "412.3"),
        (1.966, "1.97"),
        (0.03123, "0.0312"),
        (0.0, "0.0"),
        (-110.24, "-110.2"),
        (1_234_567.0, "1.23M"),
        (None, "-"),
        (float("nan"), "-"),
    ],
)
def test_measured_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("value", "text"), [(4.0, "4"), (2.5, "2.5"), (475, "475"), (None, "-")])
def test_short_numbers(value: float | None, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (4.9, "0:04"), (60, "1:00"), (3599, "59:59"), (3723, "1:02:03"), (-1, "0:00")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(("share", "filled"), [(-1, 0), (0, 0), (0.5, 5), (1, 10), (7, 10)])
def test_a_bar_has_its_width(share: float, filled: int) -> None:
    done, left = bar(share, 10, ASCII)
    assert (done, left) == ("#" * filled, "-" * (10 - filled))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80), st.integers(1, 80))
def test_resampling_keeps_the_range_and_has_the_width(values: list[float], width: int) -> None:
    sampled = resample(values, width)
    assert len(sampled) == width
    assert min(values) - 1e-6 <= min(sampled)
    assert max(sampled) <= max(values) + 1e-6


def test_resampling_averages_and_repeats() -> None:
    assert resample([1, 3, 5, 7], 2) == [2, 6]
    assert resample([1, 3], 4) == [1, 1, 3, 3]
    assert resample([], 4) == []


def test_a_chart_of_one_row_rises_with_its_values() -> None:
    (row,) = chart([0, 1, 2, 3, 4, 5, 6, 7], width=8, height=1, top=None, glyphs=UNICODE)
    assert row == "▁▂▃▄▅▆▇█"


def test_a_goal_above_the_values_leaves_room() -> None:
    (row,) = chart([0, 50, 100], width=3, height=1, top=200, glyphs=UNICODE)
    assert row == "▁▃▅"
    (row,) = chart([0, 50, 100], width=3, height=1, top=20, glyphs=UNICODE)
    assert row[-1] == "█"


def test_a_chart_of_rows_is_filled_from_below() -> None:
    rows = chart([0, 100], width=2, height=3, top=None, glyphs=UNICODE)
    assert rows == [" █", " █", "▁█"]


def test_values_all_alike_are_seen() -> None:
    assert chart([3, 3, 3], width=5, height=1, top=None, glyphs=UNICODE) == ["▁▁▁"]


def test_a_chart_of_nothing_is_blank() -> None:
    assert chart([], width=5, height=2, top=1, glyphs=UNICODE) == ["", ""]
    assert chart([math.nan, math.inf], width=5, height=1, top=1, glyphs=UNICODE) == [""]


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=70),
    st.integers(1, 40),
    st.integers(1, 6),
    st.none() | st.floats(-1e9, 1e9),
)
def test_a_chart_never_leaves_its_box(
    values: list[float], width: int, height: int, top: float | None
) -> None:
    rows = chart(values, width=width, height=height, top=top, glyphs=UNICODE)
    assert len(rows) == height
    assert {len(row) for row in rows} == {min(width, len(values))}
    assert " " not in rows[-1], "every column stands on the ground"


def test_glyphs_suit_the_terminal() -> None:
    assert glyphs_for("UTF-8") is glyphs_for("utf8") is UNICODE
    assert glyphs_for("ascii") is glyphs_for("latin-1") is ASCII
    "".join([ASCII.levels, ASCII.done, ASCII.left, ASCII.goal, ASCII.dot, ASCII.more]).encode("ascii")


def test_what_a_terminal_cannot_be_sent_is_replaced() -> None:
    assert encodable("é–x", "ascii") == "??x"
    assert encodable("é–x", "utf-8") == "é–x"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  hello \n world", "hello "),
        ("a\tb", "a       b"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("", ""),
        ("\n\n", ""),
        ("bell\x07", "bell"),
    ],
)
def test_a_plain_line_cannot_move_the_cursor(text: str, line: str) -> None:
    assert plain_line(text) == line
