"""A rule's state on its way: among other arrays by name, cut into slices and put together again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.targets.rules import SCALARS

FloatArray = NDArray[np.float64]
State = Mapping[str, FloatArray]  # float64 [size] each, or [1] for the names in SCALARS
PREFIX = "rule/"


def carried(state: State) -> dict[str, FloatArray]:
    """The state by names that say what it is among a snapshot's or a result's arrays."""
    return {PREFIX + name: array for name, array in state.items()}


def state_in(arrays: Mapping[str, NDArray[Any]]) -> dict[str, FloatArray]:
    """The state among these arrays."""
    return {name.removeprefix(PREFIX): a for name, a in arrays.items() if name.startswith(PREFIX)}


def state_of(state: State, part: range) -> dict[str, FloatArray]:
    """That of some of the weights."""
    cut = slice(part.start, part.stop)
    return {name: array if name in SCALARS else array[cut] for name, array in state.items()}


def joined_states(states: Sequence[State]) -> dict[str, FloatArray]:
    """The state of all weights, from those of slices that have made the same steps, in their order."""
    return {
        name: array if name in SCALARS else np.concatenate([state[name] for state in states])
        for name, array in states[0].items()
    }


def state_shapes(state: State, size: int) -> dict[str, tuple[int, ...]]:
    """The shapes of such a state over ``size`` weights."""
    return {name: (1,) if name in SCALARS else (size,) for name in state}
