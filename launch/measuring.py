"""From a run on a table back to its network, and what it makes of the table's rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from touchline.configs import Config, load
from touchline.configs.model_arguments import model_arguments
from touchline.envs.tables import Table
from touchline.player import rows
from touchline.player.bench import Bench
from touchline.player.table_work import table_of
from touchline.player.work import Held
from touchline.record import Checkpoint, CheckpointError, RunDirectory, load_checkpoint
from touchline.record.checkpoints import Which
from touchline.targets.activations import Choice
from touchline.targets.assignments import by_layer
from touchline.targets.building import model_of
from touchline.targets.network import TableNetwork


@dataclass(frozen=True, slots=True)
class Measured:
    """Means over some rows. ``accuracy``, 0 to 1: None where there are no classes."""

    rows: int
    error: float
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Fitted:
    """A checkpoint's network on its table. ``test``: None where no rows are held out."""

    version: int
    table: str
    training: Measured
    test: Measured | None
    goal: float | None
    changed: bool  # whether the table is no longer the one that was trained on


def measure(run: RunDirectory, which: Which = "latest") -> Fitted:
    """Error and accuracy of a checkpoint's network over the training rows and the test rows, computed in this process.

    Raises CheckpointError, ConfigError, TableError.
    """
    config = load(run.config).config
    checkpoint, table = load_checkpoint(run, which), table_of(config)
    network = _network_of(config, table, checkpoint.state.get("found", {}))
    bench, held = Bench(table, network, config), _held_of(network, checkpoint, run)
    trained_on = checkpoint.state["spaces"]["table"]
    return Fitted(
        version=checkpoint.version,
        table=table.name,
        training=_measured(bench, held, "train", len(table.x)),
        test=_measured(bench, held, "test", len(table.test_x)) if len(table.test_x) else None,
        goal=config.stop.error,
        changed=trained_on["digest"] != table.announced()["digest"],
    )


def _network_of(config: Config, table: Table, found: Mapping[str, Any]) -> TableNetwork:
    """As the config says, with the structure or the activation functions that were found."""
    form = model_arguments(config)
    form["hidden"] = tuple(found.get("hidden", form["hidden"]))
    network = model_of(inputs=table.x.shape[1], outputs=table.y.shape[1], classes=table.classes, **form)
    if "activations" not in found:
        return network
    chosen: list[Choice] = [(kind, float(coefficient)) for kind, coefficient in found["activations"]]
    return network.with_activations(by_layer(chosen, network.hidden, found["per"]))


def _held_of(network: TableNetwork, checkpoint: Checkpoint, run: RunDirectory) -> Held:
    flat = np.empty(network.size)
    for name, view in network.views(flat).items():
        found = checkpoint.weights.get(name)
        if found is None or found.shape != view.shape:
            place = run.checkpoints / str(checkpoint.version)
            shown = "nothing" if found is None else f"an array {list(found.shape)}"
            raise CheckpointError(
                f"{place}: the weights do not fit the run's table and config: {name}: expected an array "
                f"{list(view.shape)}, found {shown}"
            )
        view[...] = found
    return Held(int(checkpoint.state["epoch"]), checkpoint.version, {"weights": flat})


def _measured(bench: Bench, held: Held, split: str, count: int) -> Measured:
    found = rows.carry_out(bench, {"what": "error", "split": split, "start": 0, "stop": count}, held)
    assert found is not None, "nothing tells it to stop"
    error, right, counted = found["sums"].tolist()
    return Measured(count, error / counted, right / counted if bench.table.classes else None)
