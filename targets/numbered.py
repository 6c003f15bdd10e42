"""What a number stands for, said once for who evaluates points and for who merges them.

Points of a search or of an evolution are a base and what a number adds to it; an assignment's number stands for
activation functions. Both sides compute a point alike, so that no point has to cross the wire.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.targets.assignments import Assignments, Per, places
from touchline.targets.draws import draw
from touchline.targets.evolution import perturbations

FloatArray = NDArray[np.float64]
START = -1  # the number of the base itself among the draws around it


def drawn(
    base: NDArray[np.floating[Any]], *, radius: float, seed: int, iteration: int, numbers: range
) -> FloatArray:
    """base + radius u_k, u_k draw k of the iteration, uniform in the box [−1, 1): float64 ``[len(numbers), size]``.

    ``base`` float ``[size]``. Number −1 is the base itself.
    """
    points = np.empty((len(numbers), len(base)))
    for point, number in zip(points, numbers, strict=True):
        point[:] = base
        if number != START:
            point += radius * draw(seed=seed, iteration=iteration, number=number, size=len(base))
    return points


def perturbed(
    base: NDArray[np.floating[Any]], *, sigma: float, seed: int, iteration: int, numbers: range
) -> FloatArray:
    """base ± sigma eps, in antithetic pairs: float64 ``[len(numbers), size]``."""
    points = perturbations(seed=seed, iteration=iteration, numbers=numbers, size=len(base))
    points *= sigma
    points += base
    return points


def assignments_of(
    kinds: Sequence[str], coefficients: Sequence[float], hidden: Sequence[int], *, per: Per
) -> Assignments:
    """Every kind with every coefficient, for each layer or each neuron of ``hidden``."""
    choices = [(kind, coefficient) for kind in kinds for coefficient in coefficients]
    return Assignments.of([choices] * places(hidden, per))
