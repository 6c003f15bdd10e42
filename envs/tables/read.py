"""A table by its name or path: read, checked, cut and scaled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from touchline.envs.errors import TableError
from touchline.envs.tables import builtin
from touchline.envs.tables.archive import read_npz
from touchline.envs.tables.columns import Target
from touchline.envs.tables.delimited import read_csv
from touchline.envs.tables.faults import check_finite
from touchline.envs.tables.idx import is_idx, read_idx
from touchline.envs.tables.outputs import Outputs, note_of, outputs_of
from touchline.envs.tables.rows import check_request, first, held_out, total_for
from touchline.envs.tables.scaling import Scale, scaled
from touchline.envs.tables.table import FloatArray, Found, Table
from touchline.policy.references import did_you_mean

BUILT_IN: dict[str, Callable[[], Found]] = {
    "digits": builtin.digits,
    "sine": builtin.sine,
    "two_spirals": builtin.two_spirals,
    "xor": builtin.xor,
}
SOURCES = tuple(BUILT_IN)
"""The tables that need no file."""

PATHS = "a .csv, an .npz, or a folder of idx files"


def read_table(
    *,
    source: str,
    rows: int | None = None,
    test: float | int | None = None,
    scale: Scale = "none",
    target: Target = None,
    classes: bool | None = None,
    seed: int = 0,
) -> Table:
    """A table of ``SOURCES``, or of a path.

    ``rows``: the first so many of the training rows, None all; of sine, so many places.
    ``test``: rows to test on, a share or a number, drawn by ``seed`` from all rows. A source with a test set of its own
    gives all of that for None and for a share, and the first so many for a number.
    ``target``: the columns of a CSV to predict, by name or position; None: the last.
    ``classes``: whether what is predicted is classes. None: text, and whole numbers of idx and .npz files, are.

    Raises TableError, and MissingExtra where a package is not installed.
    """
    check_request(source, rows=rows, test=test)
    found = _found(source, rows=rows, test=test, target=target, classes=classes)
    _check_finite(source, found)
    outputs = outputs_of(source, found, classes=classes)
    x, y, test_x, test_y = _parts(source, found, outputs, rows=rows, test=test, seed=seed)
    x, test_x = scaled(x, test_x, scale=scale)
    note = note_of(outputs) if classes is None and _is_csv(_path(source)) else ""
    return Table(_path(source).resolve().name, x, y, test_x, test_y, outputs.classes, outputs.labels, note)


def _is_csv(path: Path) -> bool:
    return path.name.lower().endswith((".csv", ".csv.gz"))


def _found(
    source: str, *, rows: int | None, test: float | int | None, target: Target, classes: bool | None
) -> Found:
    path = _path(source)
    is_csv = _is_csv(path)
    if target is not None and not is_csv:
        raise TableError(
            f"{source}: target: expected none, as only a .csv has columns to choose, found {target!r}"
        )
    if source == "sine" and rows is not None:
        return builtin.sine(total_for(rows, test))
    if source in BUILT_IN:
        return BUILT_IN[source]()
    try:
        if not path.exists():
            raise TableError(_no_such(source, path))
        return read_csv(path, target=target, classes=classes) if is_csv else _from_arrays(path)
    except OSError as error:
        raise TableError(f"{source}: cannot be read: {error.strerror}") from None


def _path(source: str) -> Path:
    try:
        return Path(source).expanduser()
    except RuntimeError:  # no such user
        return Path(source)


def _check_finite(source: str, found: Found) -> None:
    check_finite(source, name="x", values=found.x)
    if found.test_x is not None:
        check_finite(source, name="test_x", values=found.test_x)


def _from_arrays(path: Path) -> Found:
    if path.is_dir() or is_idx(path):
        return read_idx(path)
    if path.suffix.lower() == ".npz":
        return read_npz(path)
    raise TableError(f"{path}: expected {PATHS}, found a file named otherwise")


def _no_such(source: str, path: Path) -> str:
    if path.suffix or len(path.parts) > 1:
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        where = "" if path.is_absolute() else f" in {Path.cwd()}"
        return f"{source}: no such file or folder{where}.{did_you_mean(path.name, siblings)}"
    known = ", ".join(SOURCES)
    return f"unknown table '{source}'.{did_you_mean(source, SOURCES)} Expected one of {known}, or a path: {PATHS}"


def _parts(
    source: str, found: Found, outputs: Outputs, *, rows: int | None, test: float | int | None, seed: int
) -> tuple[NDArray[Any], FloatArray, NDArray[Any], FloatArray]:
    """x, y, test_x and test_y, not yet scaled."""
    x, y = found.x, outputs.y
    if found.test_x is None or outputs.test_y is None:
        learn, tried = held_out(source, total=len(x), test=test or 0, seed=seed)
        learn = learn[first(source, "rows", rows, total=len(learn))]
        return x[learn], y[learn], x[tried], y[tried]
    count = test if isinstance(test, int) else None
    tests = first(source, "test", count, total=len(found.test_x))
    chosen = first(source, "rows", rows, total=len(x))
    return x[chosen], y[chosen], found.test_x[tests], outputs.test_y[tests]
