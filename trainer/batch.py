"""The batch being gathered, and its results laid side by side for the advantage recursions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.policy import Snapshot
from touchline.policy.trajectory import Trajectory

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Piece:
    """One admitted result: its trajectory, the snapshot that played it, its lag and the weight of its rows."""

    trajectory: Trajectory
    snapshot: Snapshot
    lag: int
    weight: float


@dataclass(frozen=True, slots=True)
class Transitions:
    """What the recursions of ``advantage`` read, float32 ``[T, B]`` each.

    ``continues`` is 0 at the last step: nothing of the unroll follows, so it bootstraps. Padding may then follow.
    """

    rewards: FloatArray
    values: FloatArray
    next_values: FloatArray
    continues: FloatArray


def transitions(
    trajectory: Trajectory, *, values: FloatArray | None = None, final_values: FloatArray | None = None
) -> Transitions:
    """Rewards and bootstraps of one trajectory; its behaviour values unless others ``[T + 1, B]``, ``[K]`` are given.

    Termination bootstraps from nothing, truncation from the episode's final observation.
    """
    values = trajectory.values if values is None else values
    final_values = trajectory.final_values if final_values is None else final_values
    next_values = values[1:].copy()
    next_values[trajectory.terminated] = 0
    next_values[trajectory.final_steps[:, 0], trajectory.final_steps[:, 1]] = final_values
    continues = ~(trajectory.terminated | trajectory.truncated)
    continues[-1] = False
    return Transitions(trajectory.rewards, values[:-1], next_values, continues.astype(values.dtype))


def side_by_side(parts: Sequence[Transitions]) -> Transitions:
    """Several results as one ``[T, ΣB]``: shorter ones end early, which padding with nothing after them says."""
    if len(parts) == 1:
        return parts[0]
    longest = max(len(part.rewards) for part in parts)
    return Transitions(*(_joined([getattr(part, name) for part in parts], longest) for name in _FIELDS))


def split(whole: FloatArray, shapes: Sequence[tuple[int, int]]) -> list[FloatArray]:
    """``[T, ΣB]`` back to each result's own ``[T_i, B_i]``, flattened to rows ``[T_i B_i]``."""
    rows, start = [], 0
    for steps, lanes in shapes:
        rows.append(np.ascontiguousarray(whole[:steps, start : start + lanes]).reshape(-1))
        start += lanes
    return rows


class Gathering:
    """Admitted results up to a batch of at least ``batch_steps`` valid steps."""

    def __init__(self, batch_steps: int) -> None:
        self._batch_steps = batch_steps
        self._pieces: list[Piece] = []
        self.steps = 0

    @property
    def complete(self) -> bool:
        return self.steps >= self._batch_steps

    def add(self, piece: Piece) -> None:
        self._pieces.append(piece)
        self.steps += piece.trajectory.steps

    def take(self) -> list[Piece]:
        """The pieces gathered; the next batch begins empty."""
        pieces, self._pieces, self.steps = self._pieces, [], 0
        return pieces


def mean_square_scale(rows: Sequence[FloatArray], valid: Sequence[NDArray[np.bool_]]) -> float:
    """1 / root mean square over the valid rows: scales without centring."""
    count = sum(int(np.count_nonzero(mask)) for mask in valid)
    total = sum(float(np.dot(row * mask, row)) for row, mask in zip(rows, valid, strict=True))
    return 1.0 / (float(np.sqrt(total / max(count, 1))) + 1e-8)


def standardise(
    rows: Sequence[FloatArray], valid: Sequence[NDArray[np.bool_]]
) -> Callable[[FloatArray], FloatArray]:
    """The map (x − mean) / std with mean and std of the valid rows."""
    chosen = np.concatenate([row[mask] for row, mask in zip(rows, valid, strict=True)])
    mean, std = chosen.mean(), chosen.std() + 1e-8
    return lambda row: (row - mean) / std


_FIELDS = ("rewards", "values", "next_values", "continues")


def _joined(arrays: Sequence[FloatArray], longest: int) -> FloatArray:
    if all(len(array) == longest for array in arrays):
        return np.concatenate(arrays, axis=1)
    padded = [np.pad(array, ((0, longest - len(array)), (0, 0))) for array in arrays]
    return np.concatenate(padded, axis=1)
