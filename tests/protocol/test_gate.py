"""The one gate: numbers below the limit, versions not below the start."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protocol_settings import deterministic

from touchline.protocol import Gate

numbers = st.integers(0, 20)


@pytest.mark.parametrize(
    ("seq", "count", "version", "allowed"),
    [(3, 1, 5, True), (4, 1, 5, False), (0, 4, 5, True), (1, 4, 5, False), (3, 1, 4, False), (3, 1, 6, True)],
)
def test_both_numbers_count(seq: int, count: int, version: int, allowed: bool) -> None:
    assert Gate(start_limit=4, start_version=5).allows(seq=seq, count=count, version=version) is allowed


@deterministic
@given(numbers, numbers, numbers, st.integers(1, 5), numbers)
def test_several_are_allowed_where_each_is(
    limit: int, start: int, seq: int, count: int, version: int
) -> None:
    gate = Gate(limit, start)
    each = all(gate.allows(seq=seq + index, version=version) for index in range(count))
    assert gate.allows(seq=seq, count=count, version=version) == each


@deterministic
@given(numbers, numbers, numbers, numbers)
def test_a_wider_gate_allows_no_less(limit: int, start: int, seq: int, version: int) -> None:
    if Gate(limit, start).allows(seq=seq, version=version):
        assert Gate(limit + 1, start).allows(seq=seq, version=version)
        assert Gate(limit, max(0, start - 1)).allows(seq=seq, version=version)
