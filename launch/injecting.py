"""Lag made to order, for studies: which snapshot each result of a serial run is played with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from touchline.configs import Config
from touchline.policy.policy import Snapshot
from touchline.policy.seeds import lag_stream
from touchline.record import RecordError, RunDirectory
from touchline.record.history import read_history
from touchline.trainer.failures import RunFailed


class Injector:
    """The last versions, and the lag of each result.

    A result is as many versions old as its lag says, or as old as there are versions yet. One lag is every result's.
    Of several each result draws its own, all equally likely, from a stream counted by (run seed, slot, result), so that
    nothing depends on what was played before.
    """

    def __init__(self, lags: Sequence[int], *, run_seed: int) -> None:
        """``lags``: at least one, in versions, none below 0."""
        self._lags, self._run_seed = tuple(lags), run_seed
        self._deepest = max(self._lags)
        self._snapshots: dict[int, Snapshot] = {}
        self._given = 0
        self._total = 0

    @property
    def law(self) -> float:
        """The mean lag of what was given out: what the Trainer should count."""
        return self._total / self._given if self._given else 0.0

    def snapshot(self, live: Snapshot, *, slot: int, result: int) -> Snapshot:
        """What to play result number ``result`` with, told the live version. Every version must have been live once."""
        self._remember(live)
        version = max(0, live.version - self._lag(slot, result))
        self._given += 1
        self._total += live.version - version
        return self._snapshots[version]

    def _lag(self, slot: int, result: int) -> int:
        if len(self._lags) == 1:
            return self._lags[0]
        drawn = lag_stream(run_seed=self._run_seed, slot=slot, result=result).integers(len(self._lags))
        return self._lags[drawn]

    def _remember(self, live: Snapshot) -> None:
        self._snapshots[live.version] = live
        self._snapshots.pop(live.version - self._deepest - 1, None)


def lags_of(config: Config) -> tuple[int, ...]:
    """The lags that ``staleness.inject`` asks for, 0 for null. Raises RunFailed for a run that cannot give any."""
    match config.staleness.inject:
        case None:
            return (0,)
        case int(lag):
            return (lag,)
        case str(folder):
            return _within(recorded_lags(Path(folder)), folder, config.staleness.max_lag)
        case several:
            return tuple(several)


def recorded_lags(folder: Path) -> tuple[int, ...]:
    """The lag of every result that a run learnt from, in order. Raises RunFailed where there is none."""
    try:
        lags = read_history(RunDirectory.open(folder)).updates.lags
    except RecordError as error:
        raise _refused(str(error), "the folder of a run") from None
    if not len(lags):
        raise _refused(f"{folder}: no update is recorded", "the folder of a run that has learnt something")
    return tuple(lags.tolist())


def _within(lags: tuple[int, ...], folder: str, bound: int) -> tuple[int, ...]:
    if max(lags) > bound:
        raise _refused(
            f"{folder}: lags up to {max(lags)}",
            f"none above staleness.max_lag ({bound}); --staleness.max_lag {max(lags)} admits them",
        )
    return lags


def _refused(found: str, expected: str) -> RunFailed:
    return RunFailed(f"staleness.inject: expected {expected}; found {found}", exit_code=2)
