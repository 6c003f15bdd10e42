"""The scale of rewards: the running deviation of their discounted sum, one number for a whole batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.trajectory import Trajectory
from touchline.trainer.batch import Piece

FloatArray = NDArray[np.floating[Any]]
BOUND = 10.0  # of a scaled reward: what is further out would outweigh all the others
EPSILON = 1e-8
STATISTICS, SUMS = "rewards/statistics", "rewards/sums/"


class RewardScale:
    """Divides rewards by the deviation of G_t = gamma G_(t−1) + r_t, where G begins anew with each episode.

    That is the scale of what a value function has to predict, up to a factor (Engstrom et al. 2020, section 3). G
    runs on in each lane from one result of its Player to the next; a result that is not trained leaves no trace, and
    after it G begins anew. Until it has been moved it divides by 1.
    """

    def __init__(self, gamma: float) -> None:
        self._gamma = gamma
        self._count, self._mean, self._squares = (
            0.0,
            0.0,
            0.0,
        )  # squares: of the deviations from the mean, summed
        self._last: dict[int, tuple[int, FloatArray]] = {}  # slot: number of its last result, G of each lane

    @property
    def deviation(self) -> float:
        """What rewards are divided by."""
        if self._count == 0:
            return 1.0
        return float(np.sqrt(self._squares / self._count + EPSILON))

    def __call__(self, rewards: FloatArray) -> FloatArray:
        """Rewards ``[T, B]``, scaled and within ±10, in their own dtype."""
        scaled: FloatArray = np.clip(rewards / rewards.dtype.type(self.deviation), -BOUND, BOUND)
        return scaled

    def move(self, pieces: Sequence[Piece]) -> None:
        """Take in a batch that has been trained, in the order of its results."""
        for piece in pieces:
            trajectory = piece.trajectory
            seq, sums = self._last.get(piece.slot, (-1, np.zeros(0)))
            lanes = trajectory.shape[1]
            if seq + 1 != piece.seq or len(sums) != lanes:
                sums = np.zeros(lanes)
            running = discounted_sums(trajectory, gamma=self._gamma, before=sums)
            self._add(running[trajectory.valid])
            over = trajectory.terminated[-1] | trajectory.truncated[-1] | ~trajectory.valid[-1]
            self._last[piece.slot] = piece.seq, np.where(over, 0.0, running[-1])

    def _add(self, values: FloatArray) -> None:
        """Chan, Golub & LeVeque 1979, equation 2.1."""
        count = len(values)
        if not count:
            return
        mean, total = float(values.mean()), self._count + count
        shift = mean - self._mean
        self._squares += float(np.square(values - mean).sum()) + shift * shift * self._count * count / total
        self._mean += shift * count / total
        self._count = total

    def state(self) -> dict[str, NDArray[Any]]:
        """What a checkpoint holds: ``rewards/statistics`` float64 [3], ``rewards/sums/<slot>`` float64 [1 + B]."""
        state: dict[str, NDArray[Any]] = {STATISTICS: np.array([self._count, self._mean, self._squares])}
        for slot, (seq, sums) in self._last.items():
            state[f"{SUMS}{slot}"] = np.array([seq, *sums])
        return state

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what ``state`` gave."""
        self._count, self._mean, self._squares = (float(number) for number in state[STATISTICS])
        self._last = {
            int(name.removeprefix(SUMS)): (int(row[0]), np.array(row[1:]))
            for name, row in state.items()
            if name.startswith(SUMS)
        }


def discounted_sums(trajectory: Trajectory, *, gamma: float, before: FloatArray) -> FloatArray:
    """G_t = gamma G_(t−1) + r_t, float64 ``[T, B]``; G_(t−1) is 0 after an episode's end, ``before`` [B] at first.

    A step that autoreset added pays nothing and belongs to no episode: it stands at 0.
    """
    over = trajectory.terminated | trajectory.truncated | ~trajectory.valid
    sums = trajectory.rewards.astype(np.float64)
    sums[0] += gamma * before
    decays = gamma * ~over
    for t in range(1, len(sums)):
        sums[t] += decays[t - 1] * sums[t - 1]
    return sums
