"""The scale of rewards: the running deviation of their discounted sum, one number for a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.trajectory import Trajectory
from touchline.trainer.batch import EQUAL, Piece

FloatArray = NDArray[np.floating[Any]]
BOUND = 10.0  # of a scaled reward: what is further out would outweigh all the others
EPSILON = 1e-8
STATISTICS, SUMS = "rewards/statistics", "rewards/sums/"


class RewardScale:
    """Divides rewards by the deviation of G_t = gamma G_(t−1) + r_t, where G begins anew with each episode.

    That is the scale of what a value function has to predict, up to a factor (Engstrom et al. 2020, section 3). G
    runs on in each lane from one result of its Player to the next; a result that is not trained leaves no trace, and
    after it G begins anew. While all G were alike there is no scale.
    """

    def __init__(self, gamma: float) -> None:
        self._gamma = gamma
        self._count = 0.0
        self._mean = 0.0
        # Of the deviations from the mean, summed.
        self._squares = 0.0
        # By slot: the number of its last result, evaluations not counted, and G of each lane.
        self._last: dict[int, tuple[int, FloatArray]] = {}

    @property
    def known(self) -> bool:
        """Whether the sums have differed, so that there is a scale."""
        return self._squares > self._count * (EQUAL * self._mean) ** 2

    @property
    def deviation(self) -> float:
        """What rewards are divided by; 1 without a scale."""
        return float(np.sqrt(self._squares / self._count + EPSILON)) if self.known else 1.0

    def __call__(self, rewards: FloatArray) -> FloatArray:
        """Rewards ``[T, B]``, scaled and within ±10, in their own dtype; as they are without a scale."""
        if not self.known:
            return rewards
        scaled: FloatArray = np.clip(rewards / rewards.dtype.type(self.deviation), -BOUND, BOUND)
        return scaled

    def moved(self, pieces: Sequence[Piece]) -> RewardScale:
        """The scale after a batch, taken in the order of its results."""
        after = RewardScale(self._gamma)
        after._count, after._mean, after._squares = self._count, self._mean, self._squares
        after._last = dict(self._last)
        for piece in pieces:
            after._take(piece)
        return after

    def state(self) -> dict[str, NDArray[Any]]:
        """What a checkpoint holds: ``rewards/statistics`` float64 [3], ``rewards/sums/<slot>`` float64 [1 + B]."""
        state: dict[str, NDArray[Any]] = {STATISTICS: np.array([self._count, self._mean, self._squares])}
        for slot, (number, sums) in self._last.items():
            state[f"{SUMS}{slot}"] = np.array([number, *sums])
        return state

    def _take(self, piece: Piece) -> None:
        trajectory, lanes = piece.trajectory, piece.trajectory.shape[1]
        number, sums = self._last.get(piece.slot, (-1, np.zeros(0)))
        if number + 1 != piece.number or len(sums) != lanes:
            sums = np.zeros(lanes)
        running = discounted_sums(trajectory, gamma=self._gamma, before=sums)
        self._add(running[trajectory.valid])
        over = trajectory.terminated[-1] | trajectory.truncated[-1] | ~trajectory.valid[-1]
        self._last[piece.slot] = piece.number, np.where(over, 0.0, running[-1])

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
