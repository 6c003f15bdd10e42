"""What DeepMind did to Atari games beside shrinking their frames (gymnasium's ``AtariPreprocessing``)."""

from __future__ import annotations

from typing import Any

import gymnasium

from touchline.envs.wrappers.rewards import Step

FIRE = 1
NOOP = 0


class EpisodicLife(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Ends an episode at each life lost, and goes on with the same game; only a game that is over begins anew.

    Mnih et al. (2015). The reset after a life lost does nothing for one step: its seed is not used, so such
    an episode cannot be begun again alone, and its return is that of one life.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        _check_game(env, NOOP, "NOOP")
        self.lives, self.over = 0, True

    def step(self, action: Any) -> Step:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self.over = terminated or truncated
        before, self.lives = self.lives, _lives(self.env)
        return observation, reward, terminated or 0 < self.lives < before, truncated, info

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        if not self.over:
            observation, _, terminated, truncated, info = self.env.step(NOOP)
            self.over = terminated or truncated
        if self.over:
            observation, info = self.env.reset(seed=seed, options=options)
        self.lives, self.over = _lives(self.env), False
        return observation, info


class FireReset(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Presses FIRE after each reset, for games such as Breakout that wait for it."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        _check_game(env, FIRE, "FIRE")

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        self.env.reset(seed=seed, options=options)
        observation, _, terminated, truncated, info = self.env.step(FIRE)
        return self.env.reset(options=options) if terminated or truncated else (observation, info)


def _lives(env: gymnasium.Env[Any, Any]) -> int:
    return int(env.unwrapped.ale.lives())  # type: ignore[attr-defined]


def _check_game(env: gymnasium.Env[Any, Any], action: int, meaning: str) -> None:
    meanings: list[str] = getattr(env.unwrapped, "get_action_meanings", list)()
    if not hasattr(env.unwrapped, "ale") or meaning not in meanings[action : action + 1]:
        raise ValueError(f"expected an Atari game whose action {action} is {meaning}, found {env.unwrapped}")
