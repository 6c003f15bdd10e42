"""Evolution strategies: a gradient from scores at random perturbations (Salimans et al. 2017).

Perturbation 2 i is +eps_i and 2 i + 1 is −eps_i, where eps_i is draw i of the iteration. Hence a number and a score are
all that whoever evaluates a point need tell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchline.targets.draws import normal_draw
from touchline.targets.errors import TargetError

FloatArray = NDArray[np.float64]


def perturbations(*, seed: int, iteration: int, numbers: range, size: int) -> FloatArray:
    """Antithetic standard normal directions by number, float64 ``[len(numbers), size]``."""
    found = np.empty((len(numbers), size))
    for row, number in zip(found, numbers, strict=True):
        eps = normal_draw(seed=seed, iteration=iteration, number=number // 2, size=size)
        row[:] = -eps if number % 2 else eps
    return found


def centred_ranks(scores: FloatArray) -> FloatArray:
    """Ranks from −0.5 for the smallest of ``scores`` ``[n]`` to 0.5, float64 ``[n]``; their sum is 0.

    Of equals the earlier ranks lower. What is no number ranks highest, as infinity does. One alone has rank 0.
    """
    n = len(scores)
    ranks = np.empty(n)
    ranks[np.argsort(scores, kind="stable")] = np.arange(n)
    return (2 * ranks - (n - 1)) / (2 * max(n - 1, 1))


def es_gradient(*, ranks: FloatArray, eps: FloatArray, sigma: float) -> FloatArray:
    """g = 1 / (n sigma) sum_k F_k eps_k over n = 2 m antithetic perturbations, float64 ``[size]``.

    ``ranks`` ``[2 m]``: F of perturbation k, its centred rank or the score itself. ``eps`` ``[m, size]``: the positive
    ones. With scores it estimates the gradient of F, exactly so for a linear F and eps^T eps = m I. Whoever minimises
    F steps against it. TargetError: not two ranks for each eps.
    """
    if ranks.shape != (2 * len(eps),):
        raise TargetError(f"ranks: expected {2 * len(eps)}, two for each eps, found {list(ranks.shape)}")
    differences = ranks[0::2] - ranks[1::2]
    gradient: FloatArray = differences @ eps / (len(ranks) * sigma)
    return gradient
