"""The error tree: every message can be acted on, and a fault can be written down."""

from __future__ import annotations

import json

import pytest

from touchline.envs import errors
from touchline.envs.errors import EnvError, EnvironmentFault, UnsupportedSpace


def test_every_error_is_an_env_error_and_stands_in_the_tree() -> None:
    found = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, EnvError) and value is not EnvError
    }
    drawn = {
        line.split()[1]
        for line in (errors.__doc__ or "").splitlines()
        if line.strip()[:1] in "├└" and line.strip()
    }
    assert found == drawn


@pytest.mark.parametrize(
    ("place", "tail"),
    [
        ({}, "found nan"),
        ({"lane": 0}, "found nan (lane 0)"),
        ({"lane": 3, "seed": 17, "step": 12}, "found nan (lane 3, episode seed 17, step 12)"),
    ],
)
def test_a_fault_says_where_as_far_as_it_knows(place: dict[str, int], tail: str) -> None:
    fault = EnvironmentFault(where="reward", expected="a finite number", found="nan", **place)  # type: ignore[arg-type]
    assert str(fault) == f"reward: expected a finite number, {tail}"


def test_a_fault_keeps_the_newest_twenty_actions() -> None:
    fault = EnvironmentFault(where="step()", expected="a", found="b", last_actions=range(50))
    assert fault.last_actions == tuple(range(30, 50))


def test_a_fault_can_be_written_as_json() -> None:
    fault = EnvironmentFault(
        where="step()", expected="a", found="b", lane=1, seed=2, step=3, last_actions=[[0.5], [1.0]]
    )
    assert json.loads(json.dumps(fault.to_plain())) == {
        "where": "step()",
        "expected": "a",
        "found": "b",
        "lane": 1,
        "seed": 2,
        "step": 3,
        "last_actions": [[0.5], [1.0]],
    }


@pytest.mark.parametrize(("hint", "tail"), [("", "found Text(3)"), ("Do this", "found Text(3). Do this")])
def test_an_unsupported_space_says_what_is_supported(hint: str, tail: str) -> None:
    error = UnsupportedSpace(where="action space", expected="one of Box", found="Text(3)", hint=hint)
    assert str(error) == f"action space: expected one of Box, {tail}"
