"""Results laid side by side: what each bootstraps from, and that padding changes nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven
from policy_trajectories import policy_of, snapshot_of, trajectory_of
from trainer_batches import settings_of

from touchline.trainer.advantage import vtrace
from touchline.trainer.batch import (
    Gathering,
    Piece,
    Transitions,
    begun_anew,
    mean_square_scale,
    side_by_side,
    split,
    standardise,
    standardised_alone,
    transitions,
)
from touchline.trainer.estimates import _behaviour

POLICY = policy_of()
SNAPSHOT = snapshot_of(POLICY, np.random.default_rng(0))


def trajectory(seed, **kwargs):
    return trajectory_of(POLICY, SNAPSHOT, np.random.default_rng(seed), **kwargs)


@given(st.integers(0, 10**6))
@proven()
def test_what_a_step_bootstraps_from(seed):
    """Nothing past a termination, the final observation past a truncation, else the next step's value."""
    played = trajectory(seed)
    found = transitions(played)
    finals = {
        tuple(where): value
        for where, value in zip(played.final_steps.tolist(), played.final_values, strict=True)
    }
    for t, b in np.ndindex(played.shape):
        ended = played.terminated[t, b] or played.truncated[t, b]
        if played.terminated[t, b]:
            expected = 0.0
        elif played.truncated[t, b]:
            expected = finals[t, b]
        else:
            expected = played.values[t + 1, b]
        assert found.next_values[t, b] == expected
        assert found.continues[t, b] == (0 if ended or t == played.shape[0] - 1 else 1)
    np.testing.assert_array_equal(found.values, played.values[:-1])
    assert found.rewards is played.rewards


def test_other_values_stand_for_the_behaviours():
    played = trajectory(5)
    values, finals = 10 + played.values, 20 + played.final_values
    kept = values.copy()
    found = transitions(played, values=values, final_values=finals)
    np.testing.assert_array_equal(found.values, values[:-1])
    where = tuple(played.final_steps.T)
    np.testing.assert_array_equal(found.next_values[where], finals)
    np.testing.assert_array_equal(values, kept)


ESTIMATORS = ("gae", "n_step", "monte_carlo")
unequal = st.lists(st.tuples(st.integers(1, 7), st.integers(1, 3)), min_size=1, max_size=4)


@pytest.mark.parametrize("advantage", ESTIMATORS)
@given(unequal, st.integers(0, 10**6))
@proven(40)
def test_side_by_side_is_each_alone(advantage, shapes, seed):
    settings = settings_of(advantage=advantage)
    parts = [transitions(trajectory(seed + i, steps=t, lanes=b)) for i, (t, b) in enumerate(shapes)]
    together = [split(array, shapes) for array in _behaviour(side_by_side(parts), settings)]
    for i, part in enumerate(parts):
        for whole, alone in zip(together, _behaviour(part, settings), strict=True):
            np.testing.assert_allclose(whole[i], alone.reshape(-1), rtol=1e-13, atol=1e-13)


@given(unequal, st.integers(0, 10**6))
@proven(40)
def test_side_by_side_is_each_alone_for_vtrace(shapes, seed):
    parts = [transitions(trajectory(seed + i, steps=t, lanes=b)) for i, (t, b) in enumerate(shapes)]
    rng = np.random.default_rng(seed)
    ratios = [rng.standard_normal(shape) for shape in shapes]
    longest = max(t for t, _ in shapes)
    padded = np.concatenate([np.pad(r, ((0, longest - len(r)), (0, 0))) for r in ratios], axis=1)

    def of(part, log_rhos):
        fields = {field.name: getattr(part, field.name) for field in dataclasses.fields(Transitions)}
        returns = vtrace(log_rhos=log_rhos, gamma=0.9, **fields)
        return returns.vs, returns.pg_advantages

    together = [split(array, shapes) for array in of(side_by_side(parts), padded)]
    for i, (part, log_rhos) in enumerate(zip(parts, ratios, strict=True)):
        for whole, alone in zip(together, of(part, log_rhos), strict=True):
            np.testing.assert_allclose(whole[i], alone.reshape(-1), rtol=1e-13, atol=1e-13)


def test_split_takes_each_results_own_steps():
    whole = np.arange(12.0).reshape(3, 4)
    assert [rows.tolist() for rows in split(whole, [(3, 1), (1, 2), (2, 1)])] == [[0, 4, 8], [1, 2], [3, 7]]


def test_gathering_counts_valid_steps():
    pieces = [Piece(trajectory(seed, rate=0.9), SNAPSHOT, 0, 1.0) for seed in range(3)]
    steps = [piece.trajectory.steps for piece in pieces]
    gathering = Gathering(sum(steps[:2]) + 1)
    assert sum(steps[:2]) < 2 * 18  # two would do if the extra steps that autoreset added were counted
    for piece, complete in zip(pieces, (False, False, True), strict=True):
        gathering.add(piece)
        assert gathering.complete == complete
    assert gathering.steps == sum(steps)
    assert gathering.take() == pieces
    assert (gathering.steps, gathering.complete, gathering.take()) == (0, False, [])


