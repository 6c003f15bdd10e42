"""Rows of a batch with what a loss needs of them, and the ways to take some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.inputs import Inputs, Parts, joined_inputs
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.recurrent import Sequences
from touchline.trainer.estimates import Rows

FloatArray = NDArray[np.floating[Any]]
AnyArray = NDArray[Any]
CHUNK_ROWS = 1024
IMAGE_ROWS = 128  # the small network of 84 x 84 took an eighth longer at 256 rows, in new memory each time
# Of whole lanes: a step for many costs little more than for one (16 games of 500 steps: 15 µs a step, alone 47).
LANE_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Samples:
    """N rows; T B of them in time-major order where ``sequences`` says how they follow one another."""

    x: Inputs  # [N, ...], as the network reads them
    hidden: tuple[FloatArray, ...]  # float32 [N, ...] each; empty for recompute
    behaviour_head: FloatArray  # float32 [N, P]
    behaviour_values: FloatArray  # float32 [N]
    behaviour_log_probs: FloatArray  # float32 [N]
    actions: AnyArray  # [N, ...]
    advantages: FloatArray  # float32 [N]
    targets: FloatArray  # float32 [N]
    weights: FloatArray  # float32 [N]
    sequences: Sequences | None = None  # of a recurrent policy

    def __len__(self) -> int:
        return len(self.advantages)

    def part(self, index: slice | NDArray[np.intp]) -> Samples:
        """Some of the rows: views for a slice, copies for an index array."""
        assert self.sequences is None, "rows that follow one another are taken by lanes"
        return self._each(lambda array: array[index])

    def lanes(self, index: slice | NDArray[np.intp]) -> Samples:
        """Some of the lanes, whole."""
        assert self.sequences is not None, "rows without an order have no lanes"
        steps, lanes = self.sequences.shape

        def taken(array: AnyArray) -> AnyArray:
            some = array.reshape(steps, lanes, *array.shape[1:])[:, index]
            return some.reshape(-1, *array.shape[1:])

        return replace(self._each(taken), sequences=self.sequences.lanes(index))

    def chunks(self, rows: int | None = None) -> Iterator[Samples]:
        """All of them, in parts of about so many rows; by default parts that stay in the cache.

        Images, whose activations are large, come in smaller parts; whole lanes, where they are no images, in larger.
        """
        flat = not isinstance(self.x, Parts) and self.x.ndim == 2
        if self.sequences is None:
            rows = rows or (CHUNK_ROWS if flat else IMAGE_ROWS)
            for start in range(0, len(self), rows):
                yield self.part(slice(start, start + rows))
            return
        steps, lanes = self.sequences.shape
        rows = rows or (LANE_ROWS if flat else CHUNK_ROWS)
        width = max(1, rows // steps)
        for start in range(0, lanes, width):
            yield self.lanes(slice(start, start + width))

    def _each(self, take: Callable[[AnyArray], AnyArray]) -> Samples:
        x = Parts(tuple(map(take, self.x.arrays))) if isinstance(self.x, Parts) else take(self.x)
        return Samples(
            x,
            tuple(map(take, self.hidden)),
            take(self.behaviour_head),
            take(self.behaviour_values),
            take(self.behaviour_log_probs),
            take(self.actions),
            take(self.advantages),
            take(self.targets),
            take(self.weights),
        )


def samples_of(rows: Rows, policy: Policy, reader: Snapshot) -> Samples:
    """A result's rows, its observations as ``reader``'s normaliser reads them."""
    trajectory = rows.piece.trajectory
    steps, lanes = trajectory.shape
    n = steps * lanes

    def flat(array: AnyArray) -> AnyArray:
        return array.reshape(n, *array.shape[2:])

    return Samples(
        x=reader.rows(policy, flat(trajectory.observations[:-1])),
        hidden=tuple(flat(layer) for layer in trajectory.hidden),
        behaviour_head=flat(trajectory.head),
        behaviour_values=flat(trajectory.values[:-1]),
        behaviour_log_probs=flat(trajectory.log_probs),
        actions=flat(trajectory.actions),
        advantages=rows.advantages,
        targets=rows.targets,
        weights=rows.weights,
        sequences=trajectory.sequences if policy.network.core is not None else None,
    )


def joined(parts: Sequence[Samples]) -> Samples:
    """The valid rows of several results as one, for shuffling. Not for sequences."""
    kept = [part if part.weights.all() else part.part(np.flatnonzero(part.weights)) for part in parts]
    if len(kept) == 1:
        return kept[0]
    names = [field.name for field in fields(Samples) if field.name not in {"x", "hidden", "sequences"}]
    columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in kept]) for name in names}
    return Samples(x=joined_inputs([part.x for part in kept]), hidden=(), **columns)
