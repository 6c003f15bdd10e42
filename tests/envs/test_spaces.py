"""Spaces as plain data, and observations checked against them."""

from __future__ import annotations

from typing import Any

import gymnasium.spaces as gym
import numpy as np
import pytest

from touchline.envs.errors import EnvironmentFault, UnsupportedSpace
from touchline.envs.spaces import action_space, check_observations, observation_space
from touchline.policy.records import Record
from touchline.policy.spaces import (
    Box,
    Dict,
    Discrete,
    MultiBinary,
    MultiDiscrete,
    Tuple,
    from_plain,
    raw_dtype,
    raw_shape,
    to_plain,
)

SUPPORTED = [
    (gym.Box(-1.0, 2.0, (2, 3), np.float32), Box((2, 3), "float32", (-1.0,) * 6, (2.0,) * 6)),
    (
        gym.Box(np.array([0.0, -np.inf]), np.array([1.0, np.inf]), dtype=np.float64),
        Box((2,), "float64", (0.0, -np.inf), (1.0, np.inf)),
    ),
    (gym.Box(0, 255, (2,), np.uint8), Box((2,), "uint8", (0.0, 0.0), (255.0, 255.0))),
    (gym.Discrete(4), Discrete(4)),
    (gym.Discrete(4, start=-2), Discrete(4, -2)),
    (gym.MultiDiscrete([2, 3]), MultiDiscrete((2, 3))),
    (gym.MultiDiscrete([2, 3], start=[1, -1]), MultiDiscrete((2, 3), (1, -1))),
    (gym.MultiDiscrete([[2, 3], [4, 5]]), MultiDiscrete((2, 3, 4, 5), (), (2, 2))),
    (
        gym.MultiDiscrete([[2], [3]], start=[[0], [4]]),
        MultiDiscrete((2, 3), (0, 4), (2, 1)),
    ),
    (gym.MultiBinary(3), MultiBinary((3,))),
    (gym.MultiBinary([2, 2]), MultiBinary((2, 2))),
]


NESTED = [
    (gym.Tuple((gym.Discrete(2),)), Tuple((Discrete(2),))),
    (
        gym.Dict({"b": gym.Discrete(2), "a": gym.Tuple((gym.MultiBinary(2), gym.Discrete(3)))}),
        Dict(("a", "b"), (Tuple((MultiBinary((2,)), Discrete(3))), Discrete(2))),
    ),
]


@pytest.mark.parametrize(("space", "plain"), [*SUPPORTED, *NESTED])
def test_observation_spaces_become_plain(space: Any, plain: Any) -> None:
    assert observation_space(space) == plain
    assert from_plain(to_plain(observation_space(space))) == plain


@pytest.mark.parametrize(("space", "plain"), SUPPORTED)
def test_a_plain_space_has_the_shape_and_dtype_of_what_is_sampled(space: Any, plain: Any) -> None:
    sample = np.asarray(space.sample())
    assert sample.shape == raw_shape(plain)
    assert np.can_cast(sample.dtype, raw_dtype(plain), "same_kind")


@pytest.mark.parametrize(
    "space",
    [
        *(
            gym.Box(-1.0, 1.0, (2,)),
            gym.Discrete(3),
            gym.MultiDiscrete([2, 2], start=[1, 1]),
            gym.MultiBinary(2),
        ),
        *(space for space, _ in NESTED),
    ],
)
def test_action_spaces_become_plain(space: Any) -> None:
    assert action_space(space) == observation_space(space)


@pytest.mark.parametrize(
    ("convert", "space", "says"),
    [
        (
            observation_space,
            gym.Text(3),
            "as MultiDiscrete, one number a character; within a Dict or a Tuple, FilterObs",
        ),
        (observation_space, gym.Graph(gym.Box(0, 1, (2,)), None), "as a Box of its nodes"),
        (observation_space, gym.Sequence(gym.Discrete(2)), "as a Box of a fixed length"),
        (observation_space, gym.OneOf((gym.Discrete(2), gym.Discrete(3))), "a Discrete that says which"),
        (observation_space, gym.Box(0.0, 1.0, (0,)), "at least one"),
        (observation_space, gym.Box(0.0, 1.0, (1,), np.longdouble), "at least one real number"),
        (observation_space, gym.Dict({}), "one part at least"),
        (observation_space, gym.Tuple(()), "one part at least"),
        (
            action_space,
            gym.Sequence(gym.Discrete(2)),
            "your own (env.wrappers: [path/file.py:Wrapper]) can give it as a Box",
        ),
        (action_space, gym.Box(0, 3, (2,), np.int64), "Of integers take MultiDiscrete"),
    ],
)
def test_other_spaces_are_refused_with_what_is_supported(convert: Any, space: Any, says: str) -> None:
    with pytest.raises(UnsupportedSpace, match=r"expected one of .*, found") as caught:
        convert(space)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("convert", "inner", "where"),
    [
        (observation_space, gym.Text(3), "observation space['a'][1]"),
        (action_space, gym.Box(0, 3, (2,), np.int64), "action space['a'][1]"),
    ],
)
def test_a_part_that_is_not_supported_is_named(convert: Any, inner: Any, where: str) -> None:
    with pytest.raises(UnsupportedSpace) as caught:
        convert(gym.Dict({"a": gym.Tuple((gym.Discrete(2), inner))}))
    assert caught.value.where == where
    assert caught.value.found == str(inner)


def test_spaces_nested_too_deep_are_refused() -> None:
    space: Any = gym.Discrete(2)
    for _ in range(8):
        space = gym.Tuple((space,))
    observation_space(space)
    with pytest.raises(UnsupportedSpace, match="8 in one another at most"):
        observation_space(gym.Tuple((space,)))


