"""Actions as a policy draws them, to actions as an environment's space has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.spaces import Box, Discrete, Space

AnyArray = NDArray[Any]


def environment_actions(space: Space) -> Callable[[AnyArray], AnyArray]:
    """The map of drawn actions ``[B, ...]``: a Box's are clipped to its bounds and shaped, others start at ``start``.

    The drawn action itself is what a trajectory keeps: log probabilities and ratios are computed there.
    """
    match space:
        case Box():
            return _clipped(space)
        case Discrete(start=start) if start != 0:
            return lambda actions: actions + start
        case _:
            return lambda actions: actions


def _clipped(space: Box) -> Callable[[AnyArray], AnyArray]:
    low = np.asarray(space.low, space.dtype).reshape(space.shape)
    high = np.asarray(space.high, space.dtype).reshape(space.shape)

    def clipped(actions: AnyArray) -> AnyArray:
        return np.clip(actions.reshape(len(actions), *space.shape), low, high)

    return clipped
