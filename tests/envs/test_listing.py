"""The list of environments."""

from __future__ import annotations

import importlib.util

import pytest

from touchline.envs.listing import Row, list_envs


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
        ("TOUCHLINE/*", [f"touchline/{name}-v0" for name in ("Bandit", "Corridor", "Lock", "Target")]),
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
