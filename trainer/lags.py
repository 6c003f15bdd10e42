"""The lags of one batch: counted in the run's record, and as the metrics' line has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from touchline.record import LagLine
from touchline.trainer.statistics import LagRecord


class Lagged(NamedTuple):
    """One result of a batch: its lag, the part of it while it was played, its steps, its lag in gradient steps."""

    player: str
    lag: int
    play: int
    steps: int
    gradient_steps: int


def add_lags(record: LagRecord, batch: Sequence[Lagged]) -> None:
    """Count the lags of one batch: in the run's record as in its line, of what was learnt from alone."""
    for one in batch:
        record.add(lag=one.lag, play=one.play, steps=one.steps, gradient_steps=one.gradient_steps)


def lag_line(batch: Sequence[Lagged]) -> LagLine:
    """The lags of one batch, over results and over steps."""
    record = LagRecord()
    add_lags(record, batch)
    summary = record.summary()
    return LagLine(
        p50=summary.p50,
        p95=summary.p95,
        max=summary.max,
        mean=summary.mean,
        play=summary.play,
        queue=summary.queue,
        per_step=summary.mean_per_step,
        gradient_steps=summary.gradient_steps,
        values=[one.lag for one in batch],
        players=[one.player for one in batch],
    )
