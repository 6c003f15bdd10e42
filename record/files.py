"""Writing files so that a reader, or a power cut, never meets half of one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np


def write_atomic(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Replace ``path`` by ``content`` in one step.

    ``durable`` waits until the disk has it, which takes milliseconds: for what is written once, not for
    what is written several times a second. One writer a path: the temporary file has a fixed name, so
    that an interrupted write leaves at most one, which the next write takes over.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    write_file(temporary, content, durable=durable)
    temporary.replace(path)
    if durable:
        sync_folder(path.parent)


def write_file(path: Path, content: bytes, *, durable: bool) -> None:
    """Write ``content`` to ``path``, and wait for the disk if ``durable``."""
    with path.open("wb") as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in ``folder`` are on the disk, where the system can do that."""
    if os.name == "nt":  # a directory cannot be opened there, and a rename is journalled anyway
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def plain(value: Any) -> Any:
    """What JSON has no word for, as the nearest thing it has: numpy numbers and arrays, and paths."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"cannot be written as JSON: {type(value).__name__}")


ENCODER = msgspec.json.Encoder(enc_hook=plain)


def encode_line(value: Any) -> bytes:
    """``value`` as one line of JSON with its newline; a NaN or an infinity becomes null."""
    return ENCODER.encode(value) + b"\n"


def encode_page(value: Any) -> bytes:
    """``value`` as JSON laid out for people."""
    return msgspec.json.format(ENCODER.encode(value), indent=2) + b"\n"
