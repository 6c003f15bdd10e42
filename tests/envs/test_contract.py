"""What is accepted, what is a breach, and how a breach is worded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from touchline.envs.contract import (
    Breach,
    as_five,
    as_observation,
    as_pair,
    as_reward,
    breach_of,
    describe,
    plain,
)
from touchline.policy.spaces import Box, Discrete, MultiBinary

BOX = Box((2,), "float32", (-1.0, -1.0), (1.0, 1.0))
SCALAR = Box((), "float32", (-1.0,), (1.0,))


@pytest.mark.parametrize("reward", [1, 1.0, True, np.int8(1), np.float32(1), np.bool_(True), np.array(1.0)])
def test_numbers_are_rewards(reward: Any) -> None:
    assert as_reward(reward) == 1.0
    assert type(as_reward(reward)) is float


@pytest.mark.parametrize("reward", ["1", None, [1.0], np.ones(1), np.array("1"), 1j, np.nan, np.inf])
def test_the_rest_are_not(reward: Any) -> None:
    with pytest.raises(Breach, match="reward"):
        as_reward(reward)


@pytest.mark.parametrize(
    ("space", "observation"),
    [
        (BOX, np.zeros(2, np.float32)),
        (BOX, np.zeros(2, np.float64)),
        (BOX, np.zeros(2, np.int64)),
        (SCALAR, np.float32(0.5)),
        (SCALAR, 0.5),
        (SCALAR, np.array(0.5)),
        (Discrete(3), 1),
        (Discrete(3), np.int32(1)),
        (Discrete(3), np.array(1)),
        (MultiBinary((2,)), np.zeros(2, bool)),
    ],
)
def test_observations_that_fit(space: Any, observation: Any) -> None:
    np.testing.assert_array_equal(as_observation(observation, space), observation)


@pytest.mark.parametrize(
    ("space", "observation"),
    [
        (BOX, [0.0, 0.0]),
        (BOX, (np.zeros(2, np.float32), {})),
        (BOX, np.zeros(3, np.float32)),
        (BOX, np.zeros((2, 1), np.float32)),
        (BOX, 0.5),
        (BOX, None),
        (Discrete(3), 1.0),
        (Discrete(3), np.zeros(1, np.int64)),
        (Discrete(3), "1"),
        (MultiBinary((2,)), np.zeros(2)),
        (Box((2,), "uint8", (0.0, 0.0), (255.0, 255.0)), np.zeros(2, np.float32)),
    ],
)
def test_observations_that_do_not(space: Any, observation: Any) -> None:
    with pytest.raises(Breach, match="observation: expected an array of"):
        as_observation(observation, space)


def test_pairs_and_fives() -> None:
    assert as_pair((1, {})) == 1
    assert as_five((1, 2, 3, 4, 5)) == (1, 2, 3, 4, 5)
    for wrong in ((1,), (1, 2, 3), [1, 2], np.zeros(2), None):
        with pytest.raises(Breach, match=r"reset\(\): expected a pair"):
            as_pair(wrong)
        with pytest.raises(Breach, match=r"step\(\): expected five"):
            as_five(wrong)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros((2, 3), np.float32), "an array of float32 [2, 3]"),
        ((1, 2), "a tuple of 2 values"),
        ("text", "'text'"),
        (None, "None"),
        (1.5, "1.5"),
        ([1], "a list"),
        (OSError(), "an OSError"),
    ],
)
def test_values_are_described(value: Any, words: str) -> None:
    assert describe(value) == words


def test_a_breach_is_kept_and_anything_else_is_an_exception() -> None:
    breach = Breach("reward", "a", "b")
    assert breach_of("step()", breach) is breach
    found = breach_of("step()", KeyError("lost"))
    assert (found.where, found.expected, found.found) == ("step()", "no exception", "KeyError: 'lost'")


def test_unpacking_by_the_environment_itself_is_its_own_trouble() -> None:
    with pytest.raises(ValueError) as caught:
        _a, _b, _c, _d, _e = iter([1, 2, 3, 4])
    assert breach_of("step()", caught.value).expected == "no exception"


@pytest.mark.parametrize(("action", "value"), [(3, 3), (np.array([1.5]), [1.5]), (np.float32(0.5), 0.5)])
def test_actions_become_plain(action: Any, value: Any) -> None:
    assert plain(action) == value
    assert type(plain(action)) is type(value)
