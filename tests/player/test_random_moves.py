"""Actions at random, for as many steps as asked, and the policy's own after them."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.player.random_moves import RandomMoves
from touchline.policy.policy import Snapshot

STEPS, ROWS = 120, 32


def acted(stage, *, steps, greedy=False, **more):
    """Actions int64 [T, B] on one observation that a policy with a strong opinion sees again and again."""
    here = stage(**more)
    flat = here.policy.network.init(np.random.default_rng(0))
    here.policy.network.bind(flat).policy_head.bias[0] = 50.0
    snapshot = Snapshot.of(here.policy, 1, 0, flat, here.snapshot().statistics)
    moves = RandomMoves(here.policy, lanes=ROWS, steps=steps, greedy=greedy)
    noise = here.policy.distribution.draw_noise(np.random.default_rng(0), (STEPS, ROWS))
    actions = np.zeros((STEPS, ROWS), np.int64)
    head = np.full((ROWS, here.policy.network.head_size), 7, np.float32)
    for t in range(STEPS):
        x = np.zeros((ROWS, 4), np.float32)
        moves.act(snapshot, x, noise[t], hidden_out=None, head_out=head, actions_out=actions[t])
    return actions, head


@pytest.mark.parametrize("binary", ["softmax", "sigmoid"])
def test_all_steps_are_a_fair_coin(stage, binary):
    actions, head = acted(stage, steps=None, **{"policy.binary": binary})
    assert abs(actions.mean() - 0.5) < 4 * 0.5 / (STEPS * ROWS) ** 0.5
    assert not head.any()


@pytest.mark.parametrize("greedy", [False, True])
def test_after_the_steps_asked_for_the_policy_acts(stage, greedy):
    actions, head = acted(stage, steps=100, greedy=greedy)
    assert 0.3 < actions[:100].mean() < 0.7
    assert not actions[100:].any()
    assert head.any()


def test_one_step_is_the_first_alone(stage):
    actions, _ = acted(stage, steps=1, greedy=True)
    assert 0.2 < actions[0].mean() < 0.8
    assert not actions[1:].any()


def test_with_no_random_steps_it_is_the_policy_from_the_first_on(stage):
    assert not acted(stage, steps=0)[0].any()
