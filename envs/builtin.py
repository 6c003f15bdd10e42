"""Small environments whose optimum is known: one for each kind of space, and ``Recall`` for memory.

They are registered as ``touchline/...`` when one is first resolved. ``optimum`` is the expected return of
the best policy, undiscounted.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from touchline.envs.recall import Recall

NAMESPACE = "touchline"


class Bandit(gymnasium.Env[np.ndarray, np.int64]):
    """One pull an episode; arm ``i`` of ``n`` pays 1 with probability ``(i + 1) / (n + 1)``.

    Observation ``Box [1]``, always 1; action ``Discrete(n)``.
    """

    metadata = {"render_modes": []}  # noqa: RUF012  # gymnasium declares it so

    def __init__(self, arms: int = 4) -> None:
        self.observation_space = spaces.Box(0.0, 1.0, (1,), np.float32)
        self.action_space = spaces.Discrete(arms)
        self.pays = [(arm + 1) / (arms + 1) for arm in range(arms)]
        self.optimum = self.pays[-1]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        return np.ones(1, np.float32), {}

    def step(self, action: np.int64) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        reward = float(self.np_random.random() < self.pays[int(action)])
        return np.ones(1, np.float32), reward, True, False, {}


class Corridor(gymnasium.Env[np.int64, np.int64]):
    """A corridor of ``length`` cells from the left end to the right; each step costs 1, action 1 goes right.

    Observation ``Discrete(length)``, the cell; action ``Discrete(2)``. Deterministic.
    """

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, length: int = 8) -> None:
        self.observation_space = spaces.Discrete(length)
        self.action_space = spaces.Discrete(2)
        self.cell, self.last = 0, length - 1
        self.optimum = -float(self.last)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.int64, dict[str, Any]]:
        super().reset(seed=seed)
        self.cell = 0
        return np.int64(self.cell), {}

    def step(self, action: np.int64) -> tuple[np.int64, float, bool, bool, dict[str, Any]]:
        self.cell = min(max(self.cell + (1 if action == 1 else -1), 0), self.last)
        return np.int64(self.cell), -1.0, self.cell == self.last, False, {}


class Target(gymnasium.Env[np.ndarray, np.ndarray]):
    """A new target each step; the reward is less the squared distance of the action from it.

    Observation and action ``Box [size]`` in [-1, 1]: the best policy answers the target itself. Episodes of
    ``steps`` steps, ended by truncation (by the registry's time limit where made by its id).
    """

    metadata = {"render_modes": []}  # noqa: RUF012
    optimum = 0.0

    def __init__(self, size: int = 2) -> None:
        self.observation_space = spaces.Box(-1.0, 1.0, (size,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (size,), np.float32)
        self.target = np.zeros(size, np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        return self._draw(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        reward = -float(np.square(action - self.target).sum())
        return self._draw(), reward, False, False, {}

    def _draw(self) -> np.ndarray:
        self.target = self.np_random.uniform(-1.0, 1.0, self.target.shape).astype(np.float32)
        return self.target.copy()


class Lock(gymnasium.Env[np.ndarray, np.ndarray]):
    """A row of bits to be repeated; the reward is the fraction that is right. One step an episode.

    Observation ``MultiBinary(bits)``; action ``MultiDiscrete([2] * bits)``.
    """

    metadata = {"render_modes": []}  # noqa: RUF012
    optimum = 1.0

    def __init__(self, bits: int = 3) -> None:
        self.observation_space = spaces.MultiBinary(bits)
        self.action_space = spaces.MultiDiscrete([2] * bits)
        self.code = np.zeros(bits, np.int8)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.code = self.np_random.integers(0, 2, self.code.shape, dtype=np.int8)
        return self.code.copy(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        return self.code.copy(), float(np.mean(self.code == action)), True, False, {}


def register() -> None:
    """Add them to gymnasium's registry, once."""
    rows: list[tuple[str, type[gymnasium.Env[Any, Any]], float | None, int | None]] = [
        ("Bandit", Bandit, 0.75, None),
        ("Corridor", Corridor, -8.0, 100),
        ("Lock", Lock, 0.95, None),
        ("Recall", Recall, 0.9, None),
        ("Target", Target, -0.5, 10),
    ]
    for name, cls, threshold, limit in rows:
        env_id = f"{NAMESPACE}/{name}-v0"
        if env_id not in gymnasium.registry:
            gymnasium.register(
                env_id,
                f"{cls.__module__}:{cls.__name__}",
                reward_threshold=threshold,
                max_episode_steps=limit,
            )
