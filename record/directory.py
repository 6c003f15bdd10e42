"""The run directory: its paths, and writing to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, final

import msgspec
from numpy.typing import NDArray

from touchline.record.crashes import keep_traceback, set_aside
from touchline.record.errors import RecordError, RunExists, RunNameError, RunNotFound
from touchline.record.files import encode_page, write_atomic
from touchline.record.lines import JsonLines
from touchline.record.status import Status, Summary

T = TypeVar("T")
LONGEST_SLUG = 80  # file systems stop at 255 bytes, readers sooner
NUMBERED = re.compile(r"(\d+)-.+-s-?\d+")
MARKS = ("config.yaml", "status.json", "summary.json", "metrics.jsonl", "episodes.jsonl", "command.txt")


@final
class RunDirectory:
    """One run's files; every path of it is named here and nowhere else."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, root: Path, *, env: str, seed: int, name: str | None = None) -> RunDirectory:
        """Make ``root/<n>-<env>-s<seed>`` with the next free number, or ``root/<name>``.

        Two runs that start at once get different numbers. Raises RunExists for a name that is taken, and
        RunNameError for one that would read as a path or a number.
        """
        root.mkdir(parents=True, exist_ok=True)
        path = _make_named(root, name) if name is not None else _make_numbered(root, env=env, seed=seed)
        run = cls(path)
        run.checkpoints.mkdir()
        run.logs.mkdir()
        return run

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """The run at ``path``. Raises RunNotFound if there is none."""
        if not is_run(path):
            raise RunNotFound(f"{path}: not a run directory (it holds none of {', '.join(MARKS)})")
        return cls(path)

    def __repr__(self) -> str:
        return f"RunDirectory({str(self.path)!r})"

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def number(self) -> int | None:
        """The number it was given, or None for a run that was named."""
        return run_number(self.name)

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def crashes(self) -> Path:
        return self.path / "crashes"

    @property
    def plots(self) -> Path:
        return self.path / "plots"

    @property
    def videos(self) -> Path:
        return self.path / "videos"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @cached_property
    def metrics(self) -> JsonLines:
        """The writer of metrics.jsonl (UpdateLine)."""
        return JsonLines(self.path / "metrics.jsonl")

    @cached_property
    def episodes(self) -> JsonLines:
        """The writer of episodes.jsonl (ResultLine)."""
        return JsonLines(self.path / "episodes.jsonl")

    @cached_property
    def evaluations(self) -> JsonLines:
        """The writer of evaluations.jsonl (EvaluationLine)."""
        return JsonLines(self.path / "evaluations.jsonl")

    def flush(self) -> None:
        """Write the lines that have gathered; to be called about once a second."""
        self.metrics.flush()
        self.episodes.flush()
        self.evaluations.flush()

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file of the run, whole or not at all."""
        return self._write(name, text.encode())

    def write_json(self, name: str, value: object) -> Path:
        """Write a JSON file of the run, whole or not at all; a NaN becomes null."""
        return self._write(name, encode_page(value))

    def write_status(self, status: Status) -> None:
        """Replace status.json; cheap enough for several times a second."""
        write_atomic(self.path / "status.json", encode_page(status))

    def write_summary(self, summary: Summary) -> None:
        """Write summary.json."""
        self.write_json("summary.json", summary)

    def read_status(self) -> Status | None:
        """The last status written, or None."""
        return self._read("status.json", Status)

    def read_summary(self) -> Summary | None:
        """The result of the run, or None while it has none."""
        return self._read("summary.json", Summary)

    def crash(self, kind: str, payload: Mapping[str, Any], text: str) -> Path:
        """Keep a traceback: ``crashes/<n>-<kind>.txt`` for people, ``.json`` (with ``payload``) for programs.

        Returns the path of the text.
        """
        return keep_traceback(self.crashes, slug(kind), {"kind": kind, **payload}, text)

    def set_aside(self, payload: Mapping[str, Any], text: str, arrays: Mapping[str, NDArray[Any]]) -> Path:
        """Keep results that nothing may be learnt from: ``crashes/<n>-invalid.txt``, ``.json`` and ``.npz``.

        The newest ten, and 64 MiB, are kept. Returns the path of the text.
        """
        return set_aside(self.crashes, payload, text, arrays)

    def _write(self, name: str, content: bytes) -> Path:
        path = self.path / name
        write_atomic(path, content, durable=True)
        return path

    def _read(self, name: str, kind: type[T]) -> T | None:
        path = self.path / name
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise RecordError(f"{path}: {error}") from None


def is_run(path: Path) -> bool:
    """Whether ``path`` is a run directory."""
    return path.is_dir() and any((path / mark).exists() for mark in MARKS)


def run_number(name: str) -> int | None:
    """The number in the name of a run that was given one."""
    match = NUMBERED.fullmatch(name)
    return int(match[1]) if match else None


def slug(text: str) -> str:
    """``text`` as part of a file name: ``ALE/Pong-v5`` becomes ``ale-pong-v5``; of a file's path, its end."""
    name = text.rpartition("/")[2] if ".py:" in text else text
    return re.sub(r"[^a-z0-9._]+", "-", name.lower()).strip("-.")[:LONGEST_SLUG] or "env"


def _make_named(root: Path, name: str) -> Path:
    if not name or name != Path(name).name or name.startswith(".") or name.isdecimal():
        raise RunNameError(f"name: expected a single folder name that is not a number, found {name!r}")
    path = root / name
    try:
        path.mkdir()
    except FileExistsError:
        raise RunExists(path) from None
    return path


def _make_numbered(root: Path, *, env: str, seed: int) -> Path:
    """Claim the next free number; the claim is a folder ``.<n>``, since mkdir succeeds for one only.

    The number is looked up again under the claim: whoever held it before may have used it meanwhile. A
    claim left by a killed process costs a number and nothing else.
    """
    number = max(_numbers(root), default=0)
    while True:
        number += 1
        claim = root / f".{number}"
        try:
            claim.mkdir()
        except FileExistsError:
            continue
        try:
            if number not in _numbers(root):
                path = root / f"{number}-{slug(env)}-s{seed}"
                path.mkdir()
                return path
        finally:
            claim.rmdir()


def _numbers(root: Path) -> set[int]:
    found = (run_number(entry.name) for entry in root.iterdir())
    return {number for number in found if number is not None}
