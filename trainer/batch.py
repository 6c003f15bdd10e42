"""The batch being gathered, and its results laid side by side for the advantage recursions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.policy import Snapshot
from touchline.policy.trajectory import Trajectory

FloatArray = NDArray[np.floating[Any]]
EQUAL = 1e-7  # a deviation of so little of the mean is float32's rounding


@dataclass(frozen=True, slots=True)
class Piece:
    """One admitted result: its trajectory, the snapshot that played it, its lag and the weight of its rows.

    ``slot``, ``seq`` and ``player`` say whose it is, and which of theirs; ``evaluations``: how many of those before it
    were evaluations.
    """

    trajectory: Trajectory
    snapshot: Snapshot
    lag: int
    weight: float
    slot: int = 0
    seq: int = 0
    player: str = ""
    evaluations: int = 0

    @property
    def number(self) -> int:
        """Its number among its Player's results, evaluations not counted: its lanes go on from the one before."""
        return self.seq - self.evaluations


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


def begun_anew(whole: Transitions) -> Transitions:
    """Every reward that is not 0 ends what is counted together: nothing after it follows, and nothing bootstraps."""
    quiet = (whole.rewards == 0).astype(whole.rewards.dtype)
    return replace(whole, next_values=whole.next_values * quiet, continues=whole.continues * quiet)


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
    """Admitted results up to a batch: at least ``batch_steps`` valid steps, or at least ``batch_episodes`` whole games.

    A batch is all that was gathered when it is taken: what stayed behind would be older in the next, without bound.
    """

    def __init__(self, batch_steps: int, batch_episodes: int | None = None) -> None:
        self._batch_steps, self._batch_episodes = batch_steps, batch_episodes
        self._pieces: list[Piece] = []
        self.steps = 0

    @property
    def complete(self) -> bool:
        if self._batch_episodes is not None:
            return len(self._pieces) >= self._batch_episodes
        return self.steps >= self._batch_steps

    def add(self, piece: Piece) -> None:
        self._pieces.append(piece)
        self.steps += piece.trajectory.steps

    def take(self) -> list[Piece]:
        """All that was gathered, complete or not, in the order in which it came."""
        pieces, self._pieces, self.steps = self._pieces, [], 0
        return pieces


def mean_square_scale(rows: Sequence[FloatArray], valid: Sequence[NDArray[np.bool_]]) -> float:
    """1 / root mean square over the valid rows: scales without centring."""
    count = sum(int(np.count_nonzero(mask)) for mask in valid)
    total = sum(
        float(np.square(row[mask], dtype=np.float64).sum()) for row, mask in zip(rows, valid, strict=True)
    )
    return 1.0 / (float(np.sqrt(total / max(count, 1))) + 1e-8)


def standardise(
    rows: Sequence[FloatArray], valid: Sequence[NDArray[np.bool_]]
) -> Callable[[FloatArray], FloatArray]:
    """The map (x − mean) / std with mean and std of the valid rows, summed in float64, where no square overflows."""
    chosen = np.concatenate([row[mask] for row, mask in zip(rows, valid, strict=True)])
    number = chosen.dtype.type
    mean, std = number(chosen.mean(dtype=np.float64)), number(chosen.std(dtype=np.float64) + 1e-8)
    return lambda row: (row - mean) / std


def standardised_alone(row: FloatArray, valid: NDArray[np.bool_]) -> FloatArray:
    """(x − mean) / std with mean and std of this row's own valid elements; 0 where those are all alike.

    The two are summed in float64, where a row of equal float32 has a deviation of exactly 0.
    """
    chosen = row[valid].astype(np.float64)
    mean, std = (chosen.mean(), chosen.std()) if len(chosen) else (0.0, 0.0)
    if std <= EQUAL * abs(mean):
        return np.zeros_like(row)
    return ((row - mean) / std).astype(row.dtype)


_FIELDS = ("rewards", "values", "next_values", "continues")


def _joined(arrays: Sequence[FloatArray], longest: int) -> FloatArray:
    if all(len(array) == longest for array in arrays):
        return np.concatenate(arrays, axis=1)
    padded = [np.pad(array, ((0, longest - len(array)), (0, 0))) for array in arrays]
    return np.concatenate(padded, axis=1)
