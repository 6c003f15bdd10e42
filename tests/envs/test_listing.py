"""The list of environments."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from touchline.envs import wrappers
from touchline.envs.listing import Row, WrapperRow, list_envs, list_wrappers


def test_the_list_is_sorted_and_holds_ours_and_gymnasiums() -> None:
    ids = [row.id for row in list_envs()]
    assert ids == sorted(ids, key=str.lower)
    assert {"CartPole-v1", "touchline/Corridor-v0", "LunarLander-v3"} <= set(ids)


def test_a_row_says_what_the_registry_knows() -> None:
    [row] = list_envs("CartPole-v1*")
    assert row == Row("CartPole-v1", 475.0, 500, native=True, missing=None, extra=None)


@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        ("pendulum-V1", ["Pendulum-v1"]),
        (
            "TOUCHLINE/*",
            [f"touchline/{name}-v0" for name in ("Bandit", "Corridor", "Lock", "Recall", "Target")],
        ),
        ("acrobot", ["Acrobot-v1"]),
        ("?crobot-v1", ["Acrobot-v1"]),
        ("crobot-v?", []),
        ("no such", []),
    ],
)
def test_a_pattern_is_a_part_or_a_glob(pattern: str, ids: list[str]) -> None:
    found = [row.id for row in list_envs(pattern)]
    assert [env_id for env_id in found if not env_id.startswith("phys2d/")] == ids


@pytest.mark.parametrize(
    ("env_id", "module", "extra"),
    [
        ("Ant-v5", "mujoco", "mujoco"),
        ("LunarLander-v3", "Box2D", "box2d"),
        ("tabular/Blackjack-v0", "jax", None),
    ],
)
def test_a_row_says_what_is_missing(env_id: str, module: str, extra: str | None) -> None:
    [row] = [row for row in list_envs(env_id) if row.id == env_id]
    installed = importlib.util.find_spec(module) is not None
    assert (row.missing, row.extra) == ((None, None) if installed else (module, extra))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    [row] = list_envs("LunarLander-v3")
    assert (row.missing, row.extra) == ("Box2D", "box2d")


def test_a_wrapper_is_listed_with_arguments_and_its_first_line() -> None:
    [row] = list_wrappers("framestack")
    assert row.arguments == "stack_size, padding_type='reset'"
    assert row.summary.startswith("Stacks the observations")
    assert list_wrappers("latenc?") == [
        WrapperRow(
            "Latency",
            "milliseconds",
            "Waits ``milliseconds`` before each step, as a simulator on another machine or a robot would.",
        )
    ]


def test_the_wrappers_are_sorted_and_hold_all_of_ours() -> None:
    names = [row.name for row in list_wrappers()]
    assert names == sorted(names)
    assert set(wrappers.__all__) <= set(names)
    assert wrappers.__all__ == sorted(wrappers.__all__)
    assert all(row.summary for row in list_wrappers() if row.name in wrappers.__all__)


def test_a_wrapper_whose_package_is_missing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gymnasium.wrappers.jax_to_numpy", None)
    [row] = list_wrappers("JaxToNumpy")
    assert (row.arguments, row.summary) == ("", "")
    assert "pip install" in row.missing


def test_wrappers_that_want_a_python_function_are_left_out() -> None:
    rows = {row.name: row for row in list_wrappers()}
    assert not {"TransformObservation", "TransformAction", "TransformReward"} & set(rows)
    assert {"RecordVideo", "FilterObservation"} <= set(rows), (
        "a function that may be left out does not matter"
    )


def test_no_address_of_an_object_is_listed() -> None:
    assert not [row for row in list_wrappers() if "0x" in row.arguments]
