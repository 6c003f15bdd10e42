"""The last versions kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven
from policy_trajectories import policy_of, snapshot_of

from touchline.trainer.ring import Ring, capacity

POLICY = policy_of()
SNAPSHOTS = [snapshot_of(POLICY, np.random.default_rng(0), version=version) for version in range(20)]


@given(st.integers(1, 25), st.integers(1, 20))
@proven()
def test_it_keeps_the_newest(room, pushed):
    ring = Ring(room)
    for snapshot in SNAPSHOTS[:pushed]:
        ring.push(snapshot)
    assert ring.live is SNAPSHOTS[pushed - 1]
    assert ring.oldest == max(0, pushed - room)
    for version in range(ring.oldest, pushed):
        assert ring[version] is SNAPSHOTS[version]
    for version in (ring.oldest - 1, pushed):
        with pytest.raises(KeyError):
            ring[version]


@pytest.mark.parametrize(
    ("max_lag", "snapshot_bytes", "budget", "expected"),
    [
        (0, 1, 1 << 20, 64),
        (8, 1, 1 << 20, 64),
        (100, 1, 1 << 20, 400),
        (8, 1 << 20, 1 << 24, 16),  # the budget
        (8, 1 << 30, 1 << 20, 10),  # fewer than the bound needs would drop what is within it
        (8, 0, 1 << 20, 64),
    ],
)
def test_its_capacity(max_lag, snapshot_bytes, budget, expected):
    assert capacity(max_lag=max_lag, snapshot_bytes=snapshot_bytes, budget_bytes=budget) == expected


@given(st.integers(0, 500), st.integers(1, 1 << 40))
@proven()
def test_whatever_is_within_the_bound_is_kept(max_lag, snapshot_bytes):
    assert capacity(max_lag=max_lag, snapshot_bytes=snapshot_bytes) > max_lag + 1
