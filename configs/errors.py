"""What is wrong with a config: faults with a place each, and the one error that carries them all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

PYTHON = "python"


class Place(NamedTuple):
    """Where a value was given: a file with its line and column (from 1), or a flag, or Python."""

    source: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, as expected against found.

    ``expected`` is None where ``found`` is a sentence of its own; ``found`` is None where nothing was given.
    """

    place: Place
    key: str
    expected: str | None
    found: str | None
    hint: str = ""

    def __str__(self) -> str:
        # A traceback shows where in Python; the word alone would say nothing.
        place = "" if self.place.source == PYTHON else str(self.place)
        parts = [place, self._subject(), self._statement()]
        text = ": ".join(part for part in parts if part)
        line = f"{text}. {self.hint}" if self.hint else text
        return line.replace("\n", "\\n")  # a key or a value may hold one; a fault is a line

    def _subject(self) -> str:
        # A flag's place already names the key, and a sentence of its own names what it is about.
        named = self.place.source == f"--{self.key}"
        return "" if named or self.expected is None else self.key

    def _statement(self) -> str:
        if self.expected is None:
            return self.found or ""
        if self.found is None:
            return f"missing, expected {self.expected}"
        return f"expected {self.expected}, found {self.found}"


class ConfigError(ValueError):
    """Every fault of a config at once; the text is one line a fault, in the order of the file."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))
