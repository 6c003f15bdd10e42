"""What every scheme over a table shares: the table as a Player announced it, parts, first weights and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.configs import Config
from touchline.configs.model_arguments import model_arguments
from touchline.policy.seeds import weights_stream
from touchline.targets.building import model_of
from touchline.targets.initial import initial_weights
from touchline.targets.network import TableNetwork
from touchline.targets.splitting import split
from touchline.trainer.scheme import Arrays, Returned, SchemeError, Task, expect

FloatArray = NDArray[np.floating[Any]]
SUMS = 3  # error, rows that are right, rows
TEST_ROWS = 4096


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table as READY announces it: N ``rows``, ``test_rows``, and how many numbers go in and come out."""

    name: str
    rows: int
    test_rows: int
    inputs: int
    outputs: int
    classes: bool

    @staticmethod
    def of(spaces: Mapping[str, Any]) -> TableFacts:
        """From READY's plain data. Raises SchemeError where it announces no table."""
        found = spaces.get("table")
        if not isinstance(found, Mapping):
            raise SchemeError(f"spaces: expected a table, found {', '.join(spaces) or 'nothing'}")
        return TableFacts(**{name: found[name] for name in TableFacts.__dataclass_fields__})


def network_for(config: Config, facts: TableFacts) -> TableNetwork:
    """The network that the config describes over this table. Raises TargetError."""
    return model_of(
        inputs=facts.inputs, outputs=facts.outputs, classes=facts.classes, **model_arguments(config)
    )


def first_weights(config: Config, network: TableNetwork) -> FloatArray:
    """float64 [size] by the run's seed."""
    return initial_weights(
        network,
        weights_stream(config.seed),
        how=config.model.initialization,
        scale=config.model.scale,
    )


def parts_of(total: int, config: Config, *, what: str = "rows") -> tuple[range, ...]:
    """``total`` cut into ``tasks.parts``. Raises SchemeError where there are fewer than parts."""
    parts = config.tasks.parts
    if total < parts:
        raise SchemeError(
            f"tasks.parts: expected at most {total}, one for each of the {what}, found {parts}. "
            f"Set --tasks.parts {total}"
        )
    return split(total, parts, remainder=config.tasks.remainder)


def rows_task(part: range, *, what: str, split: str = "train", **more: Any) -> Task:
    """A ``rows`` task over this part; those of the test rows enter no update."""
    arguments = {"what": what, "split": split, "start": part.start, "stop": part.stop, **more}
    return Task("rows", arguments, evaluates=split == "test")


def test_tasks(facts: TableFacts) -> Sequence[Task]:
    """The test rows, some thousand a task; none where there are none."""
    starts = range(0, facts.test_rows, TEST_ROWS)
    parts = [range(start, min(start + TEST_ROWS, facts.test_rows)) for start in starts]
    return [rows_task(part, what="error", split="test") for part in parts]


def sums_of(results: Sequence[Returned]) -> FloatArray:
    """float64 [3]: error, rows that are right, rows, added up in the order of the tasks."""
    total = np.zeros(SUMS)
    for result in results:
        total += result.arrays["sums"]
    return total


def tested_on(facts: TableFacts, results: Sequence[Returned]) -> dict[str, float]:
    """``test_error``, the mean over test rows, and for classes ``test_accuracy``, 0 to 1."""
    error, correct, rows = sums_of(results).tolist()
    found = {"test_error": error / rows}
    return {**found, "test_accuracy": correct / rows} if facts.classes else found


def check_sums(arrays: Arrays, task: Task) -> None:
    """Raises ResultError where ``sums`` are not those of the task's rows."""
    expect(arrays, "sums", shape=(SUMS,))
