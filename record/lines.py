"""metrics.jsonl and episodes.jsonl: appended while training, readable at any moment of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, final, overload

import msgspec

from touchline.record.errors import LinesError
from touchline.record.files import encode_line

T = TypeVar("T")


class LagLine(msgspec.Struct, frozen=True, kw_only=True):
    """The lag of one update's batch; versions, but for ``gradient_steps``."""

    p50: float | None = None
    p95: float | None = None
    max: float | None = None
    mean: float | None = None
    play: float | None = None  # the part that passed while it was being played
    queue: float | None = None  # the part that passed while it waited
    per_step: float | None = None  # mean over steps, where ``mean`` is over results
    gradient_steps: float | None = None  # mean, counted in gradient steps
    values: list[int] = []  # one a result
    players: list[str] = []  # whose result each value is of


class DriftLine(msgspec.Struct, frozen=True, kw_only=True):
    """How far the live policy u, before an update, had gone from v, which played; rho = u(a)/v(a) of an action."""

    kl: float | None = None  # KL(v || u) over rows of the oldest result
    effective_fraction: float | None = None  # of the rows, under weights rho: (Σ rho)² / (n Σ rho²)
    cut_fraction: float | None = None  # of the rows: those whose ratio the correction cuts
    weight_distance: float | None = None  # max |W_u − W_v|, v of the oldest result


class UpdateLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of metrics.jsonl: one update."""

    update: int
    version: int
    seconds: float  # since the run began
    steps: int  # trained so far
    episodes: int  # ended so far
    gradient_steps: int  # so far
    return_mean: float | None = None
    steps_per_second: float | None = None
    wait_seconds: float | None = None  # waiting for this update's batch
    update_seconds: float | None = None  # computing it
    lag: LagLine = LagLine()
    drift: DriftLine = DriftLine()
    loss: dict[str, float | None] = {}


class EvaluationLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of evaluations.jsonl: one version's greedy episodes, apart from training's."""

    seconds: float  # since the run began, when it was heard of
    steps: int  # trained when the version was made
    version: int
    player: str
    episodes: int
    mean: float | None = None  # of the returns, as are the next three
    std: float | None = None
    min: float | None = None
    max: float | None = None
    length_mean: float | None = None
    seed: int = 0  # of the episodes: touchline eval --seed plays the same


class ResultLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of episodes.jsonl: one result, and the episodes that ended in it."""

    seconds: float
    steps: int
    player: str
    seq: int
    version: int
    lag: int | None = None
    weight: float = 1.0  # of its steps in the batch; 0 where it was dropped
    returns: list[float] = []
    lengths: list[int] = []
    seeds: list[int] = []


@final
class JsonLines:
    """Appends objects to a .jsonl file, one a line.

    ``append`` only encodes; ``flush`` hands what has gathered to the system in one write, and is to be
    called about once a second. The file appears with the first flush. One thread at a time. Encodes
    dicts, msgspec structs, numpy numbers and arrays; a NaN or an infinity is written as null.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting = bytearray()
        self._mended = False

    def append(self, line: object) -> None:
        """Add one line; it is on disk after the next flush."""
        self._waiting += encode_line(line)

    def flush(self) -> None:
        """Write what has gathered."""
        if not self._waiting:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self._mended:
            _cut_torn_line(self.path)
            self._mended = True
        with self.path.open("ab", buffering=0) as file:
            while self._waiting:
                written = file.write(self._waiting)
                del self._waiting[:written]

    close = flush  # no descriptor is held between flushes, so that a run has nothing to leak


@overload
def read_lines(path: Path) -> Iterator[dict[str, Any]]: ...
@overload
def read_lines(path: Path, kind: type[T]) -> Iterator[T]: ...
def read_lines(path: Path, kind: Any = dict[str, Any]) -> Iterator[Any]:
    """The lines of a .jsonl file, each as ``kind`` (a dict, or a struct such as UpdateLine).

    A file that does not exist has none. A torn last line (a killed writer, or one writing right now) is
    left out; any other unreadable line raises LinesError with its place.
    """
    if not path.exists():
        return
    decoder = msgspec.json.Decoder(kind)
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError as error:
                if not line.endswith(b"\n"):
                    return
                raise LinesError(f"{path}:{number}: {error}") from None


def _cut_torn_line(path: Path) -> None:
    """End a file of an earlier writer at its last newline, lest two lines become one."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
