"""What is measured beside the lag: divergence, effective samples, what is cut, and the distance of weights."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from trainer_batches import pieces_of, settings_of, two_versions

from touchline.policy.network import Network
from touchline.targets.optimizers import SGD
from touchline.trainer.drift import SAMPLED_ROWS, Drift, drift_of, spread
from touchline.trainer.ring import Ring
from touchline.trainer.update import Updater

STILL = Drift(kl=0.0, effective_fraction=1.0, cut_fraction=0.0, weight_distance=0.0)
RECOMPUTED = {
    "importance": {"gradient": "recompute", "correction": "importance"},
    "truncated": {"gradient": "recompute", "correction": "truncated", "truncate_at": 0.9},
    "centred": {"gradient": "recompute", "correction": "centred", "truncate_at": 1.1},
    "vtrace": {
        "gradient": "recompute",
        "correction": "vtrace",
        "advantage": "vtrace",
        "clip_rho_threshold": 1.05,
    },
    "clip": {"gradient": "recompute", "correction": "clip", "algorithm": "ppo", "clip": 0.05},
}


class Example:
    """Two results, the later one older, and the policy two versions on."""

    def __init__(self, action="categorical", lags=(1, 2), seed=0, form=None, **settings):
        self.policy, self.played, self.live = two_versions(action, seed, "float32", **(form or {}))
        self.settings = settings_of(**settings)
        pieces = pieces_of(self.policy, self.played, np.random.default_rng(seed + 1))
        self.pieces = [dataclasses.replace(piece, lag=lag) for piece, lag in zip(pieces, lags, strict=True)]

    def drift(self):
        return drift_of(self.pieces, self.policy, self.live, self.settings)

    def update(self):
        ring = Ring(8)
        ring.push(self.played)
        ring.push(self.live)
        updater = Updater(
            self.policy,
            self.settings,
            ring=ring,
            optimizer=SGD(self.policy.network.layout.size),
            run_seed=0,
        )
        return updater.update(self.pieces, steps_admitted=0).losses.drift

    def ratios(self, *pieces):
        """rho of every valid row of some pieces, float64."""
        found = []
        for piece in pieces:
            trajectory, valid = piece.trajectory, piece.trajectory.valid
            x = self.live.rows(self.policy, trajectory.observations[:-1][valid])
            head = self.policy.network.policy_forward(self.live.weights, x)[1]
            logs = self.policy.distribution.log_prob(head, trajectory.actions[valid])
            found.append(np.exp(logs.astype(np.float64) - trajectory.log_probs[valid]))
        return np.concatenate(found)


def kish(rhos):
    return rhos.sum() ** 2 / (len(rhos) * np.square(rhos).sum())


@pytest.mark.parametrize("action", ["categorical", "multi", "gaussian"])
@pytest.mark.parametrize("gradient", ["reuse", "live"])
def test_without_a_forward_pass_they_are_of_the_oldest_results_rows(action, gradient):
    example = Example(action, gradient=gradient)
    rhos = example.ratios(example.pieces[1])
    found = example.update()
    assert found == example.drift()
    assert found.effective_fraction == pytest.approx(kish(rhos), rel=1e-4)
    assert found.cut_fraction == pytest.approx(np.mean(rhos > 1))
    assert 0.2 < found.cut_fraction < 0.8
    assert found.effective_fraction < 0.9999
    assert found.kl > 1e-4


@pytest.mark.parametrize("gradient", ["reuse", "recompute"])
def test_the_oldest_is_found_wherever_it_stands(gradient):
    """Results come in no order of their lags."""
    example = Example(gradient=gradient, correction="importance" if gradient == "recompute" else "none")
    expected = example.drift()
    example.pieces.reverse()
    assert [piece.lag for piece in example.pieces] == [2, 1]
    assert example.drift() == expected
    rhos = example.ratios(example.pieces[0])
    assert example.drift().effective_fraction == pytest.approx(kish(rhos), rel=1e-4)


@pytest.mark.parametrize("name", RECOMPUTED)
def test_with_one_they_are_of_every_valid_row(name):
    example = Example(lags=(0, 2), **RECOMPUTED[name])
    assert not all(piece.trajectory.valid.all() for piece in example.pieces)
    rhos = example.ratios(*example.pieces)
    found = example.update()
    assert found.effective_fraction == pytest.approx(kish(rhos), rel=1e-4)
    if name != "clip":
        threshold = {"importance": 1.0, "truncated": 0.9, "centred": 1.1, "vtrace": 1.05}[name]
        assert found.cut_fraction == pytest.approx(np.mean(rhos > threshold))
    assert 0 < found.cut_fraction < 1
    assert (found.kl, found.weight_distance) == (example.drift().kl, example.drift().weight_distance)


def test_ppos_cut_is_the_share_of_rows_that_push_no_more():
    """Those whose direction is zero, over every pass; the first alone where the weights do not move."""
    example = Example(**RECOMPUTED["clip"], epochs=3, learning_rate=0.0)
    from touchline.trainer.corrections import kappa
    from touchline.trainer.estimates import estimate

    masked = rows = 0
    for one in estimate(example.pieces, example.policy, example.live, example.settings):
        trajectory, valid = one.piece.trajectory, one.weights > 0
        x = example.live.rows(example.policy, trajectory.observations[:-1].reshape(len(valid), -1))
        direction = kappa(
            "clip",
            example.policy.distribution,
            head=example.policy.network.policy_forward(example.live.weights, x)[1],
            actions=trajectory.actions.reshape(-1),
            advantages=one.advantages,
            behaviour_log_probs=trajectory.log_probs.reshape(-1),
            behaviour_head=trajectory.head.reshape(len(valid), -1),
            clip=0.05,
            truncate_at=1.0,
        ).direction
        masked += int((~direction[valid].any(axis=1)).sum())
        rows += int(valid.sum())
    assert 0 < masked < rows
    assert example.update().cut_fraction == pytest.approx(masked / rows)


@pytest.mark.parametrize("gradient", ["reuse", "recompute"])
def test_the_distance_is_the_largest_of_the_oldest_snapshots_parameters(gradient):
    example = Example(gradient=gradient)
    further = dataclasses.replace(
        example.pieces[0], snapshot=dataclasses.replace(example.played, weights=example.live.weights)
    )
    example.pieces[0] = further  # the younger result's snapshot does not count
    expected = np.abs(example.live.weights.flat - example.played.weights.flat).max()
    assert example.update().weight_distance == pytest.approx(float(expected))
    assert expected > 0.1


@pytest.mark.parametrize("gradient", ["reuse", "live"])
def test_without_lag_nothing_has_drifted_and_no_forward_pass_is_made(gradient, monkeypatch):
    example = Example(lags=(0, 0), gradient=gradient)

    def forward(self, *args, **kwargs):
        raise AssertionError("at lag 0 there is nothing to measure")

    for name in ("forward", "policy_forward"):
        monkeypatch.setattr(Network, name, forward)
    assert example.update() == STILL


@pytest.mark.parametrize("name", RECOMPUTED)
def test_without_lag_a_recomputed_pass_finds_the_same_but_for_rounding(name):
    example = Example(lags=(0, 0), **RECOMPUTED[name])
    if name == "truncated":  # a cut below 1 cuts equal policies too
        example.settings = dataclasses.replace(example.settings, truncate_at=1.0)
    example.live = example.played
    found = example.update()
    assert found.effective_fraction == pytest.approx(1, abs=1e-6)
    assert found == dataclasses.replace(STILL, effective_fraction=found.effective_fraction)


def test_the_rows_of_no_weight_do_not_count():
    example = Example(lags=(2, 2), **RECOMPUTED["importance"])
    for piece in example.pieces:
        piece.trajectory.log_probs[~piece.trajectory.valid] = -9.0  # a ratio of thousands
    assert example.update().effective_fraction == pytest.approx(
        kish(example.ratios(*example.pieces)), rel=1e-4
    )


def test_half_a_weight_is_a_whole_row():
    """A result that is downweighted drifts no less."""
    whole, half = (Example(**RECOMPUTED["importance"]) for _ in range(2))
    half.pieces = [dataclasses.replace(piece, weight=0.5) for piece in half.pieces]
    whole.pieces = [dataclasses.replace(piece, weight=1.0) for piece in whole.pieces]
    assert half.update() == whole.update()


def test_no_valid_row_leaves_all_but_the_distance_unknown():
    example = Example(lags=(0, 2))
    oldest = example.pieces[1]
    empty = dataclasses.replace(oldest.trajectory, valid=np.zeros(oldest.trajectory.shape, bool))
    example.pieces[1] = dataclasses.replace(oldest, trajectory=empty)
    found = example.drift()
    assert np.isnan([found.kl, found.effective_fraction, found.cut_fraction]).all()
    assert found.weight_distance > 0.1


@pytest.mark.parametrize("recurrent", ["gru", "lstm"])
def test_of_a_recurrent_policy_they_are_of_whole_lanes(recurrent):
    """Its head at a step is that of the steps before: the rows are run through in their order."""
    form = {"recurrent": recurrent, "recurrent_size": 3, "shared": True}
    example = Example(form=form)
    trajectory, policy, live = example.pieces[1].trajectory, example.policy, example.live
    observations = trajectory.observations[:-1]
    rows = live.rows(policy, observations.reshape(-1, *observations.shape[2:]))
    head = policy.network.forward(live.weights, rows, sequences=trajectory.sequences)[1]
    valid = trajectory.valid.reshape(-1)
    pushed = trajectory.head.reshape(len(valid), -1)
    logs = policy.distribution.log_prob(head, trajectory.actions.reshape(-1))
    rhos = np.exp(logs.astype(np.float64) - trajectory.log_probs.reshape(-1))[valid]
    found = example.drift()
    assert found.kl == pytest.approx(float(policy.distribution.kl(pushed, head)[valid].mean()), rel=1e-4)
    assert found.kl > 1e-5
    assert found.effective_fraction == pytest.approx(kish(rhos), rel=1e-5)
    assert found.cut_fraction == pytest.approx(np.mean(rhos > 1 + 1e-4))


@pytest.mark.parametrize("count", [0, 1, 95, 96, 97, 1000, 5000])
def test_rows_are_spread_over_the_whole_with_an_odd_stride(count):
    found = spread(np.arange(count), SAMPLED_ROWS)
    assert len(found) <= SAMPLED_ROWS
    assert len(found) >= min(count, SAMPLED_ROWS // 3)
    if len(found) > 1:
        (stride,) = set(np.diff(found).tolist())
        assert stride % 2 == 1
        assert found[0] == 0
        assert found[-1] >= count - stride
