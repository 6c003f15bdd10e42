"""gymnasium's spaces as plain data, and whether observations lie in them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, assert_never

import gymnasium.spaces as gym
import numpy as np
from numpy.typing import NDArray

from touchline.envs.errors import EnvironmentFault, UnsupportedSpace
from touchline.policy.numbers import is_finite
from touchline.policy.records import Record
from touchline.policy.spaces import (
    BOX_DTYPES,
    MAX_DEPTH,
    SUPPORTED_ACTIONS,
    SUPPORTED_OBSERVATIONS,
    Box,
    Dict,
    Discrete,
    Leaf,
    MultiBinary,
    MultiDiscrete,
    Path,
    Space,
    Tuple,
    path_text,
    raw_shape,
)


def observation_space(space: Any) -> Space:
    """The plain form of an observation space. Raises UnsupportedSpace, which names the part."""
    return _plain(space, Use("observation", SUPPORTED_OBSERVATIONS), ())


def action_space(space: Any) -> Space:
    """The plain form of an action space. Raises UnsupportedSpace, which names the part."""
    return _plain(space, Use("action", SUPPORTED_ACTIONS), ())


def check_observations(space: Space, observations: NDArray[Any], *, strict: bool = True) -> int:
    """How many numbers lie outside their space: 0, or an EnvironmentFault that names the first.

    ``observations`` is ``[B, ...]`` or time-major ``[T, B, ...]``, of the space's raw shape and dtype. The
    fault names the lane and, with a time axis, the row as its step.

    Not ``strict``, a number beyond the bounds of a Box is only counted, for environments leave their own
    (LunarLander-v3 does for as long as it flies high) and nothing is scaled by them. What no network can read is a
    fault in any case: NaN, an infinity, and a count or bit that does not exist. Of a Dict or Tuple every leaf is
    looked at, and the fault names it.
    """
    if not isinstance(space, Tuple | Dict):
        return _check_leaf("observation", space, observations, strict)
    views = Record.of(space).views(observations)
    return sum(
        _check_leaf(path_text("observation", leaf.path), leaf.space, view, strict) for leaf, view in views
    )


def _check_leaf(where: str, space: Leaf, observations: NDArray[Any], strict: bool) -> int:
    low, high = _bounds(space)
    if _covers(observations.dtype, low, high):
        return 0
    inside = (observations >= low) & (observations <= high)
    readable = is_finite(observations) if isinstance(space, Box) else inside
    fatal = inside & readable if strict else readable
    if not fatal.all():
        raise _outside(where, observations, np.argwhere(~fatal)[0].tolist(), low, high)
    return int(inside.size - np.count_nonzero(inside))


class Use(NamedTuple):
    """What a space is for."""

    name: str
    supported: str


def _plain(space: Any, use: Use, path: Path) -> Space:
    match space:
        case gym.Box():
            return _plain_box(space, use, path)
        case gym.Discrete():
            return Discrete(int(space.n), int(space.start))
        case gym.MultiDiscrete():
            return _plain_multi_discrete(space)
        case gym.MultiBinary():
            return MultiBinary(tuple(int(n) for n in space.shape))
        case gym.Dict() | gym.Tuple():
            return _plain_parts(space, use, path)
        case _:
            raise _unsupported(space, use, path, _hint(space, use))


def _plain_parts(space: Any, use: Use, path: Path) -> Tuple | Dict:
    if len(space.spaces) == 0 or len(path) >= MAX_DEPTH:
        raise _unsupported(space, use, path, f"It has one part at least, {MAX_DEPTH} in one another at most")
    if isinstance(space, gym.Tuple):
        return Tuple(tuple(_plain(one, use, (*path, i)) for i, one in enumerate(space.spaces)))
    names = tuple(space.spaces)
    if not all(isinstance(name, str) for name in names):
        raise _unsupported(space, use, path, "The names in a Dict are strings")
    return Dict(names, tuple(_plain(one, use, (*path, name)) for name, one in space.spaces.items()))


def _plain_multi_discrete(space: gym.MultiDiscrete) -> MultiDiscrete:
    start = tuple(int(n) for n in np.ravel(space.start))
    shape = tuple(int(n) for n in space.nvec.shape)
    return MultiDiscrete(
        tuple(int(n) for n in space.nvec.ravel()),
        start=start if any(start) else (),
        shape=shape if len(shape) != 1 else (),
    )


def _plain_box(space: gym.Box, use: Use, path: Path) -> Box:
    if space.dtype.kind not in "fiub" or 0 in space.shape or space.dtype.name not in BOX_DTYPES:
        raise _unsupported(space, use, path, "A Box holds at least one real number")
    if use.name == "action" and space.dtype.kind != "f":
        raise _unsupported(space, use, path, "A Box of actions holds floats. Of integers take MultiDiscrete")
    low, high = (tuple(float(bound) for bound in bounds.ravel()) for bounds in (space.low, space.high))
    return Box(tuple(int(n) for n in space.shape), space.dtype.name, low, high)


HINTS = {
    "Text": "as MultiDiscrete, one number a character",
    "Graph": "as a Box of its nodes and one of its edges, of a fixed size",
    "Sequence": "as a Box of a fixed length, padded",
    "OneOf": "as a Dict: a Discrete that says which, and all of them",
}


def _hint(space: Any, use: Use) -> str:
    """What can be done in a config: gymnasium's own wrappers that change a space want a Python function."""
    how = HINTS.get(type(space).__name__)
    if how is None:
        return ""
    own = f"A wrapper of your own (env.wrappers: [path/file.py:Wrapper]) can give it {how}"
    drop = "; within a Dict or a Tuple, FilterObservation leaves it out" if use.name == "observation" else ""
    return own + drop


def _unsupported(space: Any, use: Use, path: Path, hint: str) -> UnsupportedSpace:
    where = path_text(f"{use.name} space", path)
    return UnsupportedSpace(where=where, expected=f"one of {use.supported}", found=str(space), hint=hint)


@lru_cache(maxsize=64)
def _bounds(space: Leaf) -> tuple[NDArray[Any], NDArray[Any]]:
    """The least and greatest value of each element, in an array that broadcasts against observations."""
    match space:
        case Box():
            dtype = space.dtype if np.dtype(space.dtype).kind == "f" else "float64"
            low, high = np.array(space.low, dtype=dtype), np.array(space.high, dtype=dtype)
            return low.reshape(space.shape), high.reshape(space.shape)
        case Discrete():
            return np.array(space.start), np.array(space.start + space.n - 1)
        case MultiDiscrete():
            low, shape = np.array(space.starts, dtype=np.int64), raw_shape(space)
            return low.reshape(shape), (low + np.array(space.nvec) - 1).reshape(shape)
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
    where: str, observations: NDArray[Any], index: list[int], low: NDArray[Any], high: NDArray[Any]
) -> EnvironmentFault:
    element_axes = low.ndim
    lead, element = index[: len(index) - element_axes], tuple(index[len(index) - element_axes :])
    place = f" in element {list(element)}" if element else ""
    return EnvironmentFault(
        where=where,
        expected=f"a finite value from {low[element]} to {high[element]}",
        found=f"{observations[tuple(index)]}{place}",
        lane=lead[-1] if lead else None,
        step=lead[0] if len(lead) > 1 else None,
    )
