"""One training run of Stable-Baselines3, for benchmarks/peers.py, which starts it with an interpreter that has it.

    python sb3_run.py '{"algorithm": "PPO", "env": "CartPole-v1", "lanes": 8, "steps": 100000, "settings": {...}}' SEED

Prints one line of JSON: every training episode as [steps played when it ended, return], the wall time and the versions.
Of the settings, {"linear": x} is a schedule from x to 0, as rl-zoo3 writes lin_x. It imports nothing of ours.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import gymnasium
import stable_baselines3
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env


class Linear:
    """A value that falls to 0 with the progress that remains, as Stable-Baselines3 calls its schedules."""

    def __init__(self, start: float) -> None:
        self.start = start

    def __call__(self, remaining: float) -> float:
        return self.start * remaining


class Episodes(BaseCallback):
    """Notes each training episode as it ends: [steps played, return]."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: list[tuple[int, float]] = []

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if "episode" in info:
                self.ended.append((self.num_timesteps, float(info["episode"]["r"])))
        return True


def settings_of(plain: dict[str, Any]) -> dict[str, Any]:
    """The settings with their schedules made."""
    return {
        key: Linear(value["linear"]) if isinstance(value, dict) and "linear" in value else value
        for key, value in plain.items()
    }


def main() -> None:
    task, seed = json.loads(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    lanes = make_vec_env(task["env"], n_envs=task["lanes"], seed=seed)
    kind = getattr(stable_baselines3, task["algorithm"])
    model = kind("MlpPolicy", lanes, seed=seed, device="cpu", **settings_of(task["settings"]))
    episodes = Episodes()
    began = time.perf_counter()
    model.learn(task["steps"], callback=episodes)
    seconds = time.perf_counter() - began
    versions = {
        "stable_baselines3": stable_baselines3.__version__,
        "torch": torch.__version__,
        "gymnasium": gymnasium.__version__,
    }
    print(
        json.dumps(
            {"seed": seed, "seconds": round(seconds, 1), "versions": versions, "episodes": episodes.ended}
        )
    )


if __name__ == "__main__":
    main()
