"""crashes/: tracebacks of what failed, and results that were set aside because nothing may be learnt from them."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.record.files import encode_page, write_atomic, write_file

Arrays = Mapping[str, NDArray[Any]]
ASIDE = "invalid"
KEPT, KEPT_BYTES = 10, 64 << 20  # of what is set aside: the newest, no more than so many and so much
NUMBER = re.compile(r"(\d+)-")


def keep_traceback(folder: Path, name: str, payload: Mapping[str, Any], text: str) -> Path:
    """``<n>-<name>.txt`` for people, ``.json`` (with ``payload``) for programs; the path of the text."""
    path = _claim(folder, name)
    path.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    write_atomic(path.with_suffix(".json"), encode_page({**payload, "traceback": text}))
    return path


def set_aside(folder: Path, payload: Mapping[str, Any], text: str, arrays: Arrays) -> Path:
    """``<n>-invalid.txt``, ``.json`` and ``.npz``: arrays by name, no pickle among them; the path of the text.

    Arrays beyond KEPT_BYTES are left out, and named under ``left_out``. Then the oldest so kept are removed until there
    are at most KEPT, and KEPT_BYTES of them.
    """
    path = _claim(folder, ASIDE)
    chosen = _within(arrays, KEPT_BYTES // 2)
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **dict(chosen))
    write_file(path.with_suffix(".npz"), content.getvalue(), durable=False)
    left_out = [name for name in arrays if name not in chosen]
    page = {**payload, "arrays": path.with_suffix(".npz").name, "left_out": left_out}
    write_atomic(path.with_suffix(".json"), encode_page(page))
    path.write_text(text + "\n", encoding="utf-8")
    _prune(folder)
    return path


def _within(arrays: Arrays, most_bytes: int) -> Arrays:
    chosen, total = {}, 0
    for name, array in arrays.items():
        if total + array.nbytes <= most_bytes:
            chosen[name] = array
            total += array.nbytes
    return chosen


def _prune(folder: Path) -> None:
    texts = sorted(folder.glob(f"*-{ASIDE}.txt"), key=_number, reverse=True)
    total = 0
    for rank, text in enumerate(texts):
        files = [file for file in map(text.with_suffix, (".txt", ".json", ".npz")) if file.exists()]
        total += sum(file.stat().st_size for file in files)
        if rank and (rank >= KEPT or total > KEPT_BYTES):
            for file in files:
                file.unlink()


def _claim(folder: Path, name: str) -> Path:
    """The next number's text file, which this caller alone has made."""
    folder.mkdir(exist_ok=True)
    number = 1 + max(map(_number, folder.glob("*.txt")), default=0)
    while True:
        path = folder / f"{number}-{name}.txt"
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return path


def _number(path: Path) -> int:
    match = NUMBER.match(path.name)
    return int(match[1]) if match else 0
