"""Unrolls against a straight-line replay: one environment at a time, one forward pass a step."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from touchline.player.unrolls import Unrolls
from touchline.policy.seeds import action_stream, episode_seed

SEED = 7


def unrolls_of(stage, *, length=20, keep_hidden=True, **more) -> Unrolls:
    return Unrolls(stage.lanes, stage.policy, length=length, base_seed=SEED, keep_hidden=keep_hidden, **more)


def test_hidden_states_are_what_a_forward_pass_of_the_snapshot_gives(stage):
    here = stage()
    snapshot = here.snapshot()
    trajectory = unrolls_of(here).collect(snapshot, result=0)
    steps, lanes = trajectory.shape
    rows = trajectory.observations.reshape(-1, 4)
    hidden, head = here.policy.network.policy_forward(snapshot.weights, rows[: steps * lanes])
    value_hidden, values = here.policy.network.value_forward(snapshot.weights, rows)
    expected = [*hidden, *(layer[: steps * lanes] for layer in value_hidden)]
    assert len(trajectory.hidden) == len(expected) == 4
    for kept, layer in zip(trajectory.hidden, expected, strict=True):
        np.testing.assert_allclose(kept.reshape(layer.shape), layer, atol=1e-6)
    np.testing.assert_allclose(trajectory.head.reshape(head.shape), head, atol=1e-6)
    np.testing.assert_allclose(trajectory.values.reshape(-1), values, atol=1e-6)


def test_log_probs_are_those_of_the_actions_drawn(stage):
    here = stage()
    trajectory = unrolls_of(here).collect(here.snapshot(), result=0)
    flat = trajectory.head.reshape(-1, 2)
    expected = flat - np.log(np.exp(flat).sum(axis=1, keepdims=True))
    chosen = expected[np.arange(len(flat)), trajectory.actions.reshape(-1)]
    np.testing.assert_allclose(trajectory.log_probs.reshape(-1), chosen, atol=1e-6)


def test_an_unroll_can_be_played_again_from_its_seeds_alone(stage):
    """A lane's steps, replayed in an environment of one's own from the episode seed and the action noise."""
    here = stage()
    snapshot = here.snapshot()
    trajectory = unrolls_of(here, length=60).collect(snapshot, result=0)
    noise = here.policy.distribution.draw_noise(action_stream(base=SEED, result=0), (60, 4))
    for lane in range(4):
        env, episode = gymnasium.make("CartPole-v1"), 0
        observation, _ = env.reset(seed=episode_seed(base=SEED, lane=lane, episode=0))
        for t in range(60):
            np.testing.assert_array_equal(trajectory.observations[t, lane], observation)
            head = here.policy.network.policy_forward(snapshot.weights, observation[None])[1]
            action = here.policy.distribution.sample(head, noise[t, lane])[0]
            assert action == trajectory.actions[t, lane]
            observation, reward, terminated, truncated, _ = env.step(int(action))
            assert (reward, terminated, truncated) == (
                trajectory.rewards[t, lane],
                trajectory.terminated[t, lane],
                trajectory.truncated[t, lane],
            )
            if terminated or truncated:
                episode += 1
                observation, _ = env.reset(seed=episode_seed(base=SEED, lane=lane, episode=episode))
        env.close()
        assert episode > 0


def test_episodes_run_on_from_one_unroll_to_the_next(stage):
    here = stage()
    unrolls = unrolls_of(here, length=5)
    first = unrolls.collect(here.snapshot(), result=0)
    second = unrolls.collect(here.snapshot(1), result=1)
    np.testing.assert_array_equal(first.observations[-1], second.observations[0])


def test_two_unrolls_share_no_memory(stage):
    """What is sent without a copy must never be written again."""
    here = stage()
    unrolls = unrolls_of(here)
    first = unrolls.collect(here.snapshot(), result=0)
    kept = {name: array.copy() for name, array in first.to_arrays().items()}
    second = unrolls.collect(here.snapshot(), result=1)
    for name, array in first.to_arrays().items():
        np.testing.assert_array_equal(array, kept[name])
        assert not np.shares_memory(array, second.to_arrays()[name])


def test_without_hidden_nothing_hidden_is_kept(stage):
    here = stage()
    trajectory = unrolls_of(here, keep_hidden=False).collect(here.snapshot(), result=0)
    assert trajectory.hidden == ()
    assert trajectory.values.shape == (21, 4)


def test_a_truncated_episode_brings_its_final_observation_and_value(stage):
    here = stage("Pendulum-v1", **{"env.kwargs": "{max_episode_steps: 8}"})
    snapshot = here.snapshot()
    trajectory = unrolls_of(here).collect(snapshot, result=0)
    assert trajectory.final_steps.tolist() == [[t, lane] for t in (7, 15) for lane in range(4)]
    assert not trajectory.terminated.any()
    values = here.policy.network.value_forward(snapshot.weights, trajectory.final_observations)[1]
    np.testing.assert_allclose(trajectory.final_values, values, atol=1e-6)
    after = trajectory.observations[8, 0]  # the next episode's first, not the last one's final
    assert not np.array_equal(after, trajectory.final_observations[0])
    assert trajectory.episode_lengths.tolist() == [8] * 8


def test_actions_beyond_the_bounds_are_kept_as_drawn_and_played_clipped(stage):
    here = stage("Pendulum-v1", **{"policy.log_std": 3.0})
    trajectory = unrolls_of(here).collect(here.snapshot(), result=0)
    assert np.abs(trajectory.actions).max() > 2.0
    assert trajectory.actions.dtype == np.float32


def test_greedy_takes_the_mode(stage):
    here = stage()
    trajectory = unrolls_of(here, greedy=True).collect(here.snapshot(), result=0)
    np.testing.assert_array_equal(trajectory.actions, trajectory.head.argmax(axis=-1))


def test_native_lanes_mark_the_step_that_autoreset_adds(stage):
    here = stage(**{"env.vectorize": "auto", "players.lanes": 8})
    assert here.lanes.facts.native
    trajectory = unrolls_of(here, length=80).collect(here.snapshot(), result=0)
    ends = (trajectory.terminated | trajectory.truncated)[:-1]
    assert ends.any()
    np.testing.assert_array_equal(~trajectory.valid[1:], ends)
    assert not trajectory.rewards[~trajectory.valid].any()
    assert trajectory.steps == trajectory.valid.sum() < 80 * 8


def test_told_to_stop_it_returns_nothing(stage):
    here = stage()
    unrolls = unrolls_of(here, progress=lambda t: t < 5)
    assert unrolls.collect(here.snapshot(), result=0) is None


def test_each_observation_beyond_the_bounds_is_counted_once(strays):
    here = strays(1)
    unrolls = unrolls_of(here)
    for result in range(2):
        unrolls.collect(here.snapshot(), result=result)
    assert unrolls.outside == 2 * 20 * 4 * 2


@pytest.mark.parametrize("env", ["FrozenLake-v1", "Taxi", "Acrobot-v1"])
def test_other_spaces_play(stage, env):
    here = stage(env)
    trajectory = unrolls_of(here).collect(here.snapshot(), result=0)
    assert trajectory.steps == 80
    assert np.isfinite(trajectory.values).all()


@pytest.mark.parametrize("keep_hidden", [True, False])
def test_a_shared_torso_gives_the_values_of_a_forward_pass_without_a_second_one(
    stage, keep_hidden, monkeypatch
):
    here = stage(**{"policy.shared": "true"})
    snapshot, network, passed = here.snapshot(), here.policy.network, []
    torso = type(network.torso)
    forward = torso.forward
    monkeypatch.setattr(
        torso, "forward", lambda self, p, x, *rest: (passed.append(len(x)), forward(self, p, x, *rest))[1]
    )
    trajectory = unrolls_of(here, keep_hidden=keep_hidden).collect(snapshot, result=0)
    monkeypatch.undo()
    rows = trajectory.observations.reshape(-1, 4)
    values = network.value_forward(snapshot.weights, rows)[1]
    np.testing.assert_allclose(trajectory.values.reshape(-1), values, atol=1e-6)
    assert len(trajectory.hidden) == (2 if keep_hidden else 0)
    assert sum(passed) == len(rows)  # each step's once, and the last observations
