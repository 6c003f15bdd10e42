"""What a Player says of its spaces: short enough for a message, and equal for equal spaces alone."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from typing import Any

import numpy as np

from touchline.policy.spaces import Box, Dict, Space, SpaceError, Tuple, leaves, to_plain

MAX_OWN_BOUNDS = 1024  # numbers with bounds of their own: 18 KiB of the 64 that a message's header has


def announced(observation_space: Space, action_space: Space) -> dict[str, dict[str, Any]]:
    """Both spaces as plain data.

    Raises SpaceError for actions of which too many have bounds of their own: they are needed wherever one plays.
    """
    if (count := own_bounds(action_space)) > MAX_OWN_BOUNDS:
        raise SpaceError(
            f"action space: expected at most {MAX_OWN_BOUNDS} numbers with bounds of their own, found {count}. "
            "A wrapper such as RescaleAction can give all of them the same"
        )
    return {"observation": to_plain(summarised(observation_space)), "action": to_plain(action_space)}


def own_bounds(space: Space) -> int:
    """How many numbers of a space have bounds that are sent one by one."""
    return sum(leaf.size for _, leaf in leaves(space) if isinstance(leaf, Box) and _is_individual(leaf))


def summarised(space: Space) -> Space:
    """The same space where few numbers have bounds of their own, else every Box with its widest and a digest of all.

    The bounds of observations are looked at where one plays alone; a network does not depend on them.
    """
    return _summarised(space) if own_bounds(space) > MAX_OWN_BOUNDS else space


def _summarised(space: Space) -> Space:
    if isinstance(space, Dict | Tuple):
        return replace(space, spaces=tuple(_summarised(one) for one in space.spaces))
    if not isinstance(space, Box) or not _is_individual(space):
        return space
    size = math.prod(space.shape)
    # -0.0 and 0.0 are equal as bounds, and so must their digests be.
    bounds = np.array([space.low, space.high], np.float64) + 0.0
    digest = hashlib.sha256(bounds.astype("<f8").tobytes()).hexdigest()
    return replace(space, low=(min(space.low),) * size, high=(max(space.high),) * size, digest=digest)


def _is_individual(box: Box) -> bool:
    return max(len(set(box.low)), len(set(box.high))) > 1
