"""Numbers and durations as people write them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.configs.quantities import (
    MAX_INTEGER,
    duration_text,
    read_duration,
    read_integer,
    read_number,
)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (3, 3.0),
        (-0.5, -0.5),
        ("7", 7.0),
        ("1e6", 1e6),
        ("1.5M", 1.5e6),
        ("20k", 20e3),
        ("2 G", 2e9),
        (".5", 0.5),
        ("-3.k", -3000.0),
        (np.float32(0.25), 0.25),
    ],
)
def test_a_number_is_read(written: object, number: float) -> None:
    assert read_number(written) == number
    assert type(read_number(written)) is float


@pytest.mark.parametrize(
    "written",
    [
        True,
        False,
        None,
        "",
        "k",
        "1.5 m",
        "1.5K",
        "1,000",
        "1 2",
        "1\n",
        "0x10",
        "nan",
        "inf",
        math.inf,
        math.nan,
        [1],
        {},
        1j,
        b"1",
        "1e999",
        "١",
    ],
)
def test_what_is_no_number_is_refused(written: object) -> None:
    with pytest.raises(ValueError):
        read_number(written)


@pytest.mark.parametrize(
    ("written", "integer"),
    [(3, 3), (2e6, 2_000_000), ("1.5M", 1_500_000), ("1e3", 1000), (-4.0, -4), (np.int64(9), 9), (0, 0)],
)
def test_an_integer_is_read(written: object, integer: int) -> None:
    assert read_integer(written) == integer
    assert type(read_integer(written)) is int


@pytest.mark.parametrize("written", [0.5, "1.0005k", True, "many", None, 1e300, MAX_INTEGER + 1, 10**400])
def test_what_is_no_integer_is_refused(written: object) -> None:
    with pytest.raises((ValueError, OverflowError)):
        read_integer(written)


def test_the_largest_integer_is_exact() -> None:
    assert read_integer(MAX_INTEGER) == MAX_INTEGER
    assert read_integer(MAX_INTEGER - 1) == MAX_INTEGER - 1


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30s", 30.0),
        ("5m", 300.0),
        ("2h", 7200.0),
        ("1.5 h", 5400.0),
        ("1d", 86400.0),
        ("250ms", 0.25),
        ("12", 12.0),
        (0.5, 0.5),
        (60, 60.0),
    ],
)
def test_a_duration_is_read_in_seconds(written: object, seconds: float) -> None:
    assert read_duration(written) == seconds


@pytest.mark.parametrize("written", ["5M", "1h30m", "s", "10 min", True, None, "", math.inf, "1e999h"])
def test_what_is_no_duration_is_refused(written: object) -> None:
    with pytest.raises(ValueError):
        read_duration(written)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(30.0, "30s"), (60.0, "1m"), (90.0, "90s"), (7200.0, "2h"), (5400.0, "90m"), (0.5, "0.5s"), (0.0, "0s")],
)
def test_a_duration_is_written_with_its_largest_whole_unit(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@settings(max_examples=200, deadline=None)
@given(st.floats(min_value=0, max_value=1e12))
def test_a_written_duration_is_read_back_exactly(seconds: float) -> None:
    assert read_duration(duration_text(seconds)) == seconds
