"""The minibatches of several passes over a batch: shuffled rows, or shuffled lanes of a recurrent policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from touchline.trainer.samples import Samples, joined


def minibatches(
    parts: Sequence[Samples], *, size: int | None, epochs: int, rng: np.random.Generator, mean: bool = True
) -> Iterator[list[Samples]]:
    """Shuffled minibatches of near equal size, every row once an epoch.

    ``size``: steps of one, None for all. ``mean``: the weights are those of a mean over the batch, and each minibatch's
    become those of a mean over itself. What is given is one minibatch's rows, in one part or more.
    """
    if any(part.sequences is not None for part in parts):
        yield from _of_lanes(parts, size=size, epochs=epochs, rng=rng, mean=mean)
        return
    samples = joined(parts)
    count = _count(len(samples), size)
    for _ in range(epochs):
        for index in np.array_split(rng.permutation(len(samples)), count):
            minibatch = samples.part(index)
            if mean:
                minibatch.weights[...] *= np.float32(len(samples) / len(index))
            yield [minibatch]


def _of_lanes(
    parts: Sequence[Samples], *, size: int | None, epochs: int, rng: np.random.Generator, mean: bool
) -> Iterator[list[Samples]]:
    """Whole lanes: a step of a recurrent policy depends on those before it."""
    lanes = np.array([(i, lane) for i, part in enumerate(parts) for lane in range(_lanes(part))])
    steps = sum(map(_valid, parts))
    count = min(_count(sum(map(len, parts)), size), len(lanes))
    for _ in range(epochs):
        for group in np.array_split(rng.permutation(lanes), count):
            some = [parts[i].lanes(np.sort(group[group[:, 0] == i, 1])) for i in np.unique(group[:, 0])]
            scale = np.float32(steps / max(1, sum(map(_valid, some))) if mean else 1)
            for part in some:
                part.weights[...] *= scale
            yield some


def _count(rows: int, size: int | None) -> int:
    return max(1, round(rows / min(size or rows, rows)))


def _lanes(part: Samples) -> int:
    assert part.sequences is not None
    return part.sequences.shape[1]


def _valid(part: Samples) -> int:
    return int(np.count_nonzero(part.weights))
