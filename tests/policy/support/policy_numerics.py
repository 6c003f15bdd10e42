"""What proofs of numerics share: finite differences in float64, networks with random weights, and settings."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hypothesis import settings
from numpy.typing import NDArray

from touchline.policy.distributions import (
    Bernoulli,
    Categorical,
    DiagonalGaussian,
    Distribution,
    Joint,
    MultiCategorical,
    Sigmoid,
)
from touchline.policy.joint import Factor
from touchline.policy.network import Network, Weights
from touchline.policy.torso import DenseTorso

Array = NDArray[Any]
ACTIVATIONS = ("tanh", "relu", "elu")
STEP = 1e-5  # central differences: an error of STEP², and of rounding over STEP, are both far below TOLERANCE
TOLERANCE = 1e-7


def proven(examples: int = 50) -> settings:
    """Hypothesis as these tests want it: the same examples every time, and no clock."""
    return settings(max_examples=examples, deadline=None, derandomize=True, database=None)


def central_differences(function: Callable[[Array], float], point: Array) -> Array:
    """The gradient of a scalar function at ``point``, float64, one coordinate at a time."""
    gradient = np.zeros_like(point)
    for index in np.ndindex(point.shape):
        moved = point.copy()
        moved[index] = point[index] + STEP
        above = function(moved)
        moved[index] = point[index] - STEP
        gradient[index] = (above - function(moved)) / (2 * STEP)
    return gradient


def assert_gradient(found: Array, function: Callable[[Array], float], point: Array) -> None:
    """``found`` is the gradient of ``function`` at ``point``, to 1e-7 of the largest entry."""
    assert point.dtype == np.float64
    expected = central_differences(function, point)
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * scale)


def network_of(
    *,
    depth: int = 2,
    activation: Any = "tanh",
    shared: bool = False,
    gaussian: bool = False,
    features: int = 3,
) -> Network:
    """A small network, each layer of another width so that no transposition goes unseen."""
    return Network.build(
        torso=DenseTorso(features=features, hidden=(5, 4, 6)[:depth], activation=activation),
        head_form=DiagonalGaussian(2) if gaussian else Categorical(2),
        shared=shared,
        log_std=-0.5,
    )


def random_weights(network: Network, rng: np.random.Generator, scale: float = 0.5) -> Weights:
    """Float64 weights with nothing zero, biases neither."""
    return network.bind(scale * rng.standard_normal(network.layout.size))


def distributions() -> dict[str, Distribution]:
    choices = Factor(Categorical(3), None, choice=True), Factor(Bernoulli(2), 2, choice=True)
    return {
        "categorical": Categorical(4),
        "multi": MultiCategorical((3, 2, 4)),
        "bits": Bernoulli(3),
        "sigmoid": Sigmoid(),
        "joint": Joint([*choices, Factor(Sigmoid(), None, choice=True)]),
        "gaussian": DiagonalGaussian(2),
        "state": DiagonalGaussian(2, initial=0.5),
        "mixed": Joint([choices[0], Factor(DiagonalGaussian(2), 2, choice=False), choices[1]]),
    }


def random_head(distribution: Distribution, rng: np.random.Generator, rows: int) -> Array:
    return rng.standard_normal((rows, distribution.parameters))


def random_actions(distribution: Distribution, rng: np.random.Generator, head: Array) -> Array:
    """Actions as the distribution draws them, in float64 where they are real numbers."""
    noise = distribution.draw_noise(rng, (len(head),)).astype(np.float64)
    return distribution.sample(head, noise)


def every_action(distribution: Distribution) -> Array:
    """All the actions of a discrete distribution."""
    match distribution:
        case Categorical(n=n):
            return np.arange(n)
        case MultiCategorical(factors=factors):
            return np.array(list(itertools.product(*(range(factor.n) for factor in factors))))
        case Bernoulli(n=n):
            return np.array(list(itertools.product(range(2), repeat=n)))
        case Sigmoid():
            return np.arange(2)
        case Joint(parts=parts):
            each = [
                every_action(part.of).reshape(-1, part.actions.stop - part.actions.start) for part in parts
            ]
            return np.array([np.concatenate(rows) for rows in itertools.product(*each)])
        case _:
            raise TypeError("real actions cannot be enumerated")


def seeds(count: int) -> Iterator[np.random.Generator]:
    """Generators of independent examples."""
    return (np.random.default_rng(seed) for seed in range(count))
