"""The last versions, each with its weights and normaliser: what ``reuse`` differentiates with."""

from __future__ import annotations

from touchline.policy.policy import Snapshot


class Ring:
    """Snapshots by version, the newest ``capacity`` of them."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._snapshots: dict[int, Snapshot] = {}

    @property
    def live(self) -> Snapshot:
        return self._snapshots[max(self._snapshots)]

    @property
    def oldest(self) -> int:
        return min(self._snapshots)

    def __getitem__(self, version: int) -> Snapshot:
        return self._snapshots[version]

    def push(self, snapshot: Snapshot) -> None:
        self._snapshots[snapshot.version] = snapshot
        while len(self._snapshots) > self._capacity:
            del self._snapshots[min(self._snapshots)]


def capacity(*, max_lag: int, snapshot_bytes: int, budget_bytes: int = 256 << 20) -> int:
    """How many versions to keep: several times the bound where memory allows, never fewer than the bound needs."""
    wanted = max(64, 4 * max_lag)
    return max(max_lag + 2, min(wanted, budget_bytes // max(snapshot_bytes, 1)))