# Observations against their space.

UNIT = Box((2,), "float32", (0.0, 0.0), (1.0, 1.0))


def zeros(space: Any, *lead: int) -> np.ndarray:
    return np.zeros((*lead, *raw_shape(space)), raw_dtype(space))


@pytest.mark.parametrize(("space", "plain"), SUPPORTED)
def test_samples_lie_inside(space: Any, plain: Any) -> None:
    space.seed(0)
    batch = np.stack([[space.sample() for _ in range(3)] for _ in range(4)]).astype(raw_dtype(plain))
    assert check_observations(plain, batch) == 0
    assert check_observations(plain, batch[0]) == 0


@pytest.mark.parametrize("value", [1.5, -0.5])
def test_a_number_beyond_a_bound_is_a_fault_that_names_it(value: float) -> None:
    batch = zeros(UNIT, 4, 3)
    batch[2, 1, 0] = value
    with pytest.raises(EnvironmentFault) as caught:
        check_observations(UNIT, batch)
    assert str(caught.value) == (
        f"observation: expected a finite value from 0.0 to 1.0, found {value} in element [0] (lane 1, step 2)"
    )


def test_a_batch_of_one_step_names_the_lane_alone() -> None:
    batch = zeros(UNIT, 3)
    batch[2, 1] = 2.0
    with pytest.raises(EnvironmentFault) as caught:
        check_observations(UNIT, batch)
    assert (caught.value.lane, caught.value.step) == (2, None)


def test_bounds_of_their_own_are_kept_apart() -> None:
    space = Box((2,), "float32", (0.0, -5.0), (1.0, 5.0))
    assert check_observations(space, np.array([[0.5, -4.0]], np.float32)) == 0
    with pytest.raises(EnvironmentFault, match=r"from -5.0 to 5.0, found 6.0"):
        check_observations(space, np.array([[0.5, 6.0]], np.float32))


def test_a_bound_that_no_float64_shares_does_not_exclude_itself() -> None:
    edge = np.float32(0.1)
    space = Box((1,), "float32", (float(-edge),), (float(edge),))
    assert check_observations(space, np.array([[edge], [-edge]])) == 0


def test_without_strict_what_leaves_its_bounds_is_counted() -> None:
    batch = zeros(UNIT, 4, 3)
    batch[2, 1], batch[0, 0, 0] = 7.0, -1.0
    assert check_observations(UNIT, batch, strict=False) == 3


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_always_a_fault(value: float, strict: bool) -> None:
    space = Box((1,), "float32", (-np.inf,), (np.inf,))
    with pytest.raises(EnvironmentFault, match="finite"):
        check_observations(space, np.array([[value]], np.float32), strict=strict)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("space", "batch"),
    [
        (Discrete(3), np.array([0, 3])),
        (Discrete(3, start=1), np.array([0, 1])),
        (MultiDiscrete((2, 3)), np.array([[1, 2], [2, 0]])),
        (MultiDiscrete((2, 3), (1, 1)), np.array([[1, 2], [0, 1]])),
        (MultiDiscrete((2, 3), (), (2, 1)), np.array([[[1], [2]], [[0], [3]]])),
        (MultiBinary((2,)), np.array([[0, 1], [2, 0]], np.int8)),
    ],
)
def test_a_count_that_does_not_exist_is_always_a_fault(space: Any, batch: Any, strict: bool) -> None:
    with pytest.raises(EnvironmentFault):
        check_observations(space, batch, strict=strict)


def test_pixels_within_a_narrower_space_are_looked_at() -> None:
    space = Box((2,), "uint8", (0.0, 0.0), (10.0, 10.0))
    with pytest.raises(EnvironmentFault, match="found 11"):
        check_observations(space, np.array([[10, 11]], np.uint8))


# Of several parts.

CAR = Dict(
    ("camera", "body"), (Box((2, 2), "uint8", (0.0,) * 4, (9.0,) * 4), Tuple((UNIT, Discrete(3, start=1))))
)


def cars(*lead: int) -> tuple[np.ndarray, dict[Any, np.ndarray]]:
    """Records within the space, and their leaves by path."""
    raw = zeros(CAR, *lead)
    views = {leaf.path: view for leaf, view in Record.of(CAR).views(raw)}
    views["body", 1][...] = 1
    return raw, views


def test_records_within_their_space() -> None:
    assert check_observations(CAR, cars(4, 3)[0]) == 0


@pytest.mark.parametrize(
    ("path", "element", "value", "where", "says"),
    [
        (("camera",), (1, 0), 10, "observation['camera']", "found 10 in element [1, 0] (lane 2, step 3)"),
        (("body", 0), (1,), np.nan, "observation['body'][0]", "found nan in element [1] (lane 2, step 3)"),
        (("body", 1), (), 4, "observation['body'][1]", "from 1 to 3, found 4 (lane 2, step 3)"),
    ],
)
def test_a_part_that_lies_outside_is_named(
    path: Any, element: Any, value: Any, where: str, says: str
) -> None:
    raw, views = cars(4, 3)
    views[path][(3, 2, *element)] = value
    with pytest.raises(EnvironmentFault) as caught:
        check_observations(CAR, raw)
    assert caught.value.where == where
    assert says in str(caught.value)


def test_strays_in_any_part_are_counted_however_many() -> None:
    raw, views = cars(4, 3)
    views["camera",][1:, 0] = 10
    views["body", 0][...] = -1
    assert check_observations(CAR, raw, strict=False) == 3 * 4 + 4 * 3 * 2
