"""Environments that do exactly what a test says, and lanes made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from touchline.envs.lanes import Facts
from touchline.envs.spaces import action_space, observation_space
from touchline.envs.sync_lanes import SyncLanes

FACTS = Facts(
    env="Counter",
    env_version=None,
    gymnasium_version=gymnasium.__version__,
    reward_threshold=None,
    max_episode_steps=None,
    autoreset="same_step",
    native=False,
)


class Counter(gymnasium.Env[Any, Any]):
    """Observes ``[seed, steps]`` and ends after ``length`` steps; the reward is the number of the step.

    ``at`` maps the number of a step, over the life of the environment, to what ``step()`` returns or raises
    instead. What it was called with is kept in ``actions`` and ``resets``.
    """

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(
        self,
        length: int = 3,
        *,
        truncates: bool = False,
        at: dict[int, Any] | None = None,
        on_reset: Any = None,
        action: spaces.Space[Any] | None = None,
        reuse: bool = False,
    ) -> None:
        self.observation_space = spaces.Box(-1e9, 1e9, (2,), np.float32)
        self.action_space = spaces.Discrete(2) if action is None else action
        self.length, self.truncates, self.at, self.on_reset = length, truncates, at or {}, on_reset
        self.actions: list[Any] = []
        self.resets: list[int | None] = []
        self.buffer = np.zeros(2, np.float32) if reuse else None
        self.closed = 0

    def observe(self) -> np.ndarray:
        if self.buffer is None:
            return np.array([self.seed, self.steps], np.float32)
        self.buffer[:] = [self.seed, self.steps]
        return self.buffer

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.resets.append(seed)
        self.seed, self.steps = seed, 0
        if isinstance(self.on_reset, Exception):
            raise self.on_reset
        return (self.observe(), {}) if self.on_reset is None else self.on_reset

    def step(self, action: Any) -> Any:
        self.actions.append(action)
        self.steps += 1
        if len(self.actions) in self.at:
            planned = self.at[len(self.actions)]
            if isinstance(planned, BaseException):
                raise planned
            return planned
        over = self.steps >= self.length
        return self.observe(), float(self.steps), over and not self.truncates, over and self.truncates, {}

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def counter() -> type[Counter]:
    return Counter


@pytest.fixture
def lanes_of() -> Iterator[Callable[..., SyncLanes]]:
    """SyncLanes over given environments; the seed of lane l's episode e is 100 l + e."""
    made: list[SyncLanes] = []

    def build(envs: Sequence[gymnasium.Env[Any, Any]], *, time_limit: int | None = None) -> SyncLanes:
        lanes = SyncLanes(
            envs,
            observation_space=observation_space(envs[0].observation_space),
            action_space=action_space(envs[0].action_space),
            facts=FACTS,
            seed_source=lambda lane, episode: 100 * lane + episode,
            time_limit=time_limit,
        )
        made.append(lanes)
        return lanes

    yield build
    for lanes in made:
        lanes.close()
