"""A rule's state cut and joined: slices that step apart make the steps of the whole, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.targets.rule_state import carried, joined_states, state_in, state_of, state_shapes
from touchline.targets.rules import RULES, make_rule
from touchline.targets.splitting import split

SIZE, STEPS = 7, 6


def rule_of(name, size):
    return make_rule(name, size, momentum=0.9 if name == "momentum" else 0.0)


def gradients():
    return np.random.default_rng(0).standard_normal((STEPS, SIZE))


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_slices_stepping_apart_make_the_steps_of_the_whole(name, parts):
    whole, weights = rule_of(name, SIZE), np.linspace(-1, 1, SIZE)
    state, sliced = whole.state(), weights.copy()
    for number, gradient in enumerate(gradients()):
        how = {"learning_rate": 0.1, "grew": number % 2 == 1}
        whole.step(weights, gradient, **how)
        states = []
        for part in split(SIZE, parts):
            owner, cut = rule_of(name, len(part)), slice(part.start, part.stop)
            owner.restore(state_of(state, part))
            owner.step(sliced[cut], gradient[cut], **how)
            states.append(owner.state())
        state = joined_states(states)
        np.testing.assert_array_equal(sliced, weights)
    for key, array in whole.state().items():
        np.testing.assert_array_equal(state[key], array)


@pytest.mark.parametrize("name", RULES)
def test_a_state_travels_among_other_arrays(name):
    state = rule_of(name, SIZE).state()
    found = state_in({"weights": np.zeros(SIZE), **carried(state)})
    assert found.keys() == state.keys()
    assert {key: array.shape for key, array in found.items()} == state_shapes(state, SIZE)
