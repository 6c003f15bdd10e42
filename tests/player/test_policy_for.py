"""The policy that a Player builds is the one that the config describes, and it refuses what does not fit."""

from __future__ import annotations

import pytest

from touchline.policy.recurrent import LSTM
from touchline.policy.spaces import SpaceError


def test_a_player_builds_the_form_that_the_config_describes(stage):
    policy = stage(policy__recurrent="lstm", policy__recurrent_size=5, policy__shared="true").policy
    assert isinstance(policy.network.core, LSTM)
    assert policy.network.state_size == 10


def test_a_player_refuses_a_form_that_the_spaces_do_not_fit(stage):
    with pytest.raises(SpaceError, match="squash"):
        stage("CartPole-v1", policy__squash="true")
