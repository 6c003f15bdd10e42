"""Checkpoints: arrays in safetensors, the rest in JSON, nothing that runs code when it is read.

checkpoints/<version>/ holds weights.safetensors, optimizer.safetensors and state.json, whose ``sha256``
names the digest of the two and of its own ``state``. A checkpoint is there whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load as decode_arrays
from safetensors.numpy import save as encode_arrays

from touchline.record.directory import RunDirectory
from touchline.record.errors import CheckpointError
from touchline.record.files import plain, sync_folder, write_atomic, write_file

Arrays = Mapping[str, NDArray[Any]]
Which = Literal["latest", "best"] | int
FORMAT = 1
STORABLE = "biuf"  # numpy kinds: bool, int, unsigned, float


@dataclass(frozen=True)
class Checkpoint:
    """What was saved; the arrays are the caller's own, writable, of the dtypes and shapes saved."""

    version: int
    weights: dict[str, NDArray[Any]]
    optimizer: dict[str, NDArray[Any]]
    state: dict[str, Any]


def save_checkpoint(
    run: RunDirectory,
    *,
    version: int,
    weights: Arrays,
    optimizer: Arrays,
    state: Mapping[str, Any],
    keep: int,
    best: bool = False,
) -> Path:
    """Write checkpoints/<version> and name it the latest (and, on request, the best).

    Then remove all but the newest ``keep``, never version 0, the best or the latest. ``state`` is anything
    JSON can hold; integers of any size and NaN come back as they went. Saving a version again replaces
    it. One writer a run. Raises CheckpointError for an array of objects or strings.
    """
    files = {"weights.safetensors": _encode("weights", weights)}
    files["optimizer.safetensors"] = _encode("optimizer", optimizer)
    files["state.json"] = _encode_state(version, state, files)
    path = run.checkpoints / str(version)
    _write_folder(path, files)
    _point(run, "latest", version)
    if best:
        _point(run, "best", version)
    _prune(run, keep=keep)
    return path


def save_best(
    run: RunDirectory, *, version: int, weights: Arrays, state: Mapping[str, Any], keep: int
) -> Path:
    """Name a version the best that may be older than the latest, and write it where it is not saved yet.

    One that is saved keeps all it has, and ``state`` is added to its state; one that is written now has no
    optimiser's arrays: those are of the latest. Which is the latest stays as it is. Raises CheckpointError.
    """
    saved = load_checkpoint(run, version) if version in checkpoint_versions(run) else None
    files = {"weights.safetensors": _encode("weights", saved.weights if saved else weights)}
    files["optimizer.safetensors"] = _encode("optimizer", saved.optimizer if saved else {})
    whole = {**saved.state, **state} if saved else state
    files["state.json"] = _encode_state(version, whole, files)
    path = run.checkpoints / str(version)
    _write_folder(path, files)
    _point(run, "best", version)
    _prune(run, keep=keep)
    return path


def mark_best(run: RunDirectory, version: int) -> None:
    """Name a saved checkpoint the best, which keeps it from being pruned."""
    _require(run, version)
    _point(run, "best", version)


def checkpoint_versions(run: RunDirectory) -> list[int]:
    """The versions on disk, oldest first."""
    if not run.checkpoints.is_dir():
        return []
    return sorted(int(entry.name) for entry in run.checkpoints.iterdir() if entry.name.isdecimal())


def load_checkpoint(run: RunDirectory, which: Which = "latest") -> Checkpoint:
    """Read one back. Raises CheckpointError with the file, what was expected and what was found."""
    version = which if isinstance(which, int) else _pointed(run, which)
    folder = _require(run, version)
    header = _read_header(folder / "state.json")
    digests = header["sha256"]
    return Checkpoint(
        version=version,
        weights=_decode(folder / "weights.safetensors", digests),
        optimizer=_decode(folder / "optimizer.safetensors", digests),
        state=header["state"],
    )


def _encode(kind: str, arrays: Arrays) -> bytes:
    for name, array in arrays.items():
        if array.dtype.kind not in STORABLE:
            raise CheckpointError(f"{kind} {name!r}: expected numbers or booleans, found {array.dtype}")
    return encode_arrays({name: np.asarray(array, order="C") for name, array in arrays.items()})


def _encode_state(version: int, state: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    digests = {name: _digest(content) for name, content in files.items()}
    text = _state_text(dict(state))
    digests["state"] = _digest(text.encode())
    page = {"format": FORMAT, "version": version, "sha256": digests, "state": json.loads(text)}
    return (_state_text(page, indent=2) + "\n").encode()


def _state_text(state: dict[str, Any], *, indent: int | None = None) -> str:
    # Python's own JSON: a random generator's state has integers of 128 bits, and NaN must come back as NaN
    return json.dumps(state, default=plain, sort_keys=True, indent=indent)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name, content in files.items():
        write_file(temporary / name, content, durable=True)
    sync_folder(temporary)
    if path.exists():  # a folder that is not empty cannot be replaced by a rename
        _remove(path)
    temporary.rename(path)
    sync_folder(path.parent)


def _remove(path: Path) -> None:
    hidden = path.with_name(f".{path.name}.old.tmp")  # so that no reader meets half of it
    path.rename(hidden)
    shutil.rmtree(hidden)


def _point(run: RunDirectory, name: str, version: int) -> None:
    write_atomic(run.checkpoints / name, f"{version}\n".encode(), durable=True)


def _pointed(run: RunDirectory, name: str) -> int:
    path = run.checkpoints / name
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise CheckpointError(f"{path}: missing; {_existing(run)}") from None
    if not text.isdecimal():
        raise CheckpointError(f"{path}: expected a version, found {text!r}")
    return int(text)


def _require(run: RunDirectory, version: int) -> Path:
    folder = run.checkpoints / str(version)
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: missing; {_existing(run)}")
    return folder


def _existing(run: RunDirectory) -> str:
    versions = ", ".join(map(str, checkpoint_versions(run)))
    return f"versions on disk: {versions}" if versions else "the run has no checkpoint"


def _prune(run: RunDirectory, *, keep: int) -> None:
    versions = checkpoint_versions(run)
    kept = {0, _pointed(run, "latest"), *versions[max(0, len(versions) - keep) :]}
    if (run.checkpoints / "best").exists():
        kept.add(_pointed(run, "best"))
    for version in versions:
        if version not in kept:
            _remove(run.checkpoints / str(version))
    for left_over in run.checkpoints.glob(".*.tmp"):  # of a writer that was killed
        shutil.rmtree(left_over, ignore_errors=True)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise CheckpointError(f"{path}: missing") from None


def _read_header(path: Path) -> dict[str, Any]:
    try:
        header = json.loads(_read(path))
        found, digests, state = header["format"], header["sha256"], header["state"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: expected format, sha256 and state as JSON, found {error}") from None
    if found != FORMAT:
        raise CheckpointError(f"{path}: expected checkpoint format {FORMAT}, found {found!r}")
    _verify(path, _state_text(state).encode(), digests.get("state"))
    return dict(header)


def _verify(path: Path, content: bytes, expected: object) -> None:
    found = _digest(content)
    if found != expected:
        raise CheckpointError(f"{path}: expected sha256 {expected}, found {found}: the file was changed")


def _decode(path: Path, digests: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    content = _read(path)
    _verify(path, content, digests.get(path.name))
    return dict(decode_arrays(content))
