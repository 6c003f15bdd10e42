"""Games whose numbers are none: sent as they are, for the Trainer to set aside, and begun anew."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.envs.lanes import Ended, Lanes
from touchline.policy.numbers import is_finite
from touchline.policy.records import Record
from touchline.policy.spaces import Dict, Space, Tuple

AnyArray = NDArray[Any]


def finite(space: Space, observations: AnyArray, rewards: AnyArray | None = None) -> bool:
    """Whether raw observations ``[..., *raw shape]``, and rewards where given, hold neither NaN nor an infinity."""
    composite = isinstance(space, Tuple | Dict)
    parts = [view for _, view in Record.of(space).views(observations)] if composite else [observations]
    if rewards is not None:
        parts.append(rewards)
    return all(part.dtype.kind != "f" or bool(is_finite(part).all()) for part in parts)


def cut_short(lanes: Lanes, which: Iterable[int], observations: AnyArray) -> list[Ended]:
    """The episodes that these lanes are in, as ended here with a return of NaN: their seeds are then sent with them.

    ``observations`` ``[B, ...]``: the last ones.
    """
    seeds, episodes, lengths = lanes.seeds, lanes.episodes, lanes.lengths
    return [
        Ended(
            lane=lane,
            episode=episodes[lane],
            seed=seeds[lane],
            episode_return=math.nan,
            length=lengths[lane],
            final_observation=np.array(observations[lane]),
            terminated=False,
            truncated=False,
        )
        for lane in which
    ]
