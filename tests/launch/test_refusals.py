"""What serial mode refuses before anything has been played."""

from __future__ import annotations

import pytest

from touchline.launch.local import train
from touchline.policy.spaces import SpaceError


def test_serial_mode_refuses_centred_truncation_of_continuous_actions(configure, run):
    """As the Trainer does: its drift is that of one categorical choice, and of a Gaussian would mean nothing."""
    config = configure(
        "pendulum",
        mode="serial",
        trainer__algorithm="a2c",
        trainer__epochs=1,
        trainer__minibatch_steps="null",
        trainer__gradient="recompute",
        staleness__correction="centred",
    )
    with pytest.raises(SpaceError, match=r"staleness\.correction centred: expected a Discrete .*, found Box"):
        train(config, run)
