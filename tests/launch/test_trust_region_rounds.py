"""Trust region steps in real processes: who kept which trajectory changes no number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from launch_runs import assert_sums, losses_of, weights_of

from touchline.configs import Config, load
from touchline.launch.local import train
from touchline.record import RunDirectory

SMALL = {
    "method": "trpo",
    "env.id": "touchline/Target-v0",
    "players.lanes": 2,
    "policy.hidden": "[6]",
    "tasks.parts": 3,
    "trpo.steps": 20,
    "trpo.iterations": 3,
    "stop.rounds": 24,
    "table.test_every": 8,
    "eval.episodes": 2,
}


def small(**overrides: object) -> Config:
    values = {**SMALL, **overrides}
    return load(overrides=[(key, str(value)) for key, value in values.items()]).config


@pytest.mark.parametrize("players", [1, 3])
def test_any_number_of_players_comes_to_the_same_numbers(
    new_run: Callable[[str], RunDirectory], players: int
) -> None:
    alone, together = new_run("alone"), new_run("together")
    train(small(mode="serial"), alone)
    summary = train(small(**{"players.count": players}), together)
    assert summary is not None
    assert_sums(summary)
    assert losses_of(alone) == losses_of(together)
    left, right = weights_of(alone), weights_of(together)
    assert left.keys() == right.keys()
    for name, array in left.items():
        assert np.array_equal(array, right[name]), name
    steps = [line for line in losses_of(together) if "kl" in line]
    assert steps
    assert all(line["kl"] <= 0.01 for line in steps if line["step"])
