"""Sieves: which steps of which episodes are good enough to be imitated.

Two rules. By absolute thresholds, on one episode at a time (wpfvs, the original of this method): with s the episode's
return, G the goal and r the rewards,

    s / G >= take           every step is kept
    clean <= s / G < take   steps with (r_t − r_min) / (G − r_min) >= cut are, r_min the least reward of the episode
    s / G < clean           none is

It holds the reward of a single step against the return of a whole episode, so that a cut above 0 keeps next to nothing
where rewards come step by step. By rank, within the episodes of one order (Rubinstein 1999, the cross-entropy method):
the best share of them is kept whole, which asks for no thresholds and is never empty.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.targets.errors import TargetError

ROUNDING = 1e-9  # 0.07 of 100 episodes is 7 of them, not the 8 that 7.000000000000001 rounds up to


def kept_steps(
    *, rewards: NDArray[np.floating[Any]], score: float, goal: float, take: float, clean: float, cut: float
) -> NDArray[np.bool_]:
    """The steps that the fixed thresholds keep, bool ``[T]``, of an episode with ``rewards`` ``[T]``.

    ``score``: its return, given because a wrapper may report another than the sum. Raises TargetError for a goal that
    is not above 0: shares of it would mean nothing.
    """
    check_goal(goal)
    if score / goal >= take:
        return np.ones(len(rewards), np.bool_)
    if score / goal < clean or not len(rewards):
        return np.zeros(len(rewards), np.bool_)
    r = rewards.astype(np.float64)  # in which differences of float32 are exact, or as good as
    least = r.min()
    # Multiplied out: where the goal is no more than the least reward, the quotient has no meaning.
    kept: NDArray[np.bool_] = r - least >= cut * (goal - least)
    return kept


def check_goal(goal: float | None) -> None:
    """Raise TargetError unless the fixed thresholds can be shares of this goal."""
    if goal is None or goal <= 0:
        found = "none" if goal is None else f"{goal:g}"
        raise TargetError(
            f"imitation.goal: expected a return above 0, of which the fixed thresholds are shares, found {found}. "
            "Give one with --imitation.goal, or use --imitation.sieve percentile"
        )


def best_episodes(*, scores: NDArray[np.float64], best: float) -> NDArray[np.intp]:
    """The numbers of the ⌈``best`` n⌉ episodes with the highest ``scores`` float64 ``[n]``, in ascending order.

    One at least; of equal scores the earlier come first.
    """
    count = min(len(scores), max(1, math.ceil(best * len(scores) - ROUNDING)))
    return np.sort(np.argsort(-scores, kind="stable")[:count])
