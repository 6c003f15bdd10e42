"""Where a number is that is none: found by a naive walk through the episodes of a result."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.policy.numbers import is_of_network, number_fault

STEPS, LANES = 6, 2


def result(ends=(), lengths=(), seeds=(), **arrays):
    """Two lanes of six steps; ``ends``: where episodes ended, (row, lane)."""
    terminated = np.zeros((STEPS, LANES), bool)
    for end in ends:
        terminated[end] = True
    held = {
        "observations": np.zeros((STEPS + 1, LANES, 3), np.float32),
        "head": np.zeros((STEPS, LANES, 2), np.float32),
        "rewards": np.zeros((STEPS, LANES), np.float32),
        "terminated": terminated,
        "truncated": np.zeros_like(terminated),
        "final_steps": np.zeros((0, 2), np.int32),
        "final_observations": np.zeros((0, 3), np.float32),
        "episode_returns": np.zeros(len(seeds)),
        "episode_lengths": np.array(lengths, int),
        "episode_seeds": np.array(seeds, int),
        "state": np.zeros((LANES, 4), np.float32),
    }
    return held | arrays


def spoilt(name, place, number=np.nan, **rest):
    arrays = result(**rest)
    arrays[name][place] = number
    return number_fault(arrays, {})


BEGUN_ANEW = {"ends": [(2, 0), (3, 1)], "lengths": [5, 4, 3, 2], "seeds": [70, 71, 80, 81]}
"""Lane 0 came with two steps, ended at row 2 and was cut short with three; lane 1 began at row 0."""


def test_numbers_are_no_fault():
    assert number_fault(result(**BEGUN_ANEW), {}) is None


@pytest.mark.parametrize(
    ("row", "lane", "seed", "step"),
    [(0, 0, 70, 2), (2, 0, 70, 4), (3, 0, 80, 0), (6, 0, 80, 3), (0, 1, 71, 0), (3, 1, 71, 3), (4, 1, 81, 0)],
)
def test_an_observation_is_placed_in_its_episode(row, lane, seed, step):
    assert spoilt("observations", (row, lane, 1), **BEGUN_ANEW) == (
        f"observations: expected finite numbers, found nan at [row {row}, lane {lane}, element 1] "
        f"(episode seed {seed}, step {step})"
    )


def test_a_reward_is_placed_and_an_infinity_named():
    assert spoilt("rewards", (1, 0), np.inf, **BEGUN_ANEW) == (
        "rewards: expected finite numbers, found inf at [row 1, lane 0] (episode seed 70, step 3)"
    )


def test_an_element_of_an_image_has_all_its_indices():
    images = np.zeros((STEPS + 1, LANES, 2, 2), np.float32)
    fault = spoilt("observations", (5, 1, 1, 0), **BEGUN_ANEW, observations=images)
    assert "[row 5, lane 1, element 1, 0] (episode seed 81, step 1)" in fault


def test_a_final_observation_is_that_after_the_last_step():
    finals = {
        "final_steps": np.array([[3, 1]], np.int32),
        "final_observations": np.zeros((1, 3), np.float32),
    }
    fault = spoilt("final_observations", (0, 2), **BEGUN_ANEW, **finals)
    assert fault.endswith("found nan at [truncation 0, element 2] (episode seed 71, step 4)")


def test_the_environment_is_named_before_the_network():
    arrays = result(**BEGUN_ANEW)
    arrays["head"][0, 0, 0] = arrays["rewards"][4, 1] = np.nan
    fault = number_fault(dict(sorted(arrays.items())), {})
    assert fault.startswith("rewards: ")
    assert not is_of_network(fault)


@pytest.mark.parametrize(("name", "place"), [("head", (0, 1, 1)), ("state", (1, 0))])
def test_what_the_network_made_of_numbers_is_its_own(name, place):
    fault = spoilt(name, place, **BEGUN_ANEW)
    assert is_of_network(fault)
    assert "(episode seed 71, step 0)" in fault


def test_a_part_of_a_record_is_named():
    part = np.zeros((STEPS + 1, LANES), np.float32)
    part[1, 1] = np.nan
    fault = number_fault(result(**BEGUN_ANEW), {"observations['speed']": part})
    assert fault.startswith("observations['speed']: expected finite numbers, found nan at [row 1, lane 1]")
    assert fault.endswith("(episode seed 71, step 1)")


def test_a_return_is_one_episodes():
    fault = spoilt("episode_returns", 1, **BEGUN_ANEW)
    assert fault == "episode_returns: expected finite numbers, found nan at [episode 1] (episode seed 71)"


@pytest.mark.parametrize(
    "rest", [{}, {"ends": [(2, 0)], "lengths": [3, 3], "seeds": [70, 71]}, {"ends": [(2, 0)]}]
)
def test_episodes_that_are_not_listed_as_they_should_are_not_guessed(rest):
    fault = spoilt("rewards", (4, 0), **rest)
    assert fault.endswith("[row 4, lane 0]")


def test_what_float32_cannot_hold_is_no_number_of_the_environments():
    """The network reads float32: what it makes of 1e300 is the environment's, not its own."""
    seen = np.zeros((STEPS + 1, LANES, 2))
    seen[1, 1, 0] = 1e300
    fault = number_fault(result(**BEGUN_ANEW, observations=seen), {})
    assert fault.startswith(
        "observations: expected finite numbers, found 1e+300 at [row 1, lane 1, element 0]"
    )
    assert not is_of_network(fault)
