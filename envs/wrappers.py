"""Wrappers that gymnasium has only with a function as argument, which a config file cannot hold."""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium

__all__ = ["ScaleReward"]


class ScaleReward(gymnasium.RewardWrapper[Any, Any]):
    """Multiplies each reward by ``scale``. Returns are then of the scaled rewards."""

    def __init__(self, env: gymnasium.Env[Any, Any], scale: float) -> None:
        super().__init__(env)
        self.scale = scale

    def reward(self, reward: SupportsFloat) -> float:
        return self.scale * float(reward)
