"""Rows cross in the bytes that they have, and the benchmark counts them."""

from __future__ import annotations

import imitation_transport as transport
import numpy as np


def test_a_row_of_eight_numbers_takes_33_bytes_and_little_more():
    arrays = transport.rows_of(20_000, 8)
    assert 33 <= transport.by_arrays(arrays) / 20_000 < 33.1
    assert transport.by_arrays(arrays, copied=True) == transport.by_arrays(arrays)
    assert transport.by_json(arrays) / 20_000 > 100


def test_arrays_cost_less_than_text_a_row():
    arrays = transport.rows_of(20_000, 8)
    text = transport.cost_of(transport.by_json, arrays, 3)
    ours = transport.cost_of(transport.by_arrays, arrays, 3)
    assert ours.microseconds < text.microseconds / 10


def test_rows_are_of_the_types_that_a_player_sends():
    arrays = transport.rows_of(5, 3)
    assert arrays["observations"].shape == (5, 3)
    assert arrays["observations"].dtype == np.float32
    assert arrays["actions"].dtype == np.uint8
