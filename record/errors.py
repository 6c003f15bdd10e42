"""What can go wrong with a run's files, as one small tree; the text of each is what the user reads.

RecordError
├── RunExists        the directory of a new run is taken
├── RunNotFound      nothing answers to a run's name, number or path, or several do
├── RunNameError     a name that could not be told from a path or a number
├── LinesError       a line before the last one of a .jsonl file cannot be read
├── CheckpointError  a checkpoint is missing, damaged, or cannot be written as asked
└── MissingView      plots were asked for and the extra that draws them is not installed
"""

from __future__ import annotations

from pathlib import Path


class RecordError(Exception):
    """Any fault of a run directory."""


class RunExists(RecordError):
    """The directory of a new run is taken; ``path`` is that directory."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: a run of this name exists; choose another --name, or move it away")
        self.path = path


class RunNotFound(RecordError):
    """No run, or more than one, answers to what was asked for."""


class RunNameError(RecordError):
    """A run's name that would read as a path or as a number."""


class LinesError(RecordError):
    """A .jsonl file with an unreadable line that is not its last one."""


class CheckpointError(RecordError):
    """A checkpoint that is missing or damaged: the file, what was expected, what was found."""


class MissingView(RecordError):
    """matplotlib is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "plots need matplotlib: install touchline with its extra view (in its checkout, pip install '.[view]')"
        )
