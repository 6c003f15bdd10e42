"""What is to be predicted: labels to one column a class, or values as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.envs.errors import TableError
from touchline.envs.tables.faults import refuse
from touchline.envs.tables.table import FloatArray, Found

MAX_CLASSES = 1024
"""More, and the labels are taken for a mistake: numbers of rows, or quantities."""
FEW = 10
"""Different whole numbers that may well be labels."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of all rows of a source."""

    y: FloatArray  # float64 [N, O]
    test_y: FloatArray | None  # float64 [M, O]
    classes: bool
    labels: tuple[str, ...]


def outputs_of(place: str, found: Found, *, classes: bool | None) -> Outputs:
    """The outputs; ``classes`` None: labels are classes, values are not.

    Raises TableError: labels out of range, or values where classes are wanted.
    """
    if found.y.ndim == 1:
        return _one_hot(place, found) if classes is not False else _as_values(found, classes=False)
    if not classes:
        return _as_values(found, classes=False)
    if found.y.shape[1] == 1:
        return _one_hot(place, _labelled(place, found))
    for name, y in (("y", found.y), ("test_y", found.test_y)):
        if y is not None and not _is_one_hot(y):
            raise TableError(f"{place}: classes: expected labels, or a 1 and else 0 in each row of {name}")
    return _as_values(found, classes=True)


def note_of(outputs: Outputs) -> str:
    """Of one column of few whole numbers, which may be labels: what they were taken for. Else nothing."""
    if outputs.classes or outputs.y.shape[1] != 1:
        return ""
    values = np.unique(outputs.y)
    if len(values) > FEW or (values != np.rint(values)).any():
        return ""
    return (
        f"{outputs.labels[0]!r} has {len(values)} different whole numbers, taken as quantities; "
        "for labels set table.classes: true"
    )


def _as_values(found: Found, *, classes: bool) -> Outputs:
    y = found.y.reshape(len(found.y), -1).astype(np.float64)
    test_y = None if found.test_y is None else found.test_y.reshape(len(found.test_y), -1).astype(np.float64)
    names = found.labels or tuple(str(i) if classes else f"y{i}" for i in range(y.shape[1]))
    return Outputs(y, test_y, classes, names)


def _labelled(place: str, found: Found) -> Found:
    """A source whose one column of whole numbers is read as labels. The name of that column names no class."""
    labels: dict[str, NDArray[Any] | None] = {"y": None, "test_y": None}
    for name, y in (("y", found.y), ("test_y", found.test_y)):
        if y is None:
            continue
        rounded = np.rint(y[:, 0])
        odd = np.flatnonzero((rounded != y[:, 0]) | (np.abs(rounded) > 2**53))
        if odd.size:
            fault = f"{name}, row {odd[0]}: expected a label, a whole number, found {y[odd[0], 0]}"
            refuse(place, fault, more=odd.size - 1)
        labels[name] = rounded.astype(np.int64)
    y = labels["y"]
    assert y is not None
    return Found(found.x, y, found.test_x, labels["test_y"])


def _one_hot(place: str, found: Found) -> Outputs:
    _check_labels(place, "y", found.y, len(found.labels) or MAX_CLASSES)
    count = len(found.labels) or int(found.y.max()) + 1
    if count < 2 or count > MAX_CLASSES:
        raise TableError(
            f"{place}: expected from 2 to {MAX_CLASSES} classes, found {count}. For quantities say classes: false"
        )
    identity = np.eye(count)
    test_y = None
    if found.test_y is not None:
        _check_labels(place, "test_y", found.test_y, count)
        test_y = identity[found.test_y]
    return Outputs(identity[found.y], test_y, True, found.labels or tuple(map(str, range(count))))


def _check_labels(place: str, name: str, labels: NDArray[Any], count: int) -> None:
    bad = np.flatnonzero((labels < 0) | (labels >= count))
    if bad.size:
        expected = f"expected a label from 0 to {count - 1} (for quantities say classes: false)"
        fault = f"{name}, row {bad[0]}: {expected}, found {labels[bad[0]]}"
        refuse(place, fault, more=bad.size - 1)


def _is_one_hot(y: NDArray[Any]) -> bool:
    return bool((((y == 0) | (y == 1)).all(axis=1) & (y.sum(axis=1) == 1)).all())
