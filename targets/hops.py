"""Basin hopping (Wales & Doye 1997): a random walk over local minima.

y = local_min(x + U(−s, s)^d);  go there if f(y) < f(x) or u < exp(−(f(y) − f(x)) / T). The best is kept apart. With
T = 0 the walk only descends, and any hop from an older x is still a candidate; with T > 0 it is a Markov chain, and
a hop from anywhere but the present x must be thrown away.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchline.targets.draws import CHANCE, HOP, stream

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Walk:
    """What a serial walk found."""

    best: FloatArray  # float64 [size]
    best_value: float
    values: tuple[float, ...]  # f of x after the first local search and after each hop
    accepted: int
    step: float  # as adapted
    evaluations: int


def hop_start(x: FloatArray, *, step: float, seed: int, number: int) -> FloatArray:
    """Where hop ``number`` from ``x`` begins its local search: x + U(−step, step)^d, float64 ``[size]``."""
    leap = stream(HOP, seed=seed, iteration=0, number=number).uniform(-1, 1, x.shape)
    start: FloatArray = x + step * leap
    return start


def hop_chance(*, seed: int, number: int) -> float:
    """The u in [0, 1) that decides whether hop ``number`` is accepted although it climbs."""
    return float(stream(CHANCE, seed=seed, iteration=0, number=number).random())


def accepts(f_new: float, f_old: float, *, temperature: float, u: float) -> bool:
    """Metropolis: down always, up with probability exp(−(f_new − f_old) / T). NaN counts as above everything."""
    if math.isnan(f_new) or math.isnan(f_old):
        return not math.isnan(f_new)
    if f_new < f_old:
        return True
    return temperature > 0 and u < math.exp(-(f_new - f_old) / temperature)


def adapted_step(
    step: float,
    *,
    accepted: int,
    hops: int,
    target: float = 0.5,
    interval: int = 50,
    factor: float = 0.9,
) -> float:
    """The step after ``hops`` of which ``accepted`` were: every ``interval`` hops it nears the ``target`` share.

    Too many accepted: the hops fall back into their own basin, the step grows by 1 / ``factor``; too few: it shrinks.
    """
    if hops == 0 or hops % interval:
        return step
    share = accepted / hops
    if share > target:
        return step / factor
    return step * factor if share < target else step


def basin_hopping(
    local_min: Callable[[FloatArray], tuple[FloatArray, float, int]],
    x0: FloatArray,
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
