"""A game of Pong small enough to look at: a ball falls over a few pixels, a paddle of two waits below.

Observed as Pong from Pixels observes: the difference of two frames, the first of an episode all zeros. A point ends a
rally, three end the episode.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

ROWS, COLUMNS, POINTS = 5, 6, 3


class TinyPong(gymnasium.Env[np.ndarray, int]):
    """Observation int8 [30] in {-1, 0, 1}; action 1 moves the paddle left, 0 right."""

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self) -> None:
        self.observation_space = spaces.Box(-1, 1, (ROWS * COLUMNS,), np.int8)
        self.action_space = spaces.Discrete(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.points, self.paddle = 0, COLUMNS // 2
        self._serve()
        self.before = self._frame()
        return np.zeros(ROWS * COLUMNS, np.int8), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.paddle = min(max(self.paddle + (-1 if action else 1), 0), COLUMNS - 2)
        self.row += 1
        self.column = min(max(self.column + self.drift, 0), COLUMNS - 1)
        reward = 0.0
        if self.row == ROWS - 1:
            reward = 1.0 if self.paddle <= self.column <= self.paddle + 1 else -1.0
            self.points += 1
            self._serve()
        now = self._frame()
        difference, self.before = now - self.before, now
        return difference, reward, self.points == POINTS, False, {}

    def _serve(self) -> None:
        self.row, self.column = 0, int(self.np_random.integers(COLUMNS))
        self.drift = int(self.np_random.integers(-1, 2))

    def _frame(self) -> np.ndarray:
        frame = np.zeros((ROWS, COLUMNS), np.int8)
        frame[ROWS - 1, self.paddle : self.paddle + 2] = 1
        frame[self.row, self.column] = 1
        return frame.reshape(-1)
