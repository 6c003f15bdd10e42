"""What the schemes that give ``points`` orders minimise, whether over a table or an environment.

To them it is a value for a vector of weights: everything that differs between the two is here and in ``on_episodes``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.configs import Config
from touchline.targets.costs import FORWARD
from touchline.targets.network import TableNetwork
from touchline.trainer.scheme import Arrays, ResultError, Returned, Task, expect
from touchline.trainer.schemes.on_rows import check_rows, solved_at
from touchline.trainer.schemes.on_table import (
    TableFacts,
    first_weights,
    network_for,
    test_tasks,
    tested_on,
)

FloatArray = NDArray[np.float64]
MULTIPLY_ADDS_PER_SECOND = 50e6  # of a Player whose networks are small: what a call costs is in it
SECONDS_PER_CALL = 1e-6


class Work(NamedTuple):
    """What results took: row evaluations or steps, and the episodes that were played."""

    evaluations: int
    returns: Sequence[float] = ()
    lengths: Sequence[int] = ()


class Target(Protocol):
    """A function of ``size`` weights, to be minimised."""

    @property
    def size(self) -> int: ...

    @property
    def on_table(self) -> bool: ...

    @property
    def seconds_a_point(self) -> float:
        """About how long a Player takes over one value."""
        ...

    def first(self) -> FloatArray:
        """Where a run begins, float64 ``[size]``, by its seed."""
        ...

    def arrays(self, w: FloatArray) -> Arrays:
        """A snapshot of these weights: new arrays."""
        ...

    def base(self, arrays: Arrays) -> FloatArray:
        """The weights of a snapshot, float64 ``[size]``."""
        ...

    def weights(self, w: FloatArray) -> Arrays:
        """What a checkpoint holds of them."""
        ...

    def check(self, arrays: Arrays, points: int) -> None:
        """Raises ResultError where what comes with the values of so many points is not as expected."""
        ...

    def work(self, results: Sequence[Returned], points: int) -> Work:
        """What the values of so many points took, in these results."""
        ...

    def reached(self, value: float) -> str | None:
        """Why the run should end, where this value is what it was for."""
        ...

    def test(self) -> Sequence[Task]: ...

    def check_test(self, task: Task, arrays: Arrays) -> None:
        """Raises ResultError where these are no result of such a task."""
        ...

    def tested(self, results: Sequence[Returned]) -> Mapping[str, float]: ...


@dataclass(frozen=True, slots=True)
class TableTarget:
    """The mean error of a network over a table's training rows."""

    config: Config
    facts: TableFacts
    network: TableNetwork

    @staticmethod
    def of(config: Config, spaces: Mapping[str, Any]) -> TableTarget:
        """Over the table that READY announced. Raises SchemeError, TargetError."""
        facts = TableFacts.of(spaces)
        return TableTarget(config, facts, network_for(config, facts))

    @property
    def size(self) -> int:
        return self.network.size

    @property
    def on_table(self) -> bool:
        return True

    @property
    def seconds_a_point(self) -> float:
        return SECONDS_PER_CALL + self.facts.rows * self.size / MULTIPLY_ADDS_PER_SECOND

    def first(self) -> FloatArray:
        return np.asarray(first_weights(self.config, self.network), np.float64)

    def arrays(self, w: FloatArray) -> Arrays:
        return {"weights": w.copy()}

    def base(self, arrays: Arrays) -> FloatArray:
        return np.asarray(arrays["weights"], np.float64)

    def weights(self, w: FloatArray) -> Arrays:
        return self.network.views(w.copy())

    def check(self, arrays: Arrays, points: int) -> None:
        """Values come alone."""

    def work(self, results: Sequence[Returned], points: int) -> Work:
        return Work(points * self.facts.rows * FORWARD)

    def reached(self, value: float) -> str | None:
        return solved_at(value, self.config.stop.error)

    def test(self) -> Sequence[Task]:
        return test_tasks(self.facts)

    def check_test(self, task: Task, arrays: Arrays) -> None:
        check_rows(task, arrays, size=self.size)

    def tested(self, results: Sequence[Returned]) -> Mapping[str, float]:
        return tested_on(self.facts, results)


def numbers_of(task: Task) -> range:
    """The points of an order."""
    return range(task.arguments["start"], task.arguments["stop"])


def check_best(task: Task, arrays: Arrays) -> None:
    """Raises ResultError where ``best`` is no value with one of the task's numbers."""
    numbers = numbers_of(task)
    number = float(expect(arrays, "best", shape=(2,))[1])
    if not number.is_integer() or int(number) not in numbers:
        raise ResultError(
            f"best: expected a number from {numbers.start} to {numbers.stop - 1}, found {number:g}"
        )
