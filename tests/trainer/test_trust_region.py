"""How long a step is, and which trials are taken."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.targets.solving import Solving
from touchline.trainer.trust_region import Trial, full_step

DAMPING, DELTA = 0.1, 0.02


def system(size=12, seed=0):
    """(F positive semidefinite and not of full rank, g in its range, as a policy's gradient is)."""
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((size, size - 4))
    return root @ root.T, root @ rng.standard_normal(size - 4)


def solved(fisher, gradient, *, iterations):
    solving = Solving("cg", gradient, tolerance=1e-10, iterations=iterations)
    while (v := solving.product_wanted()) is not None:
        solving.give(fisher @ v + DAMPING * v)
    return solving.solution


@pytest.mark.parametrize("iterations", [1, 2, 5, 30])
def test_the_model_of_the_divergence_is_delta_at_the_end_of_the_step_wherever_the_solve_was_stopped(
    iterations,
):
    fisher, gradient = system()
    direction = solved(fisher, gradient, iterations=iterations)
    step = full_step(direction, gradient, delta=DELTA)
    damped = fisher + DAMPING * np.eye(12)
    assert step @ damped @ step / 2 == pytest.approx(DELTA, rel=1e-6)
    assert 0 < step @ fisher @ step / 2 < DELTA
    np.testing.assert_allclose(step / np.linalg.norm(step), direction / np.linalg.norm(direction))


def test_conjugate_gradients_find_what_a_direct_solve_finds():
    fisher, gradient = system()
    expected = np.linalg.solve(fisher + DAMPING * np.eye(12), gradient)
    np.testing.assert_allclose(solved(fisher, gradient, iterations=30), expected, rtol=1e-9, atol=1e-12)


def test_the_scale_of_the_advantages_does_not_matter():
    fisher, gradient = system()
    steps = [
        full_step(solved(fisher, k * gradient, iterations=5), k * gradient, delta=DELTA) for k in (1.0, 1e3)
    ]
    np.testing.assert_allclose(steps[0], steps[1], rtol=1e-9)


@pytest.mark.parametrize("along", [0.0, -1.0, np.nan, np.inf])
def test_what_leads_nowhere_is_no_step(along):
    assert full_step(np.array([1.0, 0.0]), np.array([along, 1.0]), delta=DELTA) is None


def test_a_step_that_is_no_number_is_none():
    assert full_step(np.array([1e-5, 1e308]), np.array([1e-300, 0.0]), delta=DELTA) is None


def test_a_trial_is_in_the_mean_over_all_steps():
    assert Trial.of(np.array([3.0, 0.6, 30.0])) == Trial(gain=0.1, kl=0.02)


@pytest.mark.parametrize(
    ("gain", "kl", "taken"),
    [
        (0.1, DELTA, True),
        (1e-9, 0.0, True),
        (0.0, 0.01, False),
        (-0.1, 0.01, False),
        (0.1, DELTA + 1e-9, False),
    ],
)
def test_a_trial_is_taken_that_gains_within_the_region(gain, kl, taken):
    assert Trial(gain, kl).accepted(delta=DELTA) is taken
