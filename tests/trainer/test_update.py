"""One update, whole: the gradient that reaches the optimiser, the weights that come of it, and the statistics."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from policy_trajectories import near, policy_of, snapshot_of
from trainer_batches import loss_at, pieces_of, settings_of, two_versions, zeros

from touchline.policy.features import encode
from touchline.policy.network import Network
from touchline.policy.spaces import Discrete
from touchline.targets.optimizers import SGD
from touchline.trainer import update as update_module
from touchline.trainer.batch import Piece
from touchline.trainer.estimates import estimate
from touchline.trainer.gradients import recomputed_gradient, stored_gradient
from touchline.trainer.ring import Ring
from touchline.trainer.samples import samples_of
from touchline.trainer.update import Updater

CLOSE = {"rtol": 2e-4, "atol": 2e-6}  # float32 against float64
ONE_PASS = {
    "reuse": {"gradient": "reuse"},
    "live": {"gradient": "live"},
    "recompute": {"gradient": "recompute"},
    "importance": {"gradient": "recompute", "correction": "importance"},
    "clip": {"gradient": "recompute", "correction": "clip"},
}


class Recorder:
    """Gradient descent that remembers what it was given."""

    def __init__(self, size):
        self.gradients, self.rates = [], []
        self._descent = SGD(size)

    def step(self, parameters, gradient, *, learning_rate):
        self.gradients.append(gradient.copy())
        self.rates.append(learning_rate)
        self._descent.step(parameters, gradient, learning_rate=learning_rate)

    def state(self):
        return self._descent.state()


class Learner:
    """An updater over two versions: the one that played, and the live one where there is lag."""

    def __init__(self, action="categorical", *, lag=True, seed=0, run_seed=0, form=None, count=2, **settings):
        self.policy, self.played, live = two_versions(action, seed, "float32", **(form or {}))
        self.live = live if lag else self.played
        self.settings = settings_of(**settings)
        self.optimizer = Recorder(self.policy.network.layout.size)
        ring = Ring(8)
        ring.push(self.played)
        ring.push(self.live)
        self.updater = Updater(
            self.policy, self.settings, ring=ring, optimizer=self.optimizer, run_seed=run_seed
        )
        self.pieces = pieces_of(self.policy, self.played, np.random.default_rng(seed + 1), count=count)
        if not self.settings.wants_hidden:
            self.pieces = [
                dataclasses.replace(piece, trajectory=dataclasses.replace(piece.trajectory, hidden=()))
                for piece in self.pieces
            ]

    def update(self, steps_admitted=0):
        return self.updater.update(self.pieces, steps_admitted=steps_admitted)

    def rows(self):
        return estimate(self.pieces, self.policy, self.live, self.settings)


@pytest.mark.parametrize("action", ["categorical", "multi", "gaussian"])
@pytest.mark.parametrize("form", [{}, {"shared": True, "normalize": True}])
def test_reuse_under_lag_applies_the_old_snapshots_exact_gradient_to_the_new_weights(action, form):
    learner = Learner(action, form=form)
    policy, played, rows = learner.policy, learner.played, learner.rows()
    update = learner.update()

    def loss(flat):
        return sum(loss_at(policy, flat, one, played, learner.settings) for one in rows)

    # The direction that was walked, checked against the slope of the loss at the snapshot along random lines.
    (gradient,) = learner.optimizer.gradients
    at, rng = played.weights.flat.astype(np.float64), np.random.default_rng(0)
    for _ in range(10):
        line = rng.standard_normal(at.size)
        slope = (loss(at + 1e-5 * line) - loss(at - 1e-5 * line)) / 2e-5
        assert gradient @ line == pytest.approx(slope, rel=1e-3, abs=1e-5)
    np.testing.assert_array_equal(
        update.snapshot.weights.flat, learner.live.weights.flat - np.float32(0.25) * gradient
    )


@pytest.mark.parametrize("source", ONE_PASS)
@pytest.mark.parametrize("action", ["categorical", "gaussian"])
def test_at_lag_0_every_source_makes_the_same_update(action, source):
    expected = Learner(action, lag=False).update().snapshot.weights.flat
    found = Learner(action, lag=False, **ONE_PASS[source]).update().snapshot.weights.flat
    np.testing.assert_allclose(found, expected, **CLOSE)


@pytest.mark.parametrize("source", ["reuse", "live"])
@pytest.mark.parametrize("live_value_head", [False, True])
def test_which_weights_and_which_value_head_the_backward_pass_has(source, live_value_head):
    learner = Learner(gradient=source, live_value_head=live_value_head, form={"normalize": True})
    at = learner.played if source == "reuse" else learner.live
    head = learner.live.weights.value_head if live_value_head else None
    expected = zeros(learner.policy)
    for one in learner.rows():
        samples = samples_of(one, learner.policy, learner.played)
        stored_gradient(
            samples, learner.policy, at.weights, learner.settings, gradient=expected, value_head=head
        )
    learner.update()
    np.testing.assert_allclose(learner.optimizer.gradients[0], expected.flat, **CLOSE)


def test_recompute_reads_observations_with_the_live_statistics():
    learner = Learner(gradient="recompute", correction="importance", form={"normalize": True})
    expected = zeros(learner.policy)
    for one in learner.rows():
        samples = samples_of(one, learner.policy, learner.live)
        recomputed_gradient(
            samples, learner.policy, learner.live.weights, learner.settings, gradient=expected, clip=0.2
        )
    learner.update()
    np.testing.assert_allclose(learner.optimizer.gradients[0], expected.flat, **CLOSE)


def test_each_result_is_differentiated_with_its_own_snapshot():
    learner = Learner()
    older = near(learner.policy, learner.played, np.random.default_rng(5), version=4, by=0.3)
    learner.updater.ring.push(older)
    learner.pieces[1] = pieces_of(learner.policy, older, np.random.default_rng(6), count=1)[0]
    expected = zeros(learner.policy)
    for one in learner.rows():
        at = one.piece.snapshot
        samples = samples_of(one, learner.policy, at)
        stored_gradient(
            samples, learner.policy, at.weights, learner.settings, gradient=expected, value_head=None
        )
    learner.update()
    np.testing.assert_allclose(learner.optimizer.gradients[0], expected.flat, **CLOSE)


@pytest.mark.parametrize("source", ONE_PASS)
def test_downweighting_a_result_weighs_its_rows_in_the_mean(source):
    """weight max_lag/lag: the gradient is the whole batch's with that result's share scaled."""
    gradients = []
    for weight in (1.0, 0.25, 0.0):
        learner = Learner(**ONE_PASS[source])
        learner.pieces[0] = dataclasses.replace(learner.pieces[0], weight=weight)
        learner.update()
        gradients.append(learner.optimizer.gradients[0].astype(np.float64))
    whole, quarter, without = gradients
    np.testing.assert_allclose(quarter, without + (whole - without) / 4, **CLOSE)
    assert np.abs(whole - without).max() > 1e-2


@pytest.mark.parametrize(
    "passes", [{}, {"gradient": "recompute", "correction": "clip", "epochs": 3, "batch_steps": 20}]
)
def test_a_new_version_is_made_and_the_old_ones_stand(passes):
    learner = Learner(**passes)
    before = learner.live.weights.flat.copy()
    update = learner.update()
    assert (update.snapshot.version, update.snapshot.epoch) == (learner.live.version + 1, learner.live.epoch)
    assert learner.updater.live is update.snapshot is learner.updater.ring[6]
    assert not update.snapshot.weights.flat.flags.writeable
    np.testing.assert_array_equal(learner.live.weights.flat, before)
    assert (update.snapshot.weights.flat != before).any()
    assert update.gradient_steps == len(learner.optimizer.gradients) == passes.get("epochs", 1)


def test_no_gradient_is_left_for_the_next_update():
    once, twice = Learner(), Learner()
    once.update()
    twice.update()
    learning_rate = twice.settings.learning_rate
    twice.updater.update(twice.pieces, steps_admitted=0)
    first, second = twice.optimizer.gradients
    np.testing.assert_array_equal(first, once.optimizer.gradients[0])
    np.testing.assert_array_equal(second, first)  # reuse: the same results, the same snapshot
    expected = (
        twice.live.weights.flat - np.float32(learning_rate) * first - np.float32(learning_rate) * second
    )
    np.testing.assert_allclose(twice.updater.live.weights.flat, expected, rtol=1e-6)


# -- several passes


PPO = {"gradient": "recompute", "correction": "clip", "algorithm": "ppo", "batch_steps": 60}


def minibatches_of(learner, monkeypatch):
    """The rows of every minibatch of one update."""
    seen = []

    def spy(samples, *args, **kwargs):
        seen.append(samples)
        return recomputed_gradient(samples, *args, **kwargs)

    monkeypatch.setattr(update_module, "recomputed_gradient", spy)
    learner.update()
    return seen


@pytest.mark.parametrize(
    ("epochs", "minibatch_steps", "parts"), [(1, 8, 3), (3, 8, 9), (2, None, 2), (2, 1000, 2)]
)
def test_an_epoch_covers_every_valid_row_once(monkeypatch, epochs, minibatch_steps, parts):
    learner = Learner(**PPO, epochs=epochs, minibatch_steps=minibatch_steps)
    rows = learner.rows()
    valid = np.sort(np.concatenate([one.advantages[one.weights > 0] for one in rows]))
    assert len(valid) == sum(piece.trajectory.steps for piece in learner.pieces)
    assert len(np.unique(valid)) == len(valid) < sum(len(one.advantages) for one in rows)
    seen = minibatches_of(learner, monkeypatch)
    assert len(seen) == parts
    sizes = [len(samples) for samples in seen]
    assert max(sizes) - min(sizes) <= 1
    each = parts // epochs
    for epoch in range(epochs):
        rows_seen = [part.advantages for part in seen[epoch * each : (epoch + 1) * each]]
        np.testing.assert_array_equal(np.sort(np.concatenate(rows_seen)), valid)


def test_a_minibatchs_weights_are_a_mean_again(monkeypatch):
    learner = Learner(**PPO, epochs=1, minibatch_steps=8)
    learner.pieces = [dataclasses.replace(piece, weight=1.0) for piece in learner.pieces]
    for samples in minibatches_of(learner, monkeypatch):
        assert samples.weights.sum() == pytest.approx(1, rel=1e-5)


def test_epochs_are_shuffled_anew_and_the_same_again_for_the_same_seed(monkeypatch):
    def orders(**kwargs):
        learner = Learner(**PPO, epochs=2, **kwargs)
        return [samples.advantages for samples in minibatches_of(learner, monkeypatch)]

    first, second = orders()
    again, _ = orders()
    other, _ = orders(run_seed=1)
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()
    assert (first != other).any()


def test_one_pass_in_one_minibatch_is_one_step():
    whole = Learner(gradient="recompute", correction="clip")
    shuffled = Learner(**PPO, epochs=2)
    whole.update()
    shuffled.update()
    np.testing.assert_allclose(shuffled.optimizer.gradients[0], whole.optimizer.gradients[0], **CLOSE)


def test_a_second_pass_is_at_the_moved_weights_with_ratios_to_the_snapshot_that_played():
    learner = Learner(**PPO, epochs=2)
    rows = learner.rows()
    learner.update()
    moved = learner.live.weights.flat - np.float32(0.25) * learner.optimizer.gradients[0]
    expected = zeros(learner.policy)
    for one in rows:
        samples = samples_of(one, learner.policy, learner.live)
        weights = learner.policy.network.bind(moved)
        recomputed_gradient(samples, learner.policy, weights, learner.settings, gradient=expected, clip=0.25)
    np.testing.assert_allclose(learner.optimizer.gradients[1], expected.flat, **CLOSE)


# -- clipping, schedules, losses


def test_the_gradient_is_clipped_before_the_step_and_its_norm_told_as_it_was():
    free, bound = Learner(), Learner(max_gradient_norm=0.01)
    norm = free.update().losses.gradient_norm
    assert norm == pytest.approx(np.linalg.norm(free.optimizer.gradients[0]), rel=1e-5)
    assert bound.update().losses.gradient_norm == pytest.approx(norm)
    np.testing.assert_allclose(
        bound.optimizer.gradients[0], free.optimizer.gradients[0] * (0.01 / norm), rtol=1e-4
    )


@pytest.mark.parametrize(("steps", "rate"), [(0, 0.25), (500, 0.125), (2000, 0.0)])
def test_the_rate_follows_the_steps_admitted(steps, rate):
    learner = Learner(learning_rate_schedule="linear", total_steps=1000)
    assert learner.update(steps).losses.learning_rate == rate
    assert learner.optimizer.rates == [rate]


def test_the_clip_follows_them_too():
    """A quarter of the run left, a quarter of the clip: as in an update that was told so outright."""
    settings = {"gradient": "recompute", "correction": "clip"}
    scheduled = Learner(**settings, clip_schedule="linear", total_steps=100)
    outright, wide = Learner(**settings, clip=0.0625), Learner(**settings)
    scheduled.update(75)
    outright.update()
    wide.update()
    np.testing.assert_array_equal(scheduled.optimizer.gradients[0], outright.optimizer.gradients[0])
    assert (scheduled.optimizer.gradients[0] != wide.optimizer.gradients[0]).any()


def test_losses_are_means_over_the_valid_rows_by_weight():
    learner = Learner()
    rows, (policy, value, entropy, weight) = learner.rows(), np.zeros(4)
    for one in rows:
        trajectory, n = one.piece.trajectory, len(one.advantages)
        policy -= one.weights @ (one.advantages * trajectory.log_probs.reshape(n))
        value += one.weights @ (trajectory.values[:-1].reshape(n) - one.targets) ** 2 / 2
        entropy += one.weights @ learner.policy.distribution.entropy(trajectory.head.reshape(n, -1))
        weight += one.weights.sum()
    losses = learner.update().losses
    assert (losses.policy, losses.value, losses.entropy) == pytest.approx(
        (policy / weight, value / weight, entropy / weight), rel=1e-5
    )


def test_losses_are_means_over_every_pass():
    """With weights that do not move, six passes say what two do."""
    two, six = (Learner(**PPO, epochs=epochs, learning_rate=0.0).update().losses for epochs in (2, 6))
    flat = [{**dataclasses.asdict(losses), **dataclasses.asdict(losses.drift)} for losses in (two, six)]
    for one in flat:
        del one["drift"]
    assert flat[0] == pytest.approx(flat[1], rel=1e-4)


def test_explained_variance_is_of_the_behaviour_values_over_valid_rows():
    learner = Learner()
    targets, values = [], []
    for one in learner.rows():
        kept = one.weights > 0
        targets.append(one.targets[kept])
        values.append(one.piece.trajectory.values[:-1].reshape(-1)[kept])
    targets, values = np.concatenate(targets), np.concatenate(values)
    expected = 1 - np.var(targets - values) / np.var(targets)
    assert learner.update().losses.explained_variance == pytest.approx(expected, rel=1e-4)


# -- how far the live policy is from the one that played


def divergences(learner, piece):
    """KL(p_v || p_u) of every valid row, p_v from the head that was pushed."""
    trajectory, policy, live = piece.trajectory, learner.policy, learner.live
    x = live.rows(policy, trajectory.observations[:-1][trajectory.valid])
    return policy.distribution.kl(
        trajectory.head[trajectory.valid], policy.network.policy_forward(live.weights, x)[1]
    )


def lagging(learner, *lags):
    learner.pieces = [
        dataclasses.replace(piece, lag=lag) for piece, lag in zip(learner.pieces, lags, strict=True)
    ]
    return learner


@pytest.mark.parametrize("action", ["categorical", "multi", "gaussian"])
@pytest.mark.parametrize("settings", [{}, {**PPO, "epochs": 2}])
@pytest.mark.parametrize("lags", [(2, 2), (1, 2)])
def test_kl_is_of_the_oldest_piece_against_the_live_policy_before_the_update(action, settings, lags):
    learner = lagging(Learner(action, form={"normalize": True}, **settings), *lags)
    oldest = learner.pieces[lags.index(max(lags))]
    assert not all(piece.trajectory.valid.all() for piece in learner.pieces)
    expected = divergences(learner, oldest).mean()
    assert expected > 1e-4
    assert learner.update().losses.drift.kl == pytest.approx(expected, rel=1e-3)


def test_without_lag_the_kl_is_0_and_costs_no_forward_pass(monkeypatch):
    learner = Learner(lag=False)

    def forward(self, *args, **kwargs):
        raise AssertionError("reuse needs none, and at lag 0 nor does the kl")

    monkeypatch.setattr(Network, "policy_forward", forward)
    assert learner.update().losses.drift.kl == 0.0


def test_kl_is_over_rows_all_along_a_long_piece_and_no_more_than_are_needed(monkeypatch):
    learner = Learner()
    (piece,) = pieces_of(learner.policy, learner.played, np.random.default_rng(3), count=1, lag=2, rate=0)
    repeated = {
        name: np.concatenate([getattr(piece.trajectory, name)[:6]] * 100)
        for name in ("head", "actions", "log_probs", "rewards", "terminated", "truncated", "valid")
    }
    observations = piece.trajectory.observations
    repeated["observations"] = np.concatenate([observations[:6]] * 100 + [observations[-1:]])
    repeated["values"] = np.concatenate([piece.trajectory.values[:6]] * 100 + [piece.trajectory.values[-1:]])
    repeated["hidden"] = tuple(np.concatenate([layer] * 100) for layer in piece.trajectory.hidden)
    long = dataclasses.replace(piece.trajectory, **repeated)
    learner.pieces = [dataclasses.replace(piece, trajectory=long)]
    rows, forward = [], Network.policy_forward

    def spy(self, weights, x, **kwargs):
        rows.append(len(x))
        return forward(self, weights, x, **kwargs)

    expected = divergences(learner, piece).mean()
    monkeypatch.setattr(Network, "policy_forward", spy)
    assert learner.update().losses.drift.kl == pytest.approx(expected, rel=0.1)
    assert len(rows) == 1
    assert 64 <= rows[0] <= 256


def test_a_kl_over_no_valid_row_is_unknown():
    learner = lagging(Learner(count=1), 2)
    (piece,) = learner.pieces
    empty = dataclasses.replace(piece.trajectory, valid=np.zeros(piece.trajectory.shape, bool))
    learner.pieces = [dataclasses.replace(piece, trajectory=empty, lag=3), piece]
    assert np.isnan(learner.update().losses.drift.kl)


# -- the normaliser


def valid_rows(policy, pieces):
    raw = [piece.trajectory.observations[:-1][piece.trajectory.valid] for piece in pieces]
    return np.concatenate([encode(policy.observation_space, rows) for rows in raw])


@pytest.mark.parametrize("source", ONE_PASS)
def test_statistics_move_by_the_valid_rows_alone(source):
    learner = Learner(form={"normalize": True}, **ONE_PASS[source])
    assert not all(piece.trajectory.valid.all() for piece in learner.pieces)
    moved = learner.update().snapshot.statistics
    expected = learner.live.statistics.moved(valid_rows(learner.policy, learner.pieces))
    assert moved.count == expected.count
    np.testing.assert_allclose(moved.mean, expected.mean, rtol=1e-10)
    np.testing.assert_allclose(moved.m2, expected.m2, rtol=1e-10)


@pytest.mark.parametrize("source", ["reuse", "recompute"])
def test_statistics_move_after_the_gradient(source):
    """The first update's gradient is that under identity, whatever its observations."""
    gradients = []
    for normalize in (False, True):
        policy = policy_of(normalize=normalize)
        first = snapshot_of(policy, np.random.default_rng(0), dtype="float32")
        first = dataclasses.replace(
            policy.first_snapshot(np.random.default_rng(0), epoch=1), weights=first.weights
        )
        ring, optimizer = Ring(4), Recorder(policy.network.layout.size)
        ring.push(first)
        updater = Updater(policy, settings_of(gradient=source), ring=ring, optimizer=optimizer, run_seed=0)
        update = updater.update(pieces_of(policy, first, np.random.default_rng(1)), steps_admitted=0)
        gradients.append(optimizer.gradients[0])
        assert (update.snapshot.statistics.count > 0) == normalize
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("observed", [None, Discrete(3)])
def test_a_result_of_no_valid_step_changes_nothing(observed):
    """One step that autoreset added, in an unroll of length 1."""
    policy = policy_of(normalize=True, **({} if observed is None else {"observed": observed}))
    rng = np.random.default_rng(0)
    live = snapshot_of(policy, rng, dtype="float32")
    pieces = pieces_of(policy, live, rng, count=1)
    nothing = pieces_of(policy, live, rng, count=1, rate=0)[0]
    empty = dataclasses.replace(nothing.trajectory, valid=np.zeros(nothing.trajectory.shape, bool))
    flats = []
    for batch in (pieces, [*pieces, Piece(empty, live, 0, 1.0)]):
        ring = Ring(2)
        ring.push(live)
        updater = Updater(
            policy, settings_of(), ring=ring, optimizer=Recorder(live.weights.flat.size), run_seed=0
        )
        update = updater.update(batch, steps_admitted=0)
        flats.append((update.snapshot.weights.flat, update.snapshot.statistics.to_array()))
    np.testing.assert_array_equal(flats[0][0], flats[1][0])
    np.testing.assert_array_equal(flats[0][1], flats[1][1])
