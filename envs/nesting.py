"""Observations and actions of several parts, between the lanes' arrays and what environments give and take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.envs.contract import pack_record
from touchline.policy.records import Record, flat_values, nested
from touchline.policy.spaces import Dict, Discrete, Space, Tuple, raw_dtype


def store_records(record: Record, observations: Sequence[Any], out: NDArray[np.uint8]) -> None:
    """Copy nested observations, one a lane, into records ``[B, nbytes]``: one call a leaf, not one a lane.

    Raises what numpy or a missing name does where one does not fit; which, the caller must find out.
    """
    record.clear(out)
    for leaf, view in record.views(out):
        column = observations
        for step in leaf.path:
            column = [one[step] for one in column]
        if leaf.shape:  # np.stack does the same, ten times as slowly
            np.concatenate([one[None] for one in column], out=view, casting="same_kind")
        else:
            np.copyto(view, np.array(column), casting="same_kind")


def final_record(record: Record, finals: Any, lane: int) -> NDArray[np.uint8]:
    """One lane's final observation as a record, of an array of nested ones or a nest of arrays. Raises Breach."""
    if isinstance(finals, np.ndarray):
        final = finals[lane]
    else:
        final = nested(record.space, [batch[lane] for batch in flat_values(record.space, finals)])
    row = np.empty(record.nbytes, np.uint8)
    pack_record(record, final, row)
    return row


def owned_batch(space: Space, batch: Any) -> Any:
    """A copy of raw actions of B lanes, in their dtypes: an environment may keep hold of it."""
    match space:
        case Tuple():
            return tuple(owned_batch(one, own) for one, own in zip(space.spaces, batch, strict=True))
        case Dict():
            return {
                name: owned_batch(one, batch[name])
                for name, one in zip(space.names, space.spaces, strict=True)
            }
        case _:
            return np.array(batch, dtype=raw_dtype(space))


def owned_actions(space: Space, batch: Any) -> list[Any]:
    """One action a lane of raw actions of B lanes, of which an environment may keep hold."""
    match space:
        case Discrete():
            return batch.tolist()  # type: ignore[no-any-return]
        case Tuple():
            parts = [owned_actions(one, own) for one, own in zip(space.spaces, batch, strict=True)]
            return list(zip(*parts, strict=True))
        case Dict():
            names = space.names
            parts = [owned_actions(one, batch[name]) for name, one in zip(names, space.spaces, strict=True)]
            return [dict(zip(names, values, strict=True)) for values in zip(*parts, strict=True)]
        case _:
            return list(np.array(batch, dtype=raw_dtype(space)))
