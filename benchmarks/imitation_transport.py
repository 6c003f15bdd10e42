"""What a kept row costs on its way from a Player to the Trainer's buffer: microseconds and bytes a row, four ways.

    python benchmarks/imitation_transport.py [--rows 100000] [--features 8] [--repeats 5]

A row is an observation of float32 and an action. ``json`` is how wpfvs sends them, one list of rows as text; with
``manager`` its Executor also appends each to a list of another process and reads that twice, once for the inputs and
once for the targets, which is a question and an answer between processes for every row (few rows are enough to see).
``arrays`` is what touchline does: messages encoded, decoded and joined to what is remembered; ``copied`` counts a copy
of the bytes in between too, as a socket makes one. Each figure is the best of the repeats.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from touchline.protocol.codec import decode, encode
from touchline.protocol.limits import Limits
from touchline.protocol.messages import Result
from touchline.trainer.imitating import Buffer, Rows

MANAGER_ROWS = 2000
RESULTS = 4  # that a round's rows come in
MESSAGE = Result(session=1, seq=0, order=1, epoch=1, version=0, meta={})


class Cost(NamedTuple):
    """Of one row: microseconds, and bytes on the wire."""

    microseconds: float
    size: float


def rows_of(rows: int, features: int) -> dict[str, np.ndarray]:
    """A result's rows: observations float32 [K, D], actions uint8 [K]."""
    rng = np.random.default_rng(0)
    observations = rng.standard_normal((rows, features), np.float32)
    return {"observations": observations, "actions": rng.integers(0, 4, rows).astype(np.uint8)}


def by_json(arrays: dict[str, np.ndarray]) -> int:
    """Text and back, and onto a list of this process: the bytes it took."""
    text = json.dumps(list(zip(arrays["observations"].tolist(), arrays["actions"].tolist(), strict=True)))
    shared: list[object] = []
    for row in json.loads(text):
        shared.append(row)
    np.array([row[0] for row in shared], np.float32)
    np.array([row[1] for row in shared])
    return len(text)


def by_manager(arrays: dict[str, np.ndarray]) -> int:
    """The same onto a list that another process holds."""
    text = json.dumps(list(zip(arrays["observations"].tolist(), arrays["actions"].tolist(), strict=True)))
    with multiprocessing.Manager() as manager:
        shared = manager.list()
        began = time.perf_counter()
        for row in json.loads(text):
            shared.append(row)
        np.array([row[0] for row in shared], np.float32)
        np.array([row[1] for row in shared])
        by_manager.seconds = time.perf_counter() - began  # type: ignore[attr-defined]  # without its start
    return len(text)


def by_arrays(arrays: dict[str, np.ndarray], *, copied: bool = False) -> int:
    """A round's messages and back, and into the Trainer's buffer."""
    size, came = 0, []
    for part in np.array_split(np.arange(len(arrays["actions"])), RESULTS):
        some = slice(part[0], part[-1] + 1)
        frames = encode(MESSAGE, {name: array[some] for name, array in arrays.items()})
        if copied:
            frames = [bytes(frame) for frame in frames]
        found = decode(frames, limits=Limits()).arrays
        weights = np.ones(len(part), np.float32)
        came.append(Rows(found["observations"], found["actions"].astype(np.intp), weights))
        size += sum(len(frame) for frame in frames)
    buffer = Buffer(keep=1)
    buffer.add(came)
    buffer.rows()
    return size


def cost_of(way: Callable[[dict[str, np.ndarray]], int], arrays: dict[str, np.ndarray], repeats: int) -> Cost:
    """The quickest of the repeats."""
    rows, best, size = len(arrays["actions"]), float("inf"), 0
    for _ in range(repeats):
        began = time.perf_counter()
        size = way(arrays)
        seconds = time.perf_counter() - began
        best = min(best, getattr(way, "seconds", seconds))
    return Cost(1e6 * best / rows, size / rows)


def costs(*, rows: int, features: int, repeats: int) -> dict[str, Cost]:
    """Every way's cost; ``manager`` of fewer rows and once, for it is slow."""
    arrays = rows_of(rows, features)
    few = {name: array[:MANAGER_ROWS] for name, array in arrays.items()}
    return {
        "json": cost_of(by_json, arrays, repeats),
        "json, manager": cost_of(by_manager, few, 1),
        "arrays": cost_of(by_arrays, arrays, repeats),
        "arrays, copied": cost_of(lambda given: by_arrays(given, copied=True), arrays, repeats),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--features", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(f"{'':>16} {'us a row':>10} {'bytes a row':>12}")
    for name, cost in costs(**vars(options)).items():
        print(f"{name:>16} {cost.microseconds:>10.4f} {cost.size:>12.1f}")


if __name__ == "__main__":
    main()
