"""A task that only a policy with memory can solve."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces


class Recall(gymnasium.Env[np.int64, np.int64]):
    """A cue is shown once, then nothing for ``delay`` steps, then the question: which cue was it?

    Observation ``Discrete(cues + 2)``: the cue, from 0; ``cues`` for nothing; ``cues + 1`` for the question.
    Action ``Discrete(cues)``, which counts at the question alone: 1 for the cue, 0 for another. An episode
    has ``delay + 2`` steps. The cue is drawn uniformly, or given to ``reset`` as ``options={"cue": …}``.

    ``optimum`` is 1, by memory. ``memoryless``, 1 / ``cues``, is the most that any policy of the newest
    observation reaches: at the question that is the same whatever the cue was, so its answer has one
    distribution p, right with probability sum_c p(c) / cues = 1 / cues. A stack of the ``delay + 2``
    newest observations holds the cue too.
    Raises ValueError where there are less than two cues, or the delay is negative.
    """

    metadata = {"render_modes": []}  # noqa: RUF012  # gymnasium declares it so
    optimum = 1.0

    def __init__(self, cues: int = 4, delay: int = 3) -> None:
        if cues < 2 or delay < 0:
            raise ValueError(f"expected two cues or more and a delay of 0 or more, found {cues} and {delay}")
        self.observation_space = spaces.Discrete(cues + 2)
        self.action_space = spaces.Discrete(cues)
        self.cues, self.delay, self.memoryless = cues, delay, 1 / cues
        self.cue, self.steps = 0, 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.int64, dict[str, Any]]:
        super().reset(seed=seed)
        drawn = self.np_random.integers(self.cues)
        self.cue, self.steps = int((options or {}).get("cue", drawn)), 0
        return np.int64(self.cue), {}

    def step(self, action: np.int64) -> tuple[np.int64, float, bool, bool, dict[str, Any]]:
        asked = self.steps == self.delay + 1
        self.steps += 1
        shown = self.cues + (self.steps > self.delay)
        return np.int64(shown), float(asked and action == self.cue), asked, False, {}
