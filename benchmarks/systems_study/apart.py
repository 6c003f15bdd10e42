"""Document 004's networks, trained apart: for each number of parts from each part's own start, and from a shared one.

Every network gets what a run of ``004-ott`` or ``004-shared`` gives it; all of one number of parts descend in lockstep,
because most of what a small step costs is being asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from touchline.configs import Config, load
from touchline.configs.model_arguments import model_arguments
from touchline.envs.tables import Table
from touchline.player.fitting import own_weights
from touchline.targets.building import model_of
from touchline.targets.network import TableNetwork
from touchline.targets.ott import ott_exact_many
from touchline.targets.splitting import split
from touchline.trainer.schemes.on_table import first_weights

FloatArray = NDArray[np.float64]
CHUNK = 50  # samples of each network between two looks at the clock
SAVE_SECONDS = 60.0


@dataclass(frozen=True)
class Experiment:
    """What all numbers of parts have in common."""

    config: Config
    table: Table
    network: TableNetwork

    @staticmethod
    def of(config: Config, table: Table) -> Experiment:
        network = model_of(
            inputs=table.x.shape[1],
            outputs=table.y.shape[1],
            classes=table.classes,
            **model_arguments(config),
        )
        return Experiment(config, table, network)

    def starts(self, parts: int) -> FloatArray:
        """First weights float64 [2 parts, size]: each part's own, then the shared ones ``parts`` times."""
        own = [own_weights(self.config, self.network, part) for part in range(parts)]
        return np.stack([*own, *[first_weights(self.config, self.network)] * parts])


def ott_config(source: str, *, rows: int | None, test: float | None, **more: object) -> Config:
    """The preset 004-ott over this table."""
    table = {"table.source": source, "table.rows": rows, "table.test": test}
    return load("004-ott", values={**table, **more}).config


def trained_apart(
    experiment: Experiment,
    parts: int,
    path: Path,
    *,
    chunk: int = CHUNK,
    save_seconds: float = SAVE_SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[FloatArray, float]:
    """Weights float64 [2 parts, size] after one pass over each part's rows, and the seconds it took.

    ``path`` keeps what there is so far, every ``save_seconds``: a pass that was cut short goes on from there, to the
    same numbers.
    """
    shards = split(len(experiment.table.x), parts)
    w, row, spent = experiment.starts(parts), 0, 0.0
    if path.exists():
        with np.load(path) as kept:
            w, row, spent = kept["w"], int(kept["row"]), float(kept["seconds"])
    began = saved = clock()
    while row < len(shards[0]):
        w, row = _further(experiment, shards, w, row, chunk)
        if (now := clock()) - saved > save_seconds or row == len(shards[0]):
            saved = now
            _save(path, w=w, row=np.array(row), seconds=np.array(spent + now - began))
    return w, spent + clock() - began


def _further(
    experiment: Experiment, shards: tuple[range, ...], w: FloatArray, row: int, chunk: int
) -> tuple[FloatArray, int]:
    """Some more samples of every network; the longer shards, which are first, have one more at the end."""
    shortest = len(shards[-1])
    stop = min(row + chunk, shortest) if row < shortest else len(shards[0])
    active = [k for k, shard in enumerate(shards) if len(shard) >= stop]
    which = np.array([*active, *[k + len(shards) for k in active]])
    rows = np.array([[shards[k][at] for at in range(row, stop)] for k in [*active, *active]])
    network, optimizer = experiment.network, experiment.config.optimizer
    hidden = network.hidden[0]
    first = network.inputs * hidden
    w1, w2 = ott_exact_many(
        w[which, :first].reshape(-1, network.inputs, hidden),
        w[which, first:].reshape(len(which), hidden, -1),
        experiment.table.x[rows],
        experiment.table.y[rows],
        inner=experiment.config.averaging.inner,
        learning_rate=optimizer.learning_rate,
        momentum=optimizer.momentum,
    )
    moved = w.copy()
    moved[which] = np.concatenate([w1.reshape(len(which), -1), w2.reshape(len(which), -1)], axis=1)
    return moved, stop


def _save(path: Path, **arrays: NDArray[np.generic]) -> None:
    """All of them or none: a process may be killed at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part.npz")
    np.savez(beside, **arrays)
    beside.replace(path)
