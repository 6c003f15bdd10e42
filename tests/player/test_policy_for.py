"""The policy that a Player builds is the Trainer's, and it refuses what the Trainer refuses."""

from __future__ import annotations

import pytest

from touchline.policy.spaces import SpaceError

CENTRED = {
    "trainer.algorithm": "a2c",
    "trainer.gradient": "recompute",
    "trainer.epochs": 1,
    "trainer.minibatch_steps": "null",
    "staleness.correction": "centred",
}


def test_a_player_refuses_centred_truncation_of_continuous_actions(stage):
    with pytest.raises(SpaceError, match="centred: expected a Discrete action space, found Box"):
        stage("Pendulum-v1", **{key.replace(".", "__"): value for key, value in CENTRED.items()})
