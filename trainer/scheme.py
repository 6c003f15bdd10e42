"""A scheme: a way of training as rounds of tasks, without Players, clocks or messages.

A round is cut into tasks by the scheme and carried out by whoever is there; what comes back is merged in the order
of the tasks, never of arrival, so that the result does not depend on who did what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


class ResultError(ValueError):
    """Arrays that are no result of their task: which field, what was expected, what was found."""


class SchemeError(ValueError):
    """A run that cannot be: a grid too large, fewer rows than parts. A message for people."""


@dataclass(frozen=True, slots=True)
class Task:
    """One order to be given: a verb and its arguments, plain data. ``evaluates``: its result enters no update."""

    verb: str
    arguments: Mapping[str, Any]
    evaluates: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back for a task.

    ``number``: of the task in the run, which the merge goes by; ``version``: of the snapshot it was carried out with,
    whose arrays are ``base``; ``lag``: versions between that and the live one; ``weight``: 1, or less where
    ``staleness.on_excess: downweight`` says so.
    """

    task: Task
    number: int
    version: int
    lag: int
    weight: float
    arrays: Arrays
    base: Arrays
    player: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    """What a round came to.

    ``changed``: the live arrays are new, to be published. ``evaluations``: the work it took, in row evaluations of a
    table or steps of an environment. ``error``: to be minimised, the mean over training rows, or minus the mean
    return, None where the round says nothing of it; ``of_new``: whether it is that of the new arrays, not of those
    that the round worked with. ``measures``: more numbers for the metrics' line, such as test_error or accuracy.
    ``returns``, ``lengths``: of whole episodes that were played. ``done``: why the run should end, None: go on;
    ``solved``: with ``done``, whether it reached what it was for.
    """

    changed: bool
    evaluations: int
    error: float | None = None
    of_new: bool = False
    measures: Mapping[str, float] = field(default_factory=dict)
    returns: Sequence[float] = ()
    lengths: Sequence[int] = ()
    done: str | None = None
    solved: bool = False


class Scheme(Protocol):
    """One method's arithmetic and its state. Rounds are asked for one at a time and merged one at a time."""

    @property
    def bears_staleness(self) -> bool:
        """Whether results of older versions may be merged: then ``round`` may be asked for the next tasks before the
        last were merged, and ``merge`` is given any ``tasks.parts`` results, by number."""
        ...

    @property
    def ageless(self) -> bool:
        """Whether what a task brings does not depend on the version it is carried out with.

        Then nothing is late: Players are never kept waiting, whatever ``staleness.max_lag``, and each result is merged
        as it comes.
        """
        ...

    @property
    def rounds_in_all(self) -> int | None:
        """How many rounds there are, where that is known beforehand."""
        ...

    def arrays(self) -> Arrays:
        """The live version's arrays, as the snapshot carries them: new ones each version, never written again."""
        ...

    def round(self) -> Sequence[Task]:
        """The tasks of the round that begins with the live version; none: there is nothing left to do."""
        ...

    def test(self) -> Sequence[Task]:
        """Tasks that measure the live version on what it is not trained on; none where there is nothing to test."""
        ...

    def tested(self, results: Sequence[Returned]) -> Mapping[str, float]:
        """What those found, such as test_error and test_accuracy; each has passed ``check``."""
        ...

    def check(self, task: Task, arrays: Arrays) -> None:
        """Raises ResultError where these are no result of this task: they come from a peer."""
        ...

    def merge(self, results: Sequence[Returned]) -> Merged:
        """A round's results, in the order of their tasks: the next version, or what they say of this one."""
        ...

    def weights(self) -> Arrays:
        """What a checkpoint holds of the live version: arrays by name, as people would look for them."""
        ...

    def state(self) -> Arrays:
        """The optimiser's state and all else that the next round depends on, for a checkpoint."""
        ...

    def facts(self) -> Mapping[str, Any]:
        """What else a checkpoint says: the structure found, the activation functions chosen; plain data."""
        ...


def expect(arrays: Arrays, name: str, *, shape: tuple[int, ...], dtype: str = "float64") -> NDArray[Any]:
    """The array of that name, finite and as expected. Raises ResultError."""
    found = arrays.get(name)
    if found is None or found.dtype != dtype or found.shape != shape:
        shown = "nothing" if found is None else f"{found.dtype} {list(found.shape)}"
        raise ResultError(f"{name}: expected {dtype} {list(shape)}, found {shown}")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise ResultError(f"{name}: expected finite numbers, found {found[~np.isfinite(found)].flat[0]}")
    return found
