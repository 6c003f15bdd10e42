"""gymnasium's spaces as plain data, and whether observations lie in them."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, assert_never

import gymnasium.spaces as gym
import numpy as np
from numpy.typing import NDArray

from touchline.envs.errors import EnvironmentFault, UnsupportedSpace
from touchline.policy.spaces import (
    SUPPORTED_ACTIONS,
    SUPPORTED_OBSERVATIONS,
    Box,
    Discrete,
    MultiBinary,
    MultiDiscrete,
    Space,
    raw_shape,
)


def observation_space(space: Any) -> Space:
    """The plain form of an observation space. Raises UnsupportedSpace."""
    if isinstance(space, gym.Dict | gym.Tuple):
        hint = "The wrapper FlattenObservation makes one array of it"
        raise _unsupported(space, "observation", SUPPORTED_OBSERVATIONS, hint)
    if isinstance(space, gym.Box | gym.Discrete | gym.MultiDiscrete | gym.MultiBinary):
        return _plain(space, "observation", SUPPORTED_OBSERVATIONS)
    raise _unsupported(space, "observation", SUPPORTED_OBSERVATIONS)


def action_space(space: Any) -> Space:
    """The plain form of an action space. Raises UnsupportedSpace."""
    if isinstance(space, gym.Box):
        if space.dtype.kind != "f":
            raise _unsupported(space, "action", SUPPORTED_ACTIONS, "A Box of actions holds floats")
        return _plain(space, "action", SUPPORTED_ACTIONS)
    if isinstance(space, gym.Discrete | gym.MultiDiscrete):
        return _plain(space, "action", SUPPORTED_ACTIONS)
    raise _unsupported(space, "action", SUPPORTED_ACTIONS)


def check_observations(space: Space, observations: NDArray[Any], *, strict: bool = True) -> int:
    """How many numbers lie outside their space: 0, or an EnvironmentFault that names the first.

    ``observations`` is ``[B, ...]`` or time-major ``[T, B, ...]``, of the space's raw shape and dtype. The
    fault names the lane and, with a time axis, the row as its step.

    Not ``strict``, a number beyond the bounds of a Box is only counted, for environments leave their own
    (LunarLander-v3 does whenever it flies high) and learning goes on. What no network can read is a fault in
    any case: NaN, an infinity, and a count or bit that does not exist.
    """
    low, high = _bounds(space)
    if _covers(observations.dtype, low, high):
        return 0
    inside = (observations >= low) & (observations <= high)
    readable = np.isfinite(observations) if isinstance(space, Box) else inside
    fatal = inside & readable if strict else readable
    if not fatal.all():
        raise _outside(observations, np.argwhere(~fatal)[0].tolist(), low, high)
    return int(inside.size - np.count_nonzero(inside))


def count_outside(space: Space, observations: NDArray[Any]) -> int:
    """``check_observations`` for what was played: stray numbers are counted, a space that does not fit is a fault.

    It does not fit when on average every second observation has a number outside. Raises EnvironmentFault.
    """
    outside = check_observations(space, observations, strict=False)
    if 2 * outside * math.prod(raw_shape(space)) > observations.size:
        check_observations(space, observations, strict=True)
    return outside


def _plain(space: Any, use: str, supported: str) -> Space:
    match space:
        case gym.Box():
            return _plain_box(space, use, supported)
        case gym.Discrete():
            return Discrete(int(space.n), int(space.start))
        case gym.MultiDiscrete():
            if space.nvec.ndim != 1 or np.any(space.start != 0):
                raise _unsupported(space, use, supported, "MultiDiscrete is one row of counts, from 0")
            return MultiDiscrete(tuple(int(n) for n in space.nvec))
        case _:
            return MultiBinary(tuple(int(n) for n in space.shape))


def _plain_box(space: gym.Box, use: str, supported: str) -> Box:
    if space.dtype.kind not in "fiub" or 0 in space.shape:
        raise _unsupported(space, use, supported, "A Box holds at least one real number")
    low, high = (tuple(float(bound) for bound in bounds.ravel()) for bounds in (space.low, space.high))
    return Box(tuple(int(n) for n in space.shape), space.dtype.name, low, high)


def _unsupported(space: Any, use: str, supported: str, hint: str = "") -> UnsupportedSpace:
    return UnsupportedSpace(where=f"{use} space", expected=f"one of {supported}", found=str(space), hint=hint)


@lru_cache(maxsize=8)
def _bounds(space: Space) -> tuple[NDArray[Any], NDArray[Any]]:
    """The least and greatest value of each element, in an array that broadcasts against observations."""
    match space:
        case Box():
            dtype = space.dtype if np.dtype(space.dtype).kind == "f" else "float64"
            low, high = np.array(space.low, dtype=dtype), np.array(space.high, dtype=dtype)
            return low.reshape(space.shape), high.reshape(space.shape)
        case Discrete():
            return np.array(space.start), np.array(space.start + space.n - 1)
        case MultiDiscrete():
            return np.zeros(len(space.nvec), dtype=np.int64), np.array(space.nvec) - 1
        case MultiBinary():
            return np.array(0), np.array(1)
        case _:
            assert_never(space)


def _covers(dtype: np.dtype[Any], low: NDArray[Any], high: NDArray[Any]) -> bool:
    """Whether no value of an integer dtype lies outside: the pixels of an image need no look."""
    if dtype.kind not in "iu":
        return False
    info = np.iinfo(dtype)
    return bool((low <= info.min).all() and (high >= info.max).all())


def _outside(
    observations: NDArray[Any], index: list[int], low: NDArray[Any], high: NDArray[Any]
) -> EnvironmentFault:
    element_axes = low.ndim
    lead, element = index[: len(index) - element_axes], tuple(index[len(index) - element_axes :])
    place = f" in element {list(element)}" if element else ""
    return EnvironmentFault(
        where="observation",
        expected=f"a finite value from {low[element]} to {high[element]}",
        found=f"{observations[tuple(index)]}{place}",
        lane=lead[-1] if lead else None,
        step=lead[0] if len(lead) > 1 else None,
    )
