"""The scale of rewards: a running deviation written out step by step, carried, saved, and moved by each batch."""

from __future__ import annotations

import contextlib
import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven
from policy_trajectories import ACTIONS, OBSERVED, policy_of, snapshot_of, trajectory_of
from trainer_batches import settings_of

from touchline.configs import load
from touchline.trainer import update as update_module
from touchline.trainer.batch import Piece
from touchline.trainer.estimates import estimate
from touchline.trainer.method import Delivery
from touchline.trainer.policy_gradient import PolicyGradient
from touchline.trainer.policy_gradient import policy_of as policy_for
from touchline.trainer.rewards import BOUND, EPSILON, RewardScale
from touchline.trainer.soundness import NotFinite, check_rewards

PLAIN = {
    "env.id": "CartPole-v1",
    "trainer.algorithm": "a2c",
    "trainer.advantage": "monte_carlo",
    "trainer.gradient": "reuse",
    "trainer.epochs": 1,
    "trainer.minibatch_steps": "null",
    "staleness.correction": "none",
    "trainer.batch_steps": 1,
    "players.unroll_length": "episode",
    "policy.hidden": "[5]",
}
POLICY = policy_of(hidden=(5,))
SNAPSHOT = snapshot_of(POLICY, np.random.default_rng(0))
GAMMA = 0.9


def piece(seed, *, slot=0, seq=0, scale=1.0, **kwargs):
    trajectory = trajectory_of(POLICY, SNAPSHOT, np.random.default_rng(seed), **kwargs)
    trajectory = dataclasses.replace(trajectory, rewards=trajectory.rewards * scale)
    return Piece(trajectory, SNAPSHOT, 0, 1.0, slot, seq)


def policy_gradient(*wanted, value="true"):
    """The method with these keys set, every result a batch."""
    flags = [(key, str(chosen)) for key, chosen in PLAIN.items()]
    flags += [(key, value if key == "policy.value" else "true") for key in wanted]
    config = load(None, flags).config
    return PolicyGradient(policy_for(config, OBSERVED, ACTIONS["categorical"]), config, epoch=1)


def scale_of(*batches):
    """The scale after these batches."""
    scale = RewardScale(GAMMA)
    for batch in batches:
        scale = scale.moved(batch)
    return scale


def following(pieces):
    """What the deviation is over: each lane's sums, by a loop over Player, lane and step."""
    running, values = {}, []
    for one in pieces:
        trajectory = one.trajectory
        for lane in range(trajectory.shape[1]):
            total = running.get((one.slot, lane), 0.0)
            for t in range(trajectory.shape[0]):
                if not trajectory.valid[t, lane]:
                    total = 0.0
                    continue
                total = GAMMA * total + float(trajectory.rewards[t, lane])
                values.append(total)
                if trajectory.terminated[t, lane] or trajectory.truncated[t, lane]:
                    total = 0.0
            running[one.slot, lane] = total
    return np.array(values)


