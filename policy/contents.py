"""What a peer's observations and actions hold: choices that exist, numbers that are numbers.

Indices reach fancy indexing in the Trainer: out of range they would raise there, or wrap. Each function answers
with the first fault as text, None where there is none; shapes and dtypes are known to be right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.actions import columns
from touchline.policy.kinds import (
    Box,
    Dict,
    Discrete,
    Leaf,
    MultiBinary,
    MultiDiscrete,
    Space,
    Tuple,
    leaves,
    path_text,
    raw_shape,
)
from touchline.policy.records import Record

AnyArray = NDArray[Any]
Bound = int | tuple[int, ...]


def observation_fault(name: str, space: Space, raw: AnyArray) -> str | None:
    """Raw observations ``[..., *raw shape]``: choices within their spaces; numbers of a record finite too."""
    if not isinstance(space, Tuple | Dict):
        return _choice_fault(name, space, raw)
    return _first(
        _record_fault(path_text(name, leaf.path), leaf.space, view)
        for leaf, view in Record.of(space).views(raw)
    )


def observed_parts(space: Space, arrays: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """The parts of a result's observations by name, where observations are records; empty for all others."""
    if not isinstance(space, Tuple | Dict):
        return {}
    return {
        path_text(name, leaf.path): view
        for name in ("observations", "final_observations")
        for leaf, view in Record.of(space).views(arrays[name])
    }


def action_fault(name: str, space: Space, drawn: AnyArray) -> str | None:
    """Drawn actions, flat: choices are integers, counted from 0."""
    if not isinstance(space, Tuple | Dict):
        return _drawn_fault(name, space, drawn)
    faults, start = [], 0
    for path, leaf in leaves(space):
        stop = start + columns(leaf)
        own = drawn[..., start] if isinstance(leaf, Discrete) else drawn[..., start:stop]
        faults.append(_drawn_fault(path_text(name, path), leaf, own))
        start = stop
    return _first(faults)


def range_fault(name: str, values: AnyArray, *, low: Bound, stop: Bound) -> str | None:
    """``low`` and ``stop`` broadcast against the values."""
    wrong = values[(values < np.asarray(low)) | (values >= np.asarray(stop))]
    return f"{name}: expected {low} to below {stop}, found {wrong[0]}" if wrong.size else None


def _choice_fault(name: str, leaf: Leaf, raw: AnyArray) -> str | None:
    match leaf:
        case Discrete(n=n, start=start):
            return range_fault(name, raw, low=start, stop=start + n)
        case MultiDiscrete():
            flat = raw.reshape(*raw.shape[: raw.ndim - len(raw_shape(leaf))], len(leaf.nvec))
            stops = tuple(start + n for start, n in zip(leaf.starts, leaf.nvec, strict=True))
            return range_fault(name, flat, low=leaf.starts if leaf.start else 0, stop=stops)
        case _:
            return None  # any number of its dtype can be read


def _record_fault(name: str, leaf: Leaf, view: AnyArray) -> str | None:
    """Of an array on the wire the dtype says what its bytes may be; a record's are only bytes."""
    if view.dtype.kind == "f" and not (finite := np.isfinite(view)).all():
        return f"{name}: expected finite numbers, found {view[~finite][0]}"
    if view.dtype.kind == "b":
        return range_fault(name, view.view(np.uint8), low=0, stop=2)
    return _choice_fault(name, leaf, view)


def _drawn_fault(name: str, leaf: Leaf, drawn: AnyArray) -> str | None:
    match leaf:
        case Box():
            return None
        case Discrete(n=n):
            stop: int | tuple[int, ...] = n
        case MultiDiscrete(nvec=nvec):
            stop = nvec
        case MultiBinary():
            stop = 2
    fault = range_fault(name, drawn, low=0, stop=stop)
    if fault is None and drawn.dtype.kind == "f" and (broken := drawn % 1 != 0).any():
        return f"{name}: expected an integer, found {drawn[broken][0]}"
    return fault


def _first(faults: Iterable[str | None]) -> str | None:
    return next((fault for fault in faults if fault is not None), None)
