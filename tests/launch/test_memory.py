"""A recurrent policy learns what no policy of the newest observation can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import touchline

RECALL: dict[str, Any] = {
    "policy": {"hidden": [32], "shared": True, "recurrent_size": 32},
    "trainer": {"batch_steps": 1024, "minibatch_steps": 256, "entropy_cost": 0.01},
    "optimizer": {"learning_rate": 3e-3},
}


def trained(folder: Path, *, recurrent: str, steps: int, seed: int = 0) -> Any:
    policy = {**RECALL["policy"], "recurrent": recurrent}
    stop = {"mean_return": 0.9, "steps": steps}
    changed = {**RECALL, "policy": policy, "stop": stop, "seed": seed}
    return touchline.train(env="touchline/Recall-v0", mode="serial", runs=folder, **changed)


@pytest.mark.slow
@pytest.mark.parametrize("recurrent", ["gru", "lstm"])
@pytest.mark.parametrize("seed", [0, 1])
def test_memory_recalls_a_cue(tmp_path: Path, recurrent: str, seed: int) -> None:
    run = trained(tmp_path, recurrent=recurrent, steps=120_000, seed=seed)
    assert run.summary.solved
    assert touchline.evaluate(run, episodes=100).mean >= 0.95


@pytest.mark.slow
def test_without_memory_it_stays_a_guess(tmp_path: Path) -> None:
    run = trained(tmp_path, recurrent="none", steps=40_000)
    assert not run.summary.solved
    assert run.summary.return_best < 0.25 + 5 * (0.25 * 0.75 / 100) ** 0.5  # the best hundred episodes of all
