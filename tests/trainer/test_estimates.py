"""From a batch to rows: estimators on real trajectories against the papers' sums, weights and normalising."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import trainer_references as reference
from policy_trajectories import trajectory_of
from trainer_batches import pieces_of, settings_of, two_versions
from trainer_references import by_lane

from touchline.trainer.batch import Piece
from touchline.trainer.estimates import estimate

SEEDS = range(6)
ADVANTAGES = ("gae", "n_step", "monte_carlo", "vtrace")


def batch(action="categorical", seed=0, count=3, **changes):
    policy, played, live = two_versions(action, seed, **changes)
    return policy, live, pieces_of(policy, played, np.random.default_rng(seed), count=count)


def live_log_probs_and_values(policy, live, trajectory):
    """Of one trajectory under the live weights: log pi(a) [T, B], values [T + 1, B], final values [K]."""
    network, (steps, lanes) = policy.network, trajectory.shape

    def values_of(raw):
        x = live.rows(policy, raw)
        return network.value_forward(live.weights, x)[1]

    observations = trajectory.observations
    values = np.stack([values_of(row) for row in observations])
    log_probs = np.empty((steps, lanes))
    for t in range(steps):
        head = network.policy_forward(live.weights, live.rows(policy, observations[t]))[1]
        log_probs[t] = policy.distribution.log_prob(head, trajectory.actions[t])
    finals = (
        values_of(trajectory.final_observations) if len(trajectory.final_steps) else trajectory.final_values
    )
    return log_probs, values, finals


def naive(policy, live, trajectory, settings):
    """(advantages, targets) [T, B] by the papers' sums."""
    values, finals = trajectory.values, trajectory.final_values
    if settings.advantage == "vtrace":
        log_probs, values, finals = live_log_probs_and_values(policy, live, trajectory)
        rhos = np.exp(log_probs - trajectory.log_probs)
    after = np.where(trajectory.terminated, 0, values[1:])
    after[tuple(trajectory.final_steps.T)] = finals
    arrays = trajectory.rewards, values[:-1], after
    continues, gamma = ~(trajectory.terminated | trajectory.truncated), settings.gamma
    match settings.advantage:
        case "gae":
            advantages = by_lane(
                reference.gae, *arrays, continues=continues, gamma=gamma, lambda_=settings.gae_lambda
            )
            return advantages, advantages + values[:-1]
        case "n_step":
            returns = by_lane(reference.n_step, *arrays, continues=continues, gamma=gamma, n=settings.n_steps)
        case "monte_carlo":
            returns = by_lane(reference.monte_carlo, *arrays, continues=continues, gamma=gamma)
        case _:
            bars = {"rho_bar": settings.clip_rho_threshold, "c_bar": settings.clip_c_threshold}
            vs, advantages = by_lane(
                reference.vtrace,
                *arrays,
                rhos,
                continues=continues,
                gamma=gamma,
                lambda_=settings.gae_lambda,
                **bars,
            )
            return advantages, vs
    return returns - values[:-1], returns


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("advantage", ADVANTAGES)
def test_an_estimator_on_trajectories_with_everything_in_them(advantage, seed):
    """Terminations, truncations, extra steps, final values, results of several lengths."""
    policy, live, pieces = batch(seed=seed)
    settings = settings_of(advantage=advantage, correction="vtrace" if advantage == "vtrace" else "none")
    for rows, piece in zip(estimate(pieces, policy, live, settings), pieces, strict=True):
        valid = piece.trajectory.valid.reshape(-1)
        for found, expected in zip(
            (rows.advantages, rows.targets), naive(policy, live, piece.trajectory, settings), strict=True
        ):
            np.testing.assert_allclose(found[valid], expected.reshape(-1)[valid], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("changes", [{"shared": True}, {"normalize": True}, {"hidden": ()}])
@pytest.mark.parametrize("action", ["categorical", "multi", "gaussian"])
def test_vtrace_reads_the_live_policy_whatever_its_form(action, changes):
    policy, live, pieces = batch(action, **changes)
    settings = settings_of(
        advantage="vtrace", correction="vtrace", clip_rho_threshold=1.5, clip_c_threshold=0.8
    )
    for rows, piece in zip(estimate(pieces, policy, live, settings), pieces, strict=True):
        valid = piece.trajectory.valid.reshape(-1)
        advantages, targets = naive(policy, live, piece.trajectory, settings)
        np.testing.assert_allclose(
            rows.advantages[valid], advantages.reshape(-1)[valid], rtol=1e-11, atol=1e-12
        )
        np.testing.assert_allclose(rows.targets[valid], targets.reshape(-1)[valid], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("advantage", ["gae", "n_step", "monte_carlo"])
def test_behaviour_estimators_do_not_look_at_the_live_policy(advantage):
    policy, live, pieces = batch()
    settings = settings_of(advantage=advantage)
    played = pieces[0].snapshot
    for one, other in zip(
        estimate(pieces, policy, live, settings), estimate(pieces, policy, played, settings), strict=True
    ):
        np.testing.assert_array_equal(one.advantages, other.advantages)


@pytest.mark.parametrize("advantage", ADVANTAGES)
@pytest.mark.parametrize("normalize", ["none", "scale", "center", "center_episode"])
def test_an_extra_step_reaches_no_other(advantage, normalize):
    """What an environment says in the step that autoreset adds is nobody's: any number there changes nothing."""
    policy, live, pieces = batch()
    settings = settings_of(advantage=advantage, normalize_advantage=normalize)

    def poisoned(piece):
        rewards = np.where(piece.trajectory.valid, piece.trajectory.rewards, 1e6)
        return Piece(
            dataclasses.replace(piece.trajectory, rewards=rewards), piece.snapshot, piece.lag, piece.weight
        )

    assert not all(piece.trajectory.valid.all() for piece in pieces)
    clean = estimate(pieces, policy, live, settings)
    dirty = estimate([poisoned(piece) for piece in pieces], policy, live, settings)
    for one, other in zip(clean, dirty, strict=True):
        kept = one.weights > 0
        np.testing.assert_array_equal(one.weights, other.weights)
        np.testing.assert_array_equal(one.advantages[kept], other.advantages[kept])
        np.testing.assert_array_equal(one.targets[kept], other.targets[kept])


def test_weights_are_a_mean_over_the_valid_rows_each_as_its_result_weighs():
    policy, live, pieces = batch()
    rows = estimate(pieces, policy, live, settings_of())
    count = sum(piece.trajectory.steps for piece in pieces)
    for one, piece in zip(rows, pieces, strict=True):
        expected = piece.trajectory.valid.reshape(-1) * piece.weight / count
        np.testing.assert_allclose(one.weights, expected, rtol=1e-6)
        assert one.weights.dtype == np.float32
    whole = [dataclasses.replace(piece, weight=1.0) for piece in pieces]
    total = sum(one.weights.sum() for one in estimate(whole, policy, live, settings_of()))
    assert total == pytest.approx(1, rel=1e-6)


def test_a_sum_weighs_every_valid_row_as_its_result_weighs():
    policy, live, pieces = batch()
    for one, piece in zip(estimate(pieces, policy, live, settings_of(reduction="sum")), pieces, strict=True):
        expected = piece.trajectory.valid.reshape(-1) * np.float32(piece.weight)
        np.testing.assert_array_equal(one.weights, expected)
        assert one.weights.dtype == np.float32


def test_each_episode_is_standardised_for_itself():
    policy, live, pieces = batch()
    plain = estimate(pieces, policy, live, settings_of(advantage="monte_carlo"))
    found = estimate(
        pieces, policy, live, settings_of(advantage="monte_carlo", normalize_advantage="center_episode")
    )
    assert len(pieces) > 1
    for before, after in zip(plain, found, strict=True):
        kept = after.weights > 0
        chosen = before.advantages[kept]
        np.testing.assert_allclose(
            after.advantages[kept], (chosen - chosen.mean()) / chosen.std(), rtol=1e-5, atol=1e-6
        )
        np.testing.assert_array_equal(before.targets, after.targets)


@pytest.mark.parametrize("normalize", ["scale", "center", "none"])
def test_normalising_is_over_the_batch_and_of_advantages_alone(normalize):
    policy, live, pieces = batch()
    plain = estimate(pieces, policy, live, settings_of())
    found = estimate(pieces, policy, live, settings_of(normalize_advantage=normalize))
    before, after = (
        np.concatenate([one.advantages[one.weights > 0] for one in rows]) for rows in (plain, found)
    )
    if normalize == "none":
        np.testing.assert_array_equal(after, before)
    elif normalize == "scale":
        np.testing.assert_allclose(after, before / np.sqrt(np.mean(before**2)), rtol=1e-6)
        np.testing.assert_array_equal(np.sign(after), np.sign(before))
    else:
        assert (after.mean(), after.std()) == (pytest.approx(0, abs=1e-6), pytest.approx(1, rel=1e-6))
    for one, other in zip(plain, found, strict=True):
        np.testing.assert_array_equal(one.targets, other.targets)


@pytest.mark.parametrize("advantage", ADVANTAGES)
def test_a_players_float32_stays_float32(advantage):
    policy, played, live = two_versions("gaussian", dtype="float32")
    rng = np.random.default_rng(0)
    pieces = [Piece(trajectory_of(policy, played, rng, steps=t), played, 2, 1.0) for t in (4, 6)]
    for rows in estimate(pieces, policy, live, settings_of(advantage=advantage, normalize_advantage="scale")):
        assert {rows.advantages.dtype, rows.targets.dtype, rows.weights.dtype} == {np.dtype("float32")}
