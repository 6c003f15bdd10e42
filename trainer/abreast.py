"""Results of a recurrent policy side by side: a walk through time costs as much for one lane as for many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.inputs import Inputs, Parts
from touchline.policy.recurrent import Sequences
from touchline.trainer.samples import Samples

AnyArray = NDArray[Any]
MOST_PADDED = 2  # times the length of the shortest: what is padded costs a forward and a backward pass too


def abreast(parts: Sequence[Samples]) -> list[Samples]:
    """The same lanes in fewer parts, ``[T, B]`` each; shorter ones padded by rows whose weight is 0.

    Their gradients add up to the same. Parts without ``sequences`` are given back as they are.
    """
    if len(parts) < 2 or any(part.sequences is None for part in parts):
        return list(parts)
    return [_joined(group) if len(group) > 1 else group[0] for group in _alike(parts)]


def _alike(parts: Sequence[Samples]) -> Iterator[list[Samples]]:
    """Groups of similar length, the longest first; in the order given where lengths are equal."""
    group: list[Samples] = []
    for part in sorted(parts, key=_steps, reverse=True):
        if group and _steps(group[0]) > MOST_PADDED * _steps(part):
            yield group
            group = []
        group.append(part)
    yield group


def _joined(group: Sequence[Samples]) -> Samples:
    """One part ``[T, ΣB]``; T is the first's."""
    steps = _steps(group[0])

    def column(name: str) -> AnyArray:
        return _side_by_side([getattr(part, name) for part in group], group, steps)

    hidden = zip(*(part.hidden for part in group), strict=True)
    return Samples(
        x=_inputs(group, steps),
        hidden=tuple(_side_by_side(layers, group, steps) for layers in hidden),
        behaviour_head=column("behaviour_head"),
        behaviour_values=column("behaviour_values"),
        behaviour_log_probs=column("behaviour_log_probs"),
        actions=column("actions"),
        advantages=column("advantages"),
        targets=column("targets"),
        weights=_side_by_side([part.weights for part in group], group, steps, pad="constant"),
        sequences=_sequences(group, steps),
    )


def _inputs(group: Sequence[Samples], steps: int) -> Inputs:
    first = group[0].x
    if not isinstance(first, Parts):
        return _side_by_side([part.x for part in group], group, steps)
    inputs = [part.x.arrays for part in group if isinstance(part.x, Parts)]
    return Parts(tuple(_side_by_side(arrays, group, steps) for arrays in zip(*inputs, strict=True)))


def _side_by_side(
    arrays: Sequence[Any], group: Sequence[Samples], steps: int, *, pad: Any = "edge"
) -> AnyArray:
    """Rows ``[T_i B_i, ...]`` of each part -> ``[T ΣB, ...]``.

    A lane is padded by its own last row: numbers that the network has seen, whatever network it is.
    """
    lanes = []
    for array, part in zip(arrays, group, strict=True):
        assert part.sequences is not None
        own, width = part.sequences.shape
        rows = array.reshape(own, width, *array.shape[1:])
        lanes.append(np.pad(rows, ((0, steps - own), *((0, 0),) * (rows.ndim - 1)), mode=pad))
    joined = np.concatenate(lanes, axis=1)
    return joined.reshape(-1, *joined.shape[2:])


def _sequences(group: Sequence[Samples], steps: int) -> Sequences:
    starts, states = [], []
    for part in group:
        assert part.sequences is not None
        longer = ((0, steps - len(part.sequences.starts)), (0, 0))
        starts.append(np.pad(part.sequences.starts, longer, constant_values=True))  # padding follows nothing
        states.append(part.sequences.state)
    return Sequences(np.concatenate(starts, axis=1), np.concatenate(states))


def _steps(part: Samples) -> int:
    assert part.sequences is not None
    return part.sequences.shape[0]
