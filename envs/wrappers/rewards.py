"""What is paid, and what is reported of it."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any, SupportsFloat

import gymnasium

Step = tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]


class ScaleReward(gymnasium.RewardWrapper[Any, Any]):
    """Multiplies each reward by ``scale``. Returns are then of the scaled rewards (but see ``Score``).

    Raises ValueError for a scale that is no finite number.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], scale: float) -> None:
        super().__init__(env)
        given: Any = scale  # a config may say anything
        if isinstance(given, bool) or not isinstance(given, Real) or not math.isfinite(given):
            raise ValueError(f"scale: expected a finite number, found {given!r}")
        self.scale = scale

    def reward(self, reward: SupportsFloat) -> float:
        return self.scale * float(reward)


class SignReward(gymnasium.RewardWrapper[Any, Any]):
    """Leaves of each reward its sign: -1, 0 or 1, as in Mnih et al. (2015), so that one step size fits all games."""

    def reward(self, reward: SupportsFloat) -> float:
        number = float(reward)
        return float((number > 0) - (number < 0))


class Score(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Adds up the rewards as they are here: the returns reported are of these, whatever is done to them outside.

    So a game's own score is reported, and compared with ``stop.mean_return``, while a policy learns from clipped or
    scaled rewards: ``wrappers: [Score, SignReward]``.

    ``total`` is the sum since the environment was made, over all episodes.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self.total = 0.0

    def step(self, action: Any) -> Step:
        result = self.env.step(action)
        self.total += float(result[1])
        return result


def score_of(env: gymnasium.Env[Any, Any]) -> Score | None:
    """The outermost ``Score`` among an environment's wrappers, if there is one."""
    while isinstance(env, gymnasium.Wrapper):
        if isinstance(env, Score):
            return env
        env = env.env
    return None
