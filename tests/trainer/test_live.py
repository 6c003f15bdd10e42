"""The live view of a trajectory: what the Player saw, under other weights."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from policy_trajectories import stepped, trajectory_of, values_at
from trainer_batches import two_versions

from touchline.trainer.live import live_view

FORMS = [
    {},
    {"shared": True},
    {"value": False},
    {"recurrent": "gru", "recurrent_size": 3, "shared": True},
    {"recurrent": "lstm", "recurrent_size": 3, "shared": True, "normalize": True},
]
every_form = pytest.mark.parametrize(
    ("form", "autoreset"), list(itertools.product(FORMS, (False, True))), ids=str
)


def example(form, autoreset):
    policy, played, live = two_versions("categorical", **form)
    trajectory = trajectory_of(policy, played, np.random.default_rng(3), steps=9, autoreset=autoreset)
    assert len(trajectory.final_steps)
    return policy, played, live, trajectory


@every_form
def test_the_snapshot_that_played_sees_what_it_saw(form, autoreset):
    policy, played, _, trajectory = example(form, autoreset)
    view = live_view(trajectory, policy, played)
    np.testing.assert_allclose(view.head, trajectory.head, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(view.values, trajectory.values, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(view.final_values, trajectory.final_values, rtol=1e-10, atol=1e-12)


@every_form
def test_another_snapshot_sees_what_it_would_have_step_by_step(form, autoreset):
    """A memory begins with the state that was pushed, and goes on with the live weights."""
    policy, _, live, trajectory = example(form, autoreset)
    view = live_view(trajectory, policy, live)
    reset = trajectory.terminated | trajectory.truncated | ~trajectory.valid
    _, head, values, after = stepped(policy, live, trajectory.observations, reset, trajectory.state)
    np.testing.assert_allclose(view.head.reshape(head.shape), head, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(view.values, values, rtol=1e-10, atol=1e-12)
    where = trajectory.final_steps
    final = values_at(policy, live, trajectory.final_observations, after[where[:, 0], where[:, 1]])
    np.testing.assert_allclose(view.final_values, final, rtol=1e-10, atol=1e-12)
