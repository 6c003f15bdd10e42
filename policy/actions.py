"""Actions as a policy draws them, to actions as an environment's space has them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

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
    raw_shape,
)
from touchline.policy.records import nested

AnyArray = NDArray[Any]
Batch = Any  # raw actions of B lanes: an array [B, ...], or a tuple or dict of batches


def environment_actions(space: Space, *, squash: bool = False) -> Callable[[AnyArray], Batch]:
    """The map of drawn actions ``[B, ...]`` to raw ones: of a leaf an array, of a Tuple or Dict one of batches.

    A Box's are clipped to its bounds, or brought into them by tanh with ``squash``, and shaped; choices start at
    ``start``. The drawn action itself is what a trajectory keeps: log probabilities and ratios are computed there.
    """
    if not isinstance(space, Tuple | Dict):
        return _of_leaf(space, squash)
    whole = [leaf for _, leaf in leaves(space)]
    maps = [_of_leaf(leaf, squash) for leaf in whole]
    stops = list(accumulate(columns(leaf) for leaf in whole))
    parts = [slice(stop - columns(leaf), stop) for leaf, stop in zip(whole, stops, strict=True)]

    def of_parts(actions: AnyArray) -> Batch:
        own = [_own(leaf, actions[:, part]) for leaf, part in zip(whole, parts, strict=True)]
        return nested(space, [to_raw(one) for to_raw, one in zip(maps, own, strict=True)])

    return of_parts


def drawn_shape(space: Space) -> tuple[int, ...]:
    """The shape of one action as a policy draws it: flat."""
    match space:
        case Discrete():
            return ()
        case Tuple() | Dict():
            return (sum(columns(leaf) for _, leaf in leaves(space)),)
        case _:
            return (columns(space),)


def drawn_dtype(space: Space) -> str:
    """int64 where all is choices; float32 where any leaf is a Box: choices are then small integers in it."""
    return "float32" if any(isinstance(leaf, Box) for _, leaf in leaves(space)) else "int64"


def columns(leaf: Leaf) -> int:
    """How many numbers of a drawn row are a leaf's."""
    match leaf:
        case Discrete():
            return 1
        case MultiDiscrete():
            return len(leaf.nvec)
        case Box() | MultiBinary():
            return leaf.size
        case _:
            assert_never(leaf)


def _own(leaf: Leaf, drawn: AnyArray) -> AnyArray:
    """A leaf's columns ``[B, C]`` of the drawn rows as if it were drawn alone."""
    if isinstance(leaf, Box):
        return drawn
    choices = drawn.astype(np.int64, copy=False)
    return choices[:, 0] if isinstance(leaf, Discrete) else choices


def _of_leaf(leaf: Leaf, squash: bool) -> Callable[[AnyArray], AnyArray]:
    match leaf:
        case Box():
            return _squashed(leaf) if squash else _clipped(leaf)
        case Discrete(start=start) if start != 0:
            return lambda actions: actions + start
        case MultiDiscrete() if leaf.shape or leaf.start:
            starts, shape = np.array(leaf.starts), raw_shape(leaf)
            return lambda actions: (actions + starts).reshape(len(actions), *shape)
        case MultiBinary():
            shape = leaf.shape
            return lambda actions: actions.reshape(len(actions), *shape)
        case _:
            return lambda actions: actions


def _clipped(space: Box) -> Callable[[AnyArray], AnyArray]:
    low, high = _bounds(space)

    def clipped(actions: AnyArray) -> AnyArray:
        return np.clip(actions.reshape(len(actions), *space.shape), low, high)

    return clipped


def _squashed(space: Box) -> Callable[[AnyArray], AnyArray]:
    low, high = _bounds(space)
    centre, half = (low + high) / 2, (high - low) / 2

    def squashed(actions: AnyArray) -> AnyArray:
        inside = centre + half * np.tanh(actions.reshape(len(actions), *space.shape))
        return np.clip(inside, low, high)  # rounding alone may leave them

    return squashed


def _bounds(space: Box) -> tuple[AnyArray, AnyArray]:
    low, high = np.asarray(space.low, space.dtype), np.asarray(space.high, space.dtype)
    return low.reshape(space.shape), high.reshape(space.shape)
