"""How often a policy is asked, and how long a step takes."""

from __future__ import annotations

import time
from typing import Any

import gymnasium

from touchline.envs.wrappers.rewards import Step


class ActionRepeat(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Plays each action ``n`` times and pays the sum; an end on the way ends the step.

    Steps and episode lengths are then the policy's; a time limit further in counts the environment's.
    Raises ValueError where ``n`` is not a positive integer.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], n: int) -> None:
        super().__init__(env)
        if not isinstance(n, int) or n < 1:
            raise ValueError(f"n: expected a positive integer, found {n!r}")
        self.n = n

    def step(self, action: Any) -> Step:
        total = 0.0
        for _ in range(self.n):
            observation, reward, terminated, truncated, info = self.env.step(action)
            total += float(reward)
            if terminated or truncated:
                break
        return observation, total, terminated, truncated, info


class Latency(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Waits ``milliseconds`` before each step, as a simulator on another machine or a robot would.

    The processor is free meanwhile: for measuring how a run scales where the environments are what is slow.
    Raises ValueError where ``milliseconds`` is negative.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], milliseconds: float) -> None:
        super().__init__(env)
        if not milliseconds >= 0:
            raise ValueError(f"milliseconds: expected 0 or more, found {milliseconds!r}")
        self.seconds = milliseconds / 1000

    def step(self, action: Any) -> Step:
        time.sleep(self.seconds)
        return self.env.step(action)
