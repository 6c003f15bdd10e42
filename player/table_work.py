"""The verbs ``rows``, ``points`` and ``fit`` over a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from touchline.configs import Config
from touchline.configs.model_arguments import model_arguments
from touchline.envs.tables import Table, read_table
from touchline.player import fit, points, rows
from touchline.player.bench import Bench
from touchline.player.work import Arrays, Held, UnknownOrder
from touchline.targets.building import model_of
from touchline.targets.local import minimizer

VERBS: Mapping[str, Callable[[Bench, Mapping[str, Any], Held], Arrays | None]] = {
    "rows": rows.carry_out,
    "points": points.carry_out,
    "fit": fit.carry_out,
}


class TableWork:
    """A Player of a run over a table, which it has read for itself."""

    outside = 0

    def __init__(
        self, config: Config, *, table: Table | None = None, goes_on: Callable[[], bool] = lambda: True
    ) -> None:
        """``table``: to share one that was read already.

        Raises TableError, MissingExtra, and TargetError for no such network and where scipy is missing.
        """
        if config.method == "hopping":
            minimizer()  # known now rather than at the first hop
        table = table or table_of(config)
        network = model_of(
            inputs=table.x.shape[1],
            outputs=table.y.shape[1],
            classes=table.classes,
            **model_arguments(config),
        )
        self._bench = Bench(table, network, config, goes_on)
        self.spaces: Mapping[str, Any] = {"table": table.announced()}
        self.facts: Mapping[str, Any] = {
            "labels": list(table.labels),
            **({"note": table.note} if table.note else {}),
        }

    def carry_out(
        self, verb: str, arguments: Mapping[str, Any], held: Held, *, seq: int, count: int, standing: bool
    ) -> Iterator[Arrays]:
        """One result; none when told to stop on the way."""
        if verb not in VERBS:
            raise UnknownOrder(f"verb: expected {', '.join(VERBS)} with a table, found {verb}")
        with np.errstate(over="ignore", invalid="ignore"):  # the Trainer refuses what is not finite, by name
            arrays = VERBS[verb](self._bench, arguments, held)
        if arrays is not None:
            yield arrays

    def close(self) -> None:
        """Nothing was opened."""


def table_of(config: Config) -> Table:
    """The table that the config names. Raises TableError."""
    table = config.table
    assert table.source is not None, "the config has a table"
    return read_table(
        source=table.source,
        rows=table.rows,
        test=table.test,
        scale=table.scale,
        target=table.target,
        classes=table.classes,
        seed=config.seed,
    )
