"""Runs whose supervisor a test can see, and what every run must come to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from touchline.launch.local import barrier_of, open_socket
from touchline.launch.supervisor import Supervisor
from touchline.protocol.ledger import BUCKETS
from touchline.record import RunDirectory, Summary, load_checkpoint, read_lines
from touchline.trainer.runtime import TrainerRuntime


def assert_sums(summary: Summary) -> None:
    """The ledger's sum of design section 5, in total and for each Player, with nothing left on the way."""
    rows = [summary.ledger.total, *summary.ledger.players.values()]
    for row in rows:
        assert row["sent"] == sum(row[bucket] for bucket in BUCKETS), row
        assert row["queued"] == row["in_flight"] == 0
    assert summary.ledger.total["trained"] > 0


def supervised(config, run, *, count: int, on_event: Callable[[TrainerRuntime, Supervisor], None]) -> Summary:
    """A run whose supervisor the test can see: ``on_event`` is called at every housekeeping."""
    socket = open_socket(config)
    supervisor = Supervisor(count=count, address=socket.address, logs=run.logs)
    try:

        def keep_house() -> None:
            supervisor.poll(runtime.player_died)
            on_event(runtime, supervisor)

        barrier = barrier_of(config, count)
        runtime = TrainerRuntime(config, run, socket, admitted=8, barrier=barrier, housekeeping=keep_house)
        summary = runtime.run_to_end()
    finally:
        supervisor.close()
    assert summary is not None
    return summary


def weights_of(run: RunDirectory) -> dict[str, np.ndarray]:
    return load_checkpoint(run, "latest").weights


def losses_of(run: RunDirectory) -> list[dict]:
    return [line["loss"] for line in read_lines(run.path / "metrics.jsonl")]


def assert_equal_runs(one: RunDirectory, other: RunDirectory) -> None:
    assert losses_of(one) == losses_of(other)
    left, right = weights_of(one), weights_of(other)
    assert left.keys() == right.keys()
    for name, array in left.items():
        assert np.array_equal(array, right[name]), name
