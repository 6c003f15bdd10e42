"""Basin hopping as one serial walk, hop after hop: what rounds of hops must come to, given to Players or not.

y = local_min(x + U(−s, s)^d);  go there if f(y) < f(x) or u < exp(−(f(y) − f(x)) / T). The best is kept apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from touchline.targets.hops import accepts, adapted_step, hop_chance, hop_start


@dataclass(frozen=True, slots=True)
class Walk:
    """What a serial walk found."""

    best: np.ndarray  # float64 [size]
    best_value: float
    values: tuple[float, ...]  # f of x after the first local search and after each hop
    accepted: int
    step: float  # as adapted
    evaluations: int


def basin_hopping(
    local_min: Callable[[np.ndarray], tuple[np.ndarray, float, int]],
    x0: np.ndarray,
    *,
    hops: int,
    step: float,
    temperature: float,
    seed: int,
) -> Walk:
    """One walk, hop after hop. ``local_min``: a start float64 ``[size]`` -> (minimum, its value, evaluations)."""
    x, value, evaluations = local_min(x0)
    best, best_value, values, accepted = x, value, [value], 0
    for number in range(hops):
        y, y_value, cost = local_min(hop_start(x, step=step, seed=seed, number=number))
        evaluations += cost
        if accepts(y_value, value, temperature=temperature, u=hop_chance(seed=seed, number=number)):
            x, value, accepted = y, y_value, accepted + 1
        if value < best_value or math.isnan(best_value):
            best, best_value = x, value
        values.append(value)
        step = adapted_step(step, accepted=accepted, hops=number + 1)
    return Walk(best, best_value, tuple(values), accepted, step, evaluations)
