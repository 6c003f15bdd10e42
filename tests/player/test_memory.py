"""Recurrent policies in the Player: the state is carried, reset and pushed as the Trainer will read it."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.player.unrolls import Unrolls
from touchline.player.waves import Waves
from touchline.policy.recurrent import Sequences, starts_of

GRU = {"policy__recurrent": "gru", "policy__recurrent_size": 5, "policy__shared": "true"}
LSTM = GRU | {"policy__recurrent": "lstm"}
both = pytest.mark.parametrize("form", [GRU, LSTM], ids=["gru", "lstm"])


def unrolls_of(here, *, length=40, keep_hidden=True):
    return Unrolls(here.lanes, here.policy, length=length, base_seed=7, keep_hidden=keep_hidden)


def replayed(here, snapshot, trajectory, state):
    """(hidden [T B, ...], head, values) of the whole unroll from ``state``, in one pass."""
    steps, lanes = trajectory.shape
    rows = trajectory.observations[:-1].reshape(steps * lanes, -1)
    starts = starts_of(trajectory.terminated | trajectory.truncated, trajectory.valid)
    return here.policy.network.forward(snapshot.weights, rows, sequences=Sequences(starts, state))


@both
@pytest.mark.parametrize("native", ["never", "always"])
def test_an_unroll_is_one_pass_from_the_state_that_it_pushed(stage, form, native):
    here = stage(env__vectorize=native, **form)
    snapshot, unrolls = here.snapshot(), unrolls_of(here)
    for result in range(3):
        trajectory = unrolls.collect(snapshot, result=result)
        assert trajectory.terminated.any()
        hidden, head, values = replayed(here, snapshot, trajectory, trajectory.state)
        for pushed, layer in zip(trajectory.hidden, hidden, strict=True):
            np.testing.assert_allclose(pushed.reshape(layer.shape), layer, atol=2e-6)
        np.testing.assert_allclose(trajectory.head.reshape(head.shape), head, atol=2e-6)
        np.testing.assert_allclose(trajectory.values[:-1].reshape(-1), values, atol=2e-6)


@both
def test_the_state_goes_on_from_one_unroll_to_the_next(stage, form):
    here = stage(**form)
    snapshot, unrolls = here.snapshot(), unrolls_of(here, length=6)
    first, second = (unrolls.collect(snapshot, result=result) for result in range(2))
    assert not first.state.any()
    after = here.policy.network.state_after([layer[-1] for layer in first.hidden])
    going_on = ~(first.terminated | first.truncated)[-1]
    assert going_on.any()
    np.testing.assert_array_equal(second.state[going_on], after[going_on])
    assert not second.state[~going_on].any()


def test_the_state_that_was_pushed_is_the_trajectorys_own(stage):
    here = stage(**LSTM)
    unrolls = unrolls_of(here, length=5)
    unrolls.collect(here.snapshot(), result=0)
    second = unrolls.collect(here.snapshot(), result=1)
    kept = second.state.copy()
    unrolls.collect(here.snapshot(), result=2)
    np.testing.assert_array_equal(second.state, kept)


def test_the_last_value_is_that_of_the_carried_state(stage):
    here = stage(**LSTM)
    snapshot, unrolls = here.snapshot(), unrolls_of(here, length=6)
    first = unrolls.collect(snapshot, result=0)
    second = unrolls.collect(snapshot, result=1)
    np.testing.assert_allclose(first.values[-1], second.values[0], atol=2e-6)


def test_a_truncated_episode_is_valued_with_the_state_that_it_ended_with(stage):
    here = stage("MountainCar-v0", env__kwargs="{max_episode_steps: 7}", players__lanes=2, **LSTM)
    snapshot = here.snapshot()
    trajectory = unrolls_of(here, length=10).collect(snapshot, result=0)
    assert [step for step, _ in trajectory.final_steps.tolist()] == [6, 6]
    network, (t, lane) = here.policy.network, trajectory.final_steps[1]
    state = network.state_after([layer[t, lane][None] for layer in trajectory.hidden])
    x = trajectory.final_observations[1:2]
    hidden = network.policy_forward(snapshot.weights, x, state=state)[0]
    expected = network.value_forward(snapshot.weights, x, policy_hidden=hidden)[1]
    np.testing.assert_allclose(trajectory.final_values[1:2], expected, atol=1e-6)


def test_without_hidden_values_are_the_same_and_nothing_hidden_is_sent(stage):
    with_hidden, without = (
        unrolls_of(stage(**GRU), keep_hidden=keep).collect(stage(**GRU).snapshot(), result=0)
        for keep in (True, False)
    )
    assert without.hidden == ()
    np.testing.assert_array_equal(without.values, with_hidden.values)
    assert "state" in without.to_arrays()


@both
def test_the_games_of_a_wave_begin_with_zeros_and_are_one_pass_each(stage, form):
    here = stage(**form)
    snapshot = here.snapshot()
    waves = Waves(here.lanes, here.policy, base_seed=7, keep_hidden=True)
    for result in (0, 4):
        games = list(waves.collect(snapshot, result=result))
        assert len({game.shape[0] for game in games}) > 1
        for game in games:
            assert game.state.shape == (1, here.policy.network.state_size)
            assert not game.state.any()
            hidden, head, _ = replayed(here, snapshot, game, game.state)
            np.testing.assert_allclose(game.head.reshape(head.shape), head, atol=2e-6)
            np.testing.assert_allclose(game.hidden[-1].reshape(len(head), -1), hidden[-1], atol=2e-6)
