"""Lanes, a policy and snapshots small enough to look at every step."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from touchline.configs import Config, load
from touchline.envs.lanes import Lanes
from touchline.player.play import lanes_of, policy_for
from touchline.policy.policy import Policy, Snapshot

sys.path.insert(0, str(Path(__file__).parent / "support"))


@dataclass
class Stage:
    """What a Player has when an order comes."""

    config: Config
    lanes: Lanes
    policy: Policy

    def snapshot(self, version: int = 0, seed: int = 0) -> Snapshot:
        flat = self.policy.network.init(np.random.default_rng(seed + 100 * version))
        first = self.policy.first_snapshot(np.random.default_rng(seed), epoch=1)
        return Snapshot.of(self.policy, 1, version, flat, first.statistics)


@pytest.fixture
def stage() -> Iterator[Callable[..., Stage]]:
    made: list[Lanes] = []

    def build(env: str = "CartPole-v1", *, base_seed: int = 7, **overrides: object) -> Stage:
        chosen = {"env.id": env, "players.lanes": 4, "players.unroll_length": 20, "env.vectorize": "never"}
        chosen |= {key.replace("__", "."): value for key, value in overrides.items()}
        config = load("cartpole", [(key, str(value)) for key, value in chosen.items()]).config
        lanes = lanes_of(config, base_seed=base_seed)
        made.append(lanes)
        return Stage(config, lanes, policy_for(config, lanes))

    yield build
    for lanes in made:
        lanes.close()


STRAYS = """
import gymnasium, numpy as np

class Strays(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)
    games = 0

    def __init__(self, one_in=1):
        self.one_in = one_in

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.at = np.full(2, 9.0 if Strays.games % self.one_in == 0 else 0.0, np.float32)
        Strays.games += 1
        self.steps = 0
        return self.at, {}

    def step(self, action):
        self.steps += 1
        return self.at, 1.0, self.steps == 3, False, {}
"""


@pytest.fixture
def strays(stage, tmp_path):
    """A stage whose environment is beyond its bounds with both numbers in every so many games, of three steps each."""
    file = tmp_path / "strays.py"
    file.write_text(STRAYS)
    return lambda one_in, **more: stage(f"{file}:Strays", **{"env.kwargs": f"{{one_in: {one_in}}}", **more})
