"""CSV files: columns of numbers, the last of them, or those named, what is to be predicted.

Commas, semicolons or tabs, quoted as RFC 4180 says; with a header or without; packed by gzip or not. Lines are
counted from 1, as an editor does, columns from 0, as ``target`` does.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, cast

import numpy as np
from numpy.typing import NDArray

from touchline.envs.errors import TableError
from touchline.envs.tables.columns import Columns, Target, columns_of, is_missing, is_number
from touchline.envs.tables.faults import Faults
from touchline.envs.tables.table import Found

Line = tuple[int, list[str]]  # its number and its cells
SAMPLE = 4096  # characters, to guess the delimiter from
VALUE = "a number (for labels say classes: true)"
ONE_OF_SEVERAL = "a number (labels are of one column: name it alone as the target)"


def read_csv(path: Path, *, target: Target, classes: bool | None) -> Found:
    """The rows of a file. A column of text to predict becomes labels, and so does any one column where ``classes``.

    Raises TableError, which names line and column of the first faults.
    """
    try:
        with _opened(path) as file:
            return _read(str(path), file, target=target, classes=classes)
    except UnicodeDecodeError:
        raise TableError(f"{path}: {_not_utf8(path)}") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TableError(
            f"{path}: expected a whole gzip file, found one that does not unpack: {error}"
        ) from None


def _not_utf8(path: Path) -> str:
    """Where the bytes cease to be text, and what to do."""
    with gzip.open(path) if _is_packed(path) else path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                found = f"line {number}: expected text in UTF-8, found the byte 0x{line[error.start]:02x}"
                return f"{found}. Save it as UTF-8, or: iconv -f latin1 -t utf-8 FILE > NEW"
    raise AssertionError("what could be decoded line by line, could not be as a whole")


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _opened(path: Path) -> TextIO:
    if _is_packed(path):
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8-sig", newline=""))
    return path.open(encoding="utf-8-sig", newline="")


def _read(place: str, file: TextIO, *, target: Target, classes: bool | None) -> Found:
    lines = _lines(place, file)
    first, second = next(lines, None), next(lines, None)
    if first is None:
        raise TableError(f"{place}: expected rows, found an empty file")
    columns = columns_of(place, first[1], second[1] if second else None, target=target)
    data = [line for line in (first, second) if line is not None][1 if columns.header else 0 :]
    if not data:
        raise TableError(f"{place}: expected rows, found a header alone")
    reading = _Reading(columns, _text_label(columns, data[0][1], classes))
    try:
        for line in itertools.chain(data, lines):
            reading.add(*line)
            if reading.faults.enough:
                break
    except TableError:  # of the lines themselves; what went before is likelier to be why
        if not reading.faults.first:
            raise
    if reading.faults.first:
        reading.faults.refuse(place)
    return reading.found()


def _lines(place: str, file: TextIO) -> Iterator[Line]:
    """The lines that hold something. Raises TableError where quotes do not match."""
    delimiter = _delimiter(file.read(SAMPLE))
    file.seek(0)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if len(cells) > 1 or (cells and cells[0].strip()):
                yield reader.line_num, cells
    except csv.Error as error:
        raise TableError(f"{place}: line {reader.line_num}: {error}") from None


def _delimiter(sample: str) -> str:
    """The one that the first line has most of; a comma where it has none."""
    first = next((line for line in sample.splitlines() if line.strip()), "")
    return max(",;\t", key=first.count)


def _text_label(columns: Columns, cells: Sequence[str], classes: bool | None) -> int | None:
    """The column to be read as labels: where classes are asked for, or the first row has text there."""
    if len(columns.targets) != 1 or classes is False:
        return None
    column = columns.targets[0]
    text = column < len(cells) and not is_number(cells[column]) and not is_missing(cells[column])
    return column if classes or text else None


@dataclass(slots=True)
class _Reading:
    """What was read so far."""

    columns: Columns
    label: int | None  # the column of labels; None: what is predicted is numbers
    x: list[NDArray[np.float64]] = field(default_factory=list)
    y: list[NDArray[np.float64]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)

    def add(self, line: int, cells: Sequence[str]) -> None:
        """One line: its numbers, or its faults."""
        if len(cells) != len(self.columns.names):
            width = len(self.columns.names)
            self.faults.add("width", f"line {line}: expected {width} columns, found {len(cells)}")
            return
        self.x.append(self._numbers(line, cells, self.columns.inputs))
        if self.label is None:
            expected = VALUE if len(self.columns.targets) == 1 else ONE_OF_SEVERAL
            self.y.append(self._numbers(line, cells, self.columns.targets, expected))
        elif is_missing(cells[self.label]):
            self._fault(line, self.label, "a label", cells[self.label])
        else:
            self.labels.append(cells[self.label].strip())

    def found(self) -> Found:
        """All of it."""
        x = np.stack(self.x)
        if self.label is None:
            names = tuple(self.columns.names[column] for column in self.columns.targets)
            return Found(x, np.stack(self.y), labels=names)
        y, names = numbered(self.labels)
        return Found(x, y, labels=names)

    def _numbers(
        self, line: int, cells: Sequence[str], columns: Sequence[int], expected: str = "a number"
    ) -> NDArray[np.float64]:
        try:
            row = np.array([cells[column] for column in columns], dtype=np.float64)
        except ValueError:
            row = np.full(1, np.nan)
        if not np.isfinite(row).all():
            for column in columns:
                if not is_number(cells[column]):
                    self._fault(line, column, expected, cells[column])
        return row

    def _fault(self, line: int, column: int, expected: str, cell: str) -> None:
        found = repr(cell) if cell.strip() else "nothing"
        place = self.columns.place(column)
        self.faults.add(place, f"line {line}, {place}: expected {expected}, found {found}")


def numbered(cells: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Labels as int64 ``[N]``, and their names: sorted by value where all are numbers, else by the alphabet.

    Numbers that are equal are one label, whose name is the shortest way that one of them is written.
    """
    written = sorted(set(cells), key=lambda cell: (len(cell), cell))
    numbers = all(is_number(cell) for cell in written)
    value = {cell: _value(cell) if numbers else cell for cell in written}
    name = {value[cell]: cell for cell in reversed(written)}
    values: list[Any] = sorted(name)
    number = {one: i for i, one in enumerate(values)}
    return np.array([number[value[cell]] for cell in cells], np.int64), tuple(name[one] for one in values)


def _value(cell: str) -> int | float:
    """The number that a cell says: to its last digit where it is a whole one, as long keys may be."""
    try:
        return int(cell)
    except ValueError:
        return float(cell)