def test_a_batch_by_episodes_is_all_that_came_in_order_of_absorption():
    pieces = [Piece(trajectory(seed, lanes=1), SNAPSHOT, 0, 1.0, seq=seed) for seed in range(5)]
    gathering = Gathering(1, batch_episodes=2)  # the steps do not matter then
    gathering.add(pieces[0])
    assert not gathering.complete
    gathering.add(pieces[1])
    assert gathering.complete
    for piece in pieces[2:]:
        gathering.add(piece)
    assert gathering.complete
    assert gathering.take() == pieces
    assert (gathering.steps, gathering.complete, gathering.take()) == (0, False, [])


def returns_of(rewards, *, values=0.0, truncated=False):
    """Monte-Carlo returns of one episode with a constant value, as the estimator gives them."""
    n = len(rewards)
    continues = np.ones((n, 1))
    continues[-1] = 0
    after = np.full((n, 1), values)
    after[-1] = values if truncated else 0
    whole = Transitions(np.array(rewards, float)[:, None], np.zeros((n, 1)), after, continues)
    settings = settings_of(advantage="monte_carlo", return_resets="reward", gamma=0.99)
    return _behaviour(whole, settings)[1][:, 0]


def test_returns_that_begin_anew_after_every_point():
    np.testing.assert_allclose(returns_of([0, 0, 1, 0, -1]), [0.9801, 0.99, 1, -0.99, -1], rtol=1e-14)


def test_a_point_ends_what_bootstraps_and_a_cut_does_not():
    """After the point nothing is owed, whatever the value says; where the episode was cut it is."""
    found = returns_of([0, 1, 0, 0], values=10.0, truncated=True)
    np.testing.assert_allclose(found, [0.99, 1, 0.99**2 * 10, 0.99 * 10], rtol=1e-14)


@given(st.lists(st.sampled_from([0.0, 0.0, 1.0, -1.0]), min_size=1, max_size=30))
@proven()
def test_beginning_anew_is_the_loop_of_the_description(rewards):
    running, expected = 0.0, []
    for reward in reversed(rewards):
        running = reward + (0.99 * running if reward == 0 else 0)
        expected.append(running)
    np.testing.assert_allclose(returns_of(rewards), expected[::-1], rtol=1e-12)


def test_beginning_anew_leaves_a_game_without_points_as_it_is():
    quiet = transitions(trajectory(1))
    quiet = dataclasses.replace(quiet, rewards=np.zeros_like(quiet.rewards))
    for name in ("rewards", "values", "next_values", "continues"):
        np.testing.assert_array_equal(getattr(begun_anew(quiet), name), getattr(quiet, name))


def masked_rows(seed=0):
    rng = np.random.default_rng(seed)
    rows = [rng.normal(3, 2, n).astype(np.float32) for n in (5, 9)]
    valid = [rng.random(n) > 0.4 for n in (5, 9)]
    return rows, valid, np.concatenate([row[mask] for row, mask in zip(rows, valid, strict=True)])


def test_scaling_makes_the_mean_square_of_the_valid_rows_one():
    rows, valid, chosen = masked_rows()
    assert mean_square_scale(rows, valid) == pytest.approx(1 / np.sqrt(np.mean(chosen**2)), rel=1e-5)


def test_standardising_centres_and_scales_the_valid_rows():
    rows, valid, chosen = masked_rows()
    standard = standardise(rows, valid)
    found = np.concatenate([standard(row)[mask] for row, mask in zip(rows, valid, strict=True)])
    np.testing.assert_allclose(found, (chosen - chosen.mean()) / chosen.std(), rtol=1e-5)
    assert found.dtype == np.float32


@pytest.mark.parametrize("value", [0.0, 4.0])
def test_constant_rows_make_no_infinity(value):
    rows, valid = [np.full(4, value, np.float32)], [np.ones(4, bool)]
    assert np.isfinite(rows[0] * mean_square_scale(rows, valid)).all()
    np.testing.assert_array_equal(standardise(rows, valid)(rows[0]), 0)


def test_squares_that_float32_cannot_hold_do_not_make_nothing_of_the_rest():
    rows, valid = [np.array([1, 2, 1e20, -1], np.float32)], [np.ones(4, np.bool_)]
    assert mean_square_scale(rows, valid) == pytest.approx(2e-20)
    found = standardise(rows, valid)(rows[0])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [-1 / np.sqrt(3)] * 2 + [np.sqrt(3), -1 / np.sqrt(3)], rtol=1e-5)


def test_standardised_alone_is_of_its_own_valid_rows():
    (row, _), (mask, _), _ = masked_rows()
    found = standardised_alone(row, mask)
    np.testing.assert_allclose(found, (row - row[mask].mean()) / row[mask].std(), rtol=1e-5)
    assert found[mask].mean() == pytest.approx(0, abs=1e-6)
    assert found[mask].std() == pytest.approx(1, rel=1e-6)
    assert found.dtype == np.float32


@pytest.mark.parametrize("value", [0.0, 1 / 3, -1e6, 1e-30])
@pytest.mark.parametrize("n", [1, 3, 1300])
def test_equal_rows_standardise_to_nothing(value, n):
    """float32 has no third: a mean that rounds would make of it rows of one deviation each."""
    row = np.full(n, value, np.float32)
    np.testing.assert_array_equal(standardised_alone(row, np.ones(n, bool)), 0)


def test_a_result_without_a_valid_row_standardises_to_nothing():
    np.testing.assert_array_equal(standardised_alone(np.ones(2, np.float32), np.zeros(2, bool)), 0)
