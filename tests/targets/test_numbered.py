"""What a number stands for, to whoever evaluates it and whoever merges it."""

from __future__ import annotations

import numpy as np

from touchline.targets.draws import draw, normal_draw
from touchline.targets.numbered import START, assignments_of, drawn, perturbed

BASE = np.array([1.0, -2.0, 0.5])


def test_a_drawn_point_lies_in_a_box_around_the_base():
    points = drawn(BASE, radius=0.25, seed=3, iteration=7, numbers=range(200))
    assert (np.abs(points - BASE) <= 0.25).all()
    assert np.abs(points - BASE).max() > 0.24


def test_each_point_is_the_draw_of_its_number_whatever_is_asked_for_beside_it():
    points = drawn(BASE, radius=0.25, seed=3, iteration=7, numbers=range(4, 8))
    by_hand = [BASE + 0.25 * draw(seed=3, iteration=7, number=k, size=3) for k in range(4, 8)]
    np.testing.assert_array_equal(points, by_hand)


def test_number_minus_one_is_the_base_itself():
    points = drawn(BASE, radius=0.25, seed=3, iteration=7, numbers=range(START, 2))
    np.testing.assert_array_equal(points[0], BASE)
    np.testing.assert_array_equal(points[1:], drawn(BASE, radius=0.25, seed=3, iteration=7, numbers=range(2)))


def test_perturbations_come_in_antithetic_pairs():
    points = perturbed(BASE, sigma=0.5, seed=3, iteration=7, numbers=range(4))
    np.testing.assert_array_equal(points[0], BASE + 0.5 * normal_draw(seed=3, iteration=7, number=0, size=3))
    np.testing.assert_allclose(points[0::2] + points[1::2], np.tile(2 * BASE, (2, 1)), rtol=1e-15)


def test_assignments_hold_every_kind_with_every_coefficient():
    found = assignments_of(("tanh", "sin"), (1.0, 2.0), (3, 5), per="layer")
    assert found.total == 4**2
    choices = {(kind, scale) for kind in ("tanh", "sin") for scale in (1.0, 2.0)}
    assert {found.at(number) for number in range(16)} == {(a, b) for a in choices for b in choices}
    assert assignments_of(("tanh", "sin"), (1.0,), (3, 5), per="neuron").total == 2**8