@given(st.integers(0, 10**6), st.integers(1, 4), st.booleans())
@proven(40)
def test_it_is_the_deviation_of_each_lanes_discounted_sums(seed, count, autoreset):
    """Two Players by turns, episodes that end within results and run on from one to the next."""
    pieces = [
        piece(seed + i, slot=i % 2, seq=i // 2, steps=3 + i % 3, autoreset=autoreset)
        for i in range(2 * count)
    ]
    scale = RewardScale(GAMMA)
    for start in range(0, len(pieces), 2):
        scale = scale.moved(pieces[start : start + 2])
    expected = np.sqrt(following(pieces).var() + EPSILON)
    assert scale.deviation == pytest.approx(expected, rel=1e-10)


def test_batches_of_any_size_come_to_the_same():
    pieces = [piece(i, seq=i) for i in range(6)]
    whole, parts = scale_of(pieces), RewardScale(GAMMA)
    for one in pieces:
        parts = parts.moved([one])
    assert parts.deviation == pytest.approx(whole.deviation, rel=1e-12)


@pytest.mark.parametrize("before", [[], [0.0], [0.0, 0.0]], ids=str)
def test_while_there_is_no_scale_rewards_stay_as_they_are_and_none_is_cut(before):
    """Neither before the first batch nor while nothing was paid."""
    scale = scale_of([piece(i, seq=i, scale=factor) for i, factor in enumerate(before)])
    rewards = np.array([[1.5, -2000.0]], np.float32)
    assert (scale.known, scale.deviation) == (False, 1.0)
    np.testing.assert_array_equal(scale(rewards), rewards)


def test_sums_that_are_all_alike_are_no_scale_whatever_float_makes_of_their_mean():
    played = piece(0, rate=0.0)
    third = np.full_like(played.trajectory.rewards, 1 / 3)
    alike = dataclasses.replace(played, trajectory=dataclasses.replace(played.trajectory, rewards=third))
    assert not RewardScale(0.0).moved([alike, dataclasses.replace(alike, seq=1)]).known


def test_rewards_become_of_the_size_of_one_whatever_their_units():
    for factor in (1e-3, 1.0, 1e4):
        pieces = [piece(i, seq=i, scale=factor, steps=40) for i in range(5)]
        scale = scale_of(pieces)
        scaled = np.concatenate([scale(one.trajectory.rewards).reshape(-1) for one in pieces])
        assert 0.3 < scaled.std() < 1.2


def test_what_is_far_out_is_cut_and_the_dtype_stays():
    scale = scale_of([piece(0)])
    found = scale(np.array([[1e6, -1e6, 0.0]], np.float32))
    np.testing.assert_array_equal(found, np.array([[BOUND, -BOUND, 0.0]], np.float32))
    assert found.dtype == np.float32


def test_rewards_that_are_all_zero_stay_so():
    silent = piece(0, scale=0.0)
    scale = scale_of([piece(1)], [dataclasses.replace(silent, seq=1)])
    np.testing.assert_array_equal(scale(silent.trajectory.rewards), 0)


def test_a_result_that_was_not_trained_leaves_no_trace():
    """The sums of its lanes begin anew after it: what they were in between is not known."""
    first, dropped, third = (piece(i, seq=i, rate=0.0) for i in range(3))
    gap = scale_of([first], [third])
    fresh = scale_of([first], [dataclasses.replace(third, slot=1, seq=0)])
    assert gap.deviation == fresh.deviation
    carried = scale_of([first], [dataclasses.replace(third, seq=1)])
    assert carried.deviation != gap.deviation
    after_evaluation = scale_of([first], [dataclasses.replace(third, evaluations=1)])
    assert after_evaluation.deviation == carried.deviation
    assert dropped.seq == 1


def test_what_is_paid_in_the_step_that_autoreset_adds_is_nobodys():
    clean = [piece(i, seq=i, rate=0.6) for i in range(4)]
    assert not all(one.trajectory.valid[-1].all() for one in clean)  # one of them is an unroll's last
    spoilt = []
    for one in clean:
        trajectory = one.trajectory
        rewards = np.where(trajectory.valid, trajectory.rewards, 1e6)
        spoilt.append(dataclasses.replace(one, trajectory=dataclasses.replace(trajectory, rewards=rewards)))
    assert scale_of(clean).deviation == scale_of(spoilt).deviation


def test_a_batch_that_is_taken_leaves_the_scale_before_it_as_it_was():
    pieces = [piece(i, seq=i) for i in range(2)]
    before = scale_of(pieces[:1])
    state = {name: array.tolist() for name, array in before.state().items()}
    assert before.moved(pieces[1:]).deviation != before.deviation
    assert {name: array.tolist() for name, array in before.state().items()} == state


def test_its_state_is_all_that_the_next_batch_is_taken_by():
    """Count, mean and squares, and of each slot its last number and sums."""
    pieces = [piece(i, slot=i % 2, seq=i // 2, rate=0.0) for i in range(4)]
    state, sums = scale_of(pieces).state(), following(pieces)
    np.testing.assert_allclose(
        state["rewards/statistics"], [sums.size, sums.mean(), sums.size * sums.var()], rtol=1e-10
    )
    assert state.keys() == {"rewards/statistics", "rewards/sums/0", "rewards/sums/1"}
    for slot in (0, 1):
        running = np.zeros(pieces[0].trajectory.shape[1])
        for one in pieces[slot::2]:
            for rewards in one.trajectory.rewards:
                running = GAMMA * running + rewards
        np.testing.assert_allclose(state[f"rewards/sums/{slot}"], [1, *running], rtol=1e-6)


@pytest.mark.parametrize("advantage", ["gae", "n_step", "monte_carlo", "vtrace"])
def test_every_estimator_sees_one_scale_for_the_whole_batch(advantage):
    """Advantages from scaled rewards are those of trajectories whose rewards were divided beforehand."""
    scale = RewardScale(0.5).moved([piece(9, scale=4.0)])
    pieces = [piece(i, seq=i) for i in range(2)]
    settings = settings_of(advantage=advantage, correction="vtrace" if advantage == "vtrace" else "none")
    before = scale.deviation
    found = estimate(pieces, POLICY, SNAPSHOT, settings, reward_scale=scale)
    divided = [
        dataclasses.replace(
            one, trajectory=dataclasses.replace(one.trajectory, rewards=one.trajectory.rewards / before)
        )
        for one in pieces
    ]
    expected = estimate(divided, POLICY, SNAPSHOT, settings)
    for rows, other, one in zip(found, expected, pieces, strict=True):
        np.testing.assert_allclose(rows.advantages, other.advantages, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(rows.targets, other.targets, rtol=1e-6, atol=1e-9)
        assert rows.piece is one  # what was played is left as it is
    assert scale.deviation == before


@pytest.mark.parametrize("silent", [0, 2])
def test_an_update_is_scaled_by_what_was_trained_before_it(monkeypatch, silent):
    """Every one by the deviation of all before; the first that pays, which has none before it, by its own."""
    learner = policy_gradient("trainer.normalize_rewards")
    scales, looked = [], update_module.estimate

    def spy(*args, reward_scale, **kwargs):
        scales.append(reward_scale.deviation)
        return looked(*args, reward_scale=reward_scale, **kwargs)

    monkeypatch.setattr(update_module, "estimate", spy)
    pieces = []
    for seq in range(silent + 4):
        live = learner.live
        trajectory = trajectory_of(learner.policy, live, np.random.default_rng(seq), autoreset=False)
        factor = np.float32(50 * seq if seq >= max(silent, 1) else 50 * (silent == 0))
        trajectory = dataclasses.replace(trajectory, rewards=trajectory.rewards * factor)
        pieces.append(Piece(trajectory, live, 0, 1.0, 0, seq))
        assert learner.absorb(Delivery(0, seq, live.version, trajectory.to_arrays(), 0)).changed
    after = [RewardScale(0.99).moved(pieces[: seq + 1]).deviation for seq in range(silent + 4)]
    first = after[silent]
    assert scales == [
        *[1.0] * silent,
        *(pytest.approx(one) for one in (first, first, *after[silent + 1 : -1])),
    ]
    assert first > 10
    assert len(set(scales)) == 3 + bool(silent)


@pytest.mark.parametrize(("factor", "raises"), [(100.0, False), (1e6, True)])
def test_what_would_make_the_scale_useless_is_refused_with_its_place(factor, raises):
    before = scale_of([piece(0)])
    batch = [piece(1, seq=1), piece(2, slot=1, scale=factor)]
    where = np.unravel_index(np.abs(batch[1].trajectory.rewards).argmax(), batch[1].trajectory.shape)
    place = f"at step {where[0]}, lane {where[1]} of result 0 of slot 1"
    with pytest.raises(NotFinite, match=place) if raises else contextlib.nullcontext():
        check_rewards(before, before.moved(batch), batch)
    small = scale_of([piece(0, scale=1e-6)])
    check_rewards(small, small.moved([piece(1)]), [piece(1)])  # the first success after small costs
    fresh = RewardScale(GAMMA)
    check_rewards(fresh, fresh.moved(batch), batch)  # nothing says yet what a reward is


def test_the_weights_of_a_loss_without_a_value_function_are_the_policys_alone():
    learner = policy_gradient("trainer.normalize_rewards", "policy.value", value="false")
    for seq in range(2):
        trajectory = trajectory_of(learner.policy, learner.live, np.random.default_rng(seq), autoreset=False)
        absorbed = learner.absorb(Delivery(0, seq, learner.live.version, trajectory.to_arrays(), 0))
        assert absorbed.changed
    assert (learner.last_losses.value, learner.last_losses.explained_variance) == (0, 0)
    assert learner.last_losses.gradient_norm > 0
