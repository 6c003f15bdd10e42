"""Pong from Pixels, straight through: written from its description, one game, one process, nothing of touchline's.

A. Karpathy, *Deep Reinforcement Learning: Pong from Pixels*, 2016. All in float64. Environments give the difference of
two frames, zeros first, and take 1 for up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

GAMMA, RATE, DECAY, EPSILON = 0.99, 1e-4, 0.99, 1e-5


@dataclass
class Episode:
    """T steps: x [T, D], h [T, H], logit, p, y (the action taken, 1 for up) and reward [T]."""

    x: np.ndarray
    h: np.ndarray
    logit: np.ndarray
    p: np.ndarray
    y: np.ndarray
    reward: np.ndarray


class Agent:
    """W1 [H, D], W2 [H], and the mean squares of their gradients, which begin at 0."""

    def __init__(self, W1: np.ndarray, W2: np.ndarray) -> None:
        self.W1, self.W2 = W1.astype(np.float64), W2.astype(np.float64)
        self.c1, self.c2 = np.zeros_like(self.W1), np.zeros_like(self.W2)

    def play(self, env: Any, *, seed: int, uniform: Iterator[float]) -> Episode:
        """One episode; each step draws one of ``uniform`` in (0, 1)."""
        steps, over = [], False
        x = env.reset(seed=seed)[0].astype(np.float64)
        while not over:
            h = self.W1 @ x
            h[h < 0] = 0
            logit = self.W2 @ h
            p = 1 / (1 + np.exp(-logit))
            y = 1 if next(uniform) < p else 0
            following, reward, terminated, truncated, _ = env.step(y)
            steps.append((x, h, logit, p, y, reward))
            x, over = following.astype(np.float64), terminated or truncated
        return Episode(*(np.array(column) for column in zip(*steps, strict=True)))

    def gradient(self, episode: Episode) -> tuple[np.ndarray, np.ndarray]:
        """Upwards: of the sum over the steps of R log P(y)."""
        d = (episode.y - episode.p) * standardised(returns(episode.reward))
        dh = np.outer(d, self.W2)
        dh[episode.h <= 0] = 0
        return dh.T @ episode.x, episode.h.T @ d

    def learn(self, batch: Sequence[Episode]) -> None:
        """One step of RMSProp up the sum of the episodes' gradients."""
        g1, g2 = (sum(parts) for parts in zip(*map(self.gradient, batch), strict=True))
        for W, c, g in ((self.W1, self.c1, g1), (self.W2, self.c2, g2)):
            c[...] = DECAY * c + (1 - DECAY) * g * g
            W += RATE * g / (np.sqrt(c) + EPSILON)


def returns(reward: np.ndarray) -> np.ndarray:
    """Discounted, and begun anew at every point."""
    result, running = np.zeros(len(reward)), 0.0
    for t in reversed(range(len(reward))):
        if reward[t] != 0:
            running = 0.0
        running = reward[t] + GAMMA * running
        result[t] = running
    return result


def standardised(values: np.ndarray) -> np.ndarray:
    """Mean 0 and deviation 1; all 0 where there is nothing to tell apart."""
    std = values.std()
    return (values - values.mean()) / std if std > 0 else np.zeros_like(values)
