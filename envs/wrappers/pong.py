"""Pong as in Karpathy's *Deep Reinforcement Learning: Pong from Pixels* (2016), exactly."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from touchline.envs.wrappers.rewards import Step

SCREEN = (210, 160, 3)  # rows, columns, red green blue
TOP, BOTTOM = 35, 195  # rows of the field, between the score and the lower margin
BACKGROUNDS = (144, 109)  # the red of the field: during play, and on the frames before it
SIZE = 80 * 80
DOWN, UP = 3, 2  # the game's own actions, which it calls LEFT and RIGHT
INK = np.ones(256, np.int8)
INK[[0, *BACKGROUNDS]] = 0


def preprocess(screen: NDArray[np.uint8]) -> NDArray[np.int8]:
    """The field at half its size, 1 where there is a paddle or the ball and 0 elsewhere.

    ``screen`` is uint8 [210, 160, 3]; the answer int8 [6400], by rows. Karpathy's ``prepro``.
    """
    field = screen[TOP:BOTTOM:2, ::2, 0]
    return INK[field].reshape(SIZE)


class PongPixels(gymnasium.Wrapper[Any, Any, Any, Any]):
    """The difference of two frames, int8 [6400] in {-1, 0, 1}, and two actions: 1 is up, 0 is down.

    The first observation of an episode is all zeros, the one at step t is ``preprocess(frame t) -
    preprocess(frame t - 1)``. For ``Pong-v0`` (what the article used) and ``ALE/Pong-v5``.
    Raises ValueError where the environment is not Pong with its colour screen and its six or eighteen actions.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        _check(env)
        self.observation_space = spaces.Box(-1, 1, (SIZE,), np.int8)
        self.action_space = spaces.Discrete(2)
        self.before = np.zeros(SIZE, np.int8)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.int8], dict[str, Any]]:
        screen, info = self.env.reset(seed=seed, options=options)
        self.before = preprocess(screen)
        return np.zeros(SIZE, np.int8), info

    def step(self, action: Any) -> Step:
        screen, reward, terminated, truncated, info = self.env.step(UP if action else DOWN)
        now = preprocess(screen)
        difference, self.before = now - self.before, now
        return difference, reward, terminated, truncated, info


def _check(env: gymnasium.Env[Any, Any]) -> None:
    space, actions = env.observation_space, env.action_space
    if space.shape != SCREEN or space.dtype != np.uint8:
        raise ValueError(
            f"expected Pong's screen, uint8 {list(SCREEN)}, found {space}; obs_type must be 'rgb'"
        )
    if not isinstance(actions, spaces.Discrete) or actions.n <= DOWN:
        raise ValueError(f"expected Pong's actions, of which {UP} is up and {DOWN} down, found {actions}")
    meanings = getattr(env.unwrapped, "get_action_meanings", None)
    if meanings is not None and meanings()[UP : DOWN + 1] != ["RIGHT", "LEFT"]:
        raise ValueError(f"expected RIGHT and LEFT as actions {UP} and {DOWN}, found {meanings()}")
