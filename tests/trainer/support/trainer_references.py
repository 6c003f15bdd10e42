"""The papers' sums, written out: O(T²), one lane at a time, nothing shared with the code that they judge.

``rewards, values, next_values`` are of one lane, ``last[t]`` says whether nothing follows step t: the episode ends
there, or the unroll does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def end_of(last: Sequence[bool], t: int) -> int:
    """The last step of the segment that t belongs to."""
    return next(k for k in range(t, len(last)) if last[k])


def gae(rewards, values, next_values, last, *, gamma, lambda_):
    """Schulman et al. 2016, equation 16: sum of (gamma lambda)^l delta_{t+l}."""
    deltas = [r + gamma * after - v for r, v, after in zip(rewards, values, next_values, strict=True)]
    return [
        sum((gamma * lambda_) ** (k - t) * deltas[k] for k in range(t, end_of(last, t) + 1))
        for t in range(len(rewards))
    ]


def n_step(rewards, values, next_values, last, *, gamma, n):
    """Sutton & Barto, equation 7.1: n rewards at most, then the value reached."""
    returns = []
    for t in range(len(rewards)):
        k = min(end_of(last, t), t + n - 1)
        discounted = sum(gamma ** (i - t) * rewards[i] for i in range(t, k + 1))
        returns.append(discounted + gamma ** (k - t + 1) * next_values[k])
    return returns


def monte_carlo(rewards, values, next_values, last, *, gamma):
    """Every reward to the end of the segment, and what it bootstraps from there."""
    return n_step(rewards, values, next_values, last, gamma=gamma, n=len(rewards))


def vtrace(rewards, values, next_values, last, rhos, *, gamma, lambda_, rho_bar, c_bar):
    """Espeholt et al. 2018, equation 1: (vs, policy gradient advantages)."""
    clipped = [min(rho_bar, rho) for rho in rhos]
    cs = [lambda_ * min(c_bar, rho) for rho in rhos]
    deltas = [
        rho * (r + gamma * after - v)
        for rho, r, v, after in zip(clipped, rewards, values, next_values, strict=True)
    ]
    vs = []
    for s in range(len(rewards)):
        terms = [gamma ** (t - s) * math.prod(cs[s:t]) * deltas[t] for t in range(s, end_of(last, s) + 1)]
        vs.append(values[s] + sum(terms))
    after = [next_values[t] if last[t] else vs[t + 1] for t in range(len(rewards))]
    advantages = [
        rho * (r + gamma * v_next - v)
        for rho, r, v, v_next in zip(clipped, rewards, values, after, strict=True)
    ]
    return vs, advantages


def by_lane(
    reference: Callable[..., Sequence[float]], *arrays: Array, continues: Array, **kwargs: float
) -> Array:
    """A reference over each lane of ``[T, B]`` arrays; nothing follows the unroll's last step."""
    last = continues == 0
    last[-1] = True
    lanes = range(continues.shape[1])
    results = [
        reference(*(a[:, b] for a in arrays[:3]), last[:, b], *(a[:, b] for a in arrays[3:]), **kwargs)
        for b in lanes
    ]
    return np.moveaxis(np.array(results), 0, -1)
