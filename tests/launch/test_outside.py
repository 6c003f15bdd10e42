"""Environments that leave their own observation space all the time, in whole runs: learnt from, and counted."""

from __future__ import annotations

import contextlib

import pytest

from touchline.launch.local import train

ASTRAY = """
import gymnasium, numpy as np

class Astray(gymnasium.Env):
    '''From its first observation on, one number of two is beyond the bounds.'''

    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return np.array([0.0, 4.4], np.float32), {}

    def step(self, action):
        self.steps += 1
        return np.array([0.5, 4.4], np.float32), 1.0, self.steps >= 10, False, {}
"""


@pytest.mark.parametrize("length", [8, "episode"])
@pytest.mark.parametrize("mode", ["async", "serial"])
def test_they_are_learnt_from_and_counted(configure, run, tmp_path, mode, length):
    file = tmp_path / "astray.py"
    file.write_text(ASTRAY)
    settings = {
        "players.count": 1,
        "players.lanes": 2,
        "players.unroll_length": length,
        "trainer.batch_steps": 32,
    }
    statuses = []

    @contextlib.contextmanager
    def view(source):
        yield
        statuses.append(source())

    config = configure(mode=mode, **{"env.id": f"{file}:Astray", "stop.steps": 1600, **settings})
    summary = train(config, run, view=view)
    assert summary.reason.startswith("steps")
    assert summary.ledger.total["dropped_invalid"] == 0
    (player,) = statuses[0].players
    if mode == "serial":  # of other processes a heartbeat tells it, and the run may end before the next
        seen = (
            summary.steps if length == 8 else summary.steps + summary.episodes
        )  # a game sends its last one, too
        assert player.errors == seen
