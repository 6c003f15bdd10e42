"""Basin hopping (Wales & Doye 1997): a random walk over local minima.

y = local_min(x + U(−s, s)^d);  go there if f(y) < f(x) or u < exp(−(f(y) − f(x)) / T). The best is kept apart. With
T = 0 the walk only descends, and any hop from an older x is still a candidate; with T > 0 it is a Markov chain, and
a hop from anywhere but the present x must be thrown away.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from touchline.targets.draws import CHANCE, HOP, stream

FloatArray = NDArray[np.float64]


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
