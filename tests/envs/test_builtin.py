"""The built-in environments reach exactly the optimum they state, and nothing simple exceeds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

from touchline.envs.builtin import register
from touchline.envs.resolve import resolve
from touchline.envs.spec import EnvSpec

Policy = Callable[[Any], Any]


def returns(name: str, policy: Policy, *, episodes: int, **kwargs: Any) -> tuple[list[float], float]:
    """The returns of a policy, and the optimum that the environment states."""
    env = resolve(EnvSpec(f"touchline/{name}-v0", kwargs=kwargs)).make()
    found = []
    for episode in range(episodes):
        observation, _ = env.reset(seed=episode)
        total, over = 0.0, False
        while not over:
            observation, reward, terminated, truncated, _ = env.step(policy(observation))
            total += float(reward)
            over = terminated or truncated
        found.append(total)
    return found, env.unwrapped.optimum  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("Corridor", lambda observation: 1),
        ("Target", lambda observation: observation),
        ("Lock", lambda observation: observation.astype(np.int64)),
    ],
)
def test_the_best_policy_reaches_the_optimum_in_every_episode(name: str, policy: Policy) -> None:
    found, optimum = returns(name, policy, episodes=5)
    assert found == [optimum] * 5


def test_the_best_arm_pays_the_optimum_on_average() -> None:
    found, optimum = returns("Bandit", lambda observation: 3, episodes=2000)
    deviation = np.sqrt(optimum * (1 - optimum) / 2000)
    assert abs(np.mean(found) - optimum) < 4 * deviation
    worst, _ = returns("Bandit", lambda observation: 0, episodes=2000)
    assert abs(np.mean(worst) - 0.2) < 4 * np.sqrt(0.16 / 2000)


@pytest.mark.parametrize("name", ["Bandit", "Corridor", "Lock", "Recall", "Target"])
def test_random_play_stays_well_below_the_threshold(name: str) -> None:
    env = resolve(EnvSpec(f"touchline/{name}-v0")).make()
    env.action_space.seed(0)
    found, optimum = returns(name, lambda observation: env.action_space.sample(), episodes=300)
    assert env.spec is not None
    assert np.mean(found) < env.spec.reward_threshold <= optimum  # type: ignore[operator]


def test_the_corridor_has_walls_and_a_length() -> None:
    env = resolve(EnvSpec("touchline/Corridor-v0", kwargs={"length": 3})).make()
    env.reset(seed=0)
    walked = [env.step(action)[:3] for action in (0, 1, 0, 1, 1)]
    assert [(int(cell), reward, over) for cell, reward, over in walked] == [
        (0, -1.0, False),
        (1, -1.0, False),
        (0, -1.0, False),
        (1, -1.0, False),
        (2, -1.0, True),
    ]


def test_a_target_is_paid_by_its_squared_distance() -> None:
    env = resolve(EnvSpec("touchline/Target-v0", kwargs={"size": 3})).make()
    target, _ = env.reset(seed=0)
    _, reward, _, _, _ = env.step(target + np.array([0.5, 0.0, -1.0], np.float32))
    assert reward == pytest.approx(-1.25)


def test_registering_twice_is_registering_once() -> None:
    register()
    before = dict(gymnasium.registry)
    register()  # overriding would warn, and a warning is an error here
    assert gymnasium.registry == before
