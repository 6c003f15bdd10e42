"""Random spaces, nested ones too, and random values of them as an environment gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from touchline.policy.kinds import inside
from touchline.policy.records import Record
from touchline.policy.spaces import (
    Box,
    Dict,
    Discrete,
    MultiBinary,
    MultiDiscrete,
    Space,
    Tuple,
    raw_dtype,
    raw_shape,
)

SHAPES = st.lists(st.integers(1, 3), max_size=3).map(tuple)
DTYPES = ("float16", "float32", "float64", "int8", "uint8", "int16", "int64", "bool")


@st.composite
def unit_boxes(draw: Any) -> Box:
    """From 0 to 1, of any dtype."""
    shape = draw(SHAPES)
    size = int(np.prod(shape))
    return Box(shape, draw(st.sampled_from(DTYPES)), (0.0,) * size, (1.0,) * size)


@st.composite
def multi_discretes(draw: Any) -> MultiDiscrete:
    """In rows and blocks, from 0 and elsewhere."""
    shape = draw(st.sampled_from([(1,), (3,), (2, 2), ()]))
    size = int(np.prod(shape))
    nvec = tuple(draw(st.lists(st.integers(1, 5), min_size=size, max_size=size)))
    start = draw(st.just(()) | st.lists(st.integers(-3, 3), min_size=size, max_size=size).map(tuple))
    return MultiDiscrete(nvec, start if any(start) else (), shape if len(shape) > 1 else ())


def leaf_spaces() -> st.SearchStrategy[Any]:
    return st.one_of(
        unit_boxes(),
        st.builds(Discrete, st.integers(1, 5), st.integers(-3, 3)),
        multi_discretes(),
        st.builds(MultiBinary, SHAPES),
    )


def _parts(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(children, min_size=1, max_size=3).map(tuple)
    return st.builds(Tuple, several) | several.map(lambda own: Dict(tuple("cab")[: len(own)], own))


def nested_spaces() -> st.SearchStrategy[Any]:
    """Dict and Tuple at the top."""
    return _parts(st.recursive(leaf_spaces(), _parts, max_leaves=5))


def random_raw(space: Space, rng: np.random.Generator, lead: tuple[int, ...] = ()) -> np.ndarray:
    """Raw values ``[*lead, *raw shape]`` within the space; of a Box from 0 to 1."""
    shape, dtype = (*lead, *raw_shape(space)), raw_dtype(space)
    match space:
        case Box():
            return (rng.random(shape) if "float" in dtype else rng.integers(0, 2, shape)).astype(dtype)
        case Discrete(n=n, start=start):
            return rng.integers(start, start + n, shape)
        case MultiDiscrete():
            low = np.array(space.starts).reshape(raw_shape(space))
            return rng.integers(low, low + np.array(space.nvec).reshape(raw_shape(space)), shape)
        case MultiBinary():
            return rng.integers(0, 2, shape).astype(dtype)
        case _:
            raw = np.zeros(shape, np.uint8)
            for leaf, view in Record.of(space).views(raw):
                view[...] = random_raw(leaf.space, rng, lead)
            return raw


def random_value(space: Space, rng: np.random.Generator) -> Any:
    """One value, nested as the space is."""
    match space:
        case Tuple():
            return tuple(random_value(one, rng) for _, one in inside(space))
        case Dict():
            return {name: random_value(one, rng) for name, one in inside(space)}
        case _:
            return random_raw(space, rng)
