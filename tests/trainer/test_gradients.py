"""The gradient sources: each against finite differences of the loss whose gradient it claims to be."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from policy_numerics import assert_gradient
from policy_trajectories import PICTURE, PIXELS, SEVERAL
from trainer_batches import loss_at, pieces_of, settings_of, two_versions, zeros

from touchline.trainer.batch import Piece
from touchline.trainer.estimates import estimate
from touchline.trainer.gradients import recomputed_gradient, stored_gradient
from touchline.trainer.samples import CHUNK_ROWS, joined, samples_of

ACTIONS = ("categorical", "multi", "gaussian")
FILTERS = ((2, 3, 1, 0), (2, 2, 2, 1))
FORMS = [
    {},
    {"shared": True},
    {"activation": "relu"},
    {"activation": "elu", "shared": True},
    {"hidden": ()},
    {"hidden": (4,), "normalize": True},
    {"hidden": (4, 3, 5), "shared": True, "normalize": True},
    {"hidden": (4,), "bias": False},
    {"hidden": (4,), "value": False},
    {"hidden": (5,), "recurrent": "gru", "recurrent_size": 3, "shared": True},
    {"hidden": (), "recurrent": "lstm", "recurrent_size": 3, "shared": True},
    {"hidden": (4,), "recurrent": "lstm", "recurrent_size": 2, "value": False},
]
ONE = {"shared": True}
TORSO_FORMS = [  # what stands before the heads knows nothing of actions
    {"layer_norm": True},
    {"layer_norm": True, "shared": True, "normalize": True, "bias": False},
    {"observed": PICTURE, "convolutions": FILTERS},
    {"observed": PICTURE, "convolutions": FILTERS, "hidden": (), "shared": True},
    {"observed": SEVERAL, "convolutions": FILTERS, "hidden": (4,), "shared": True, "normalize": True},
    {"observed": SEVERAL, "convolutions": FILTERS, "hidden": (), "layer_norm": True},
    {"observed": PIXELS, "sparse": True, "hidden": (4, 3)},
    {"observed": PIXELS, "sparse": True, "hidden": ()},
    {"network": "custom_networks:Residual", "network_kwargs": {"width": 4}},
    {
        "observed": PICTURE,
        "convolutions": FILTERS,
        "hidden": (3,),
        "recurrent": "gru",
        "recurrent_size": 2,
        **ONE,
    },
]


def shown(form):
    """The name of a test: not every bound of every pixel."""
    if isinstance(form, str):
        return form
    return " ".join(
        f"{name}={type(value).__name__ if name == 'observed' else value}" for name, value in form.items()
    )


every_form = pytest.mark.parametrize(
    ("action", "form"),
    [*itertools.product(ACTIONS, FORMS), *itertools.product(ACTIONS[:1], TORSO_FORMS)],
    ids=lambda value: shown(value),
)


def example(action="categorical", form=None, *, on_policy=False, seed=0, **settings):
    """(policy, played, live, settings, rows of a batch), all float64, two versions of lag unless on policy."""
    policy, played, live = two_versions(action, seed, **(form or {}))
    live = played if on_policy else live
    settings = settings_of(**settings)
    pieces = pieces_of(policy, played, np.random.default_rng(seed + 1))
    return policy, played, live, settings, estimate(pieces, policy, live, settings)


def stored(policy, reader, at, settings, rows, value_head=None):
    """The gradient from pushed hidden states, differentiated with the weights ``at``."""
    gradient = zeros(policy)
    for one in rows:
        samples = samples_of(one, policy, reader)
        stored_gradient(samples, policy, at.weights, settings, gradient=gradient, value_head=value_head)
    return gradient.flat


def recomputed(policy, live, settings, rows, clip=0.25):
    gradient = zeros(policy)
    for one in rows:
        samples = samples_of(one, policy, live)
        rng = np.random.default_rng(0)
        recomputed_gradient(samples, policy, live.weights, settings, gradient=gradient, clip=clip, rng=rng)
    return gradient.flat


def total_loss(policy, rows, reader, settings, **kwargs):
    return lambda flat: sum(loss_at(policy, flat, one, reader, settings, **kwargs) for one in rows)


@every_form
def test_reuse_is_the_exact_gradient_at_the_snapshot_that_played(action, form):
    policy, played, _, settings, rows = example(action, form)
    found = stored(policy, played, played, settings, rows)
    assert_gradient(found, total_loss(policy, rows, played, settings), played.weights.flat.copy())


@every_form
def test_recompute_without_correction_is_the_gradient_at_the_live_weights(action, form):
    policy, _, live, settings, rows = example(action, form, gradient="recompute")
    found = recomputed(policy, live, settings, rows)
    assert_gradient(found, total_loss(policy, rows, live, settings), live.weights.flat.copy())


def ratio(log_probs, rows):
    return np.exp(log_probs - rows.piece.trajectory.log_probs.reshape(-1))


SURROGATES = {
    "importance": lambda logs, rows: rows.advantages * ratio(logs, rows),
    "clip": lambda logs, rows: np.minimum(
        rows.advantages * ratio(logs, rows), rows.advantages * np.clip(ratio(logs, rows), 0.75, 1.25)
    ),
}


@pytest.mark.parametrize("correction", SURROGATES)
@every_form
def test_recompute_with_ratios_is_the_gradient_of_the_surrogate(action, form, correction):
    policy, _, live, settings, rows = example(action, form, gradient="recompute", correction=correction)
    found = recomputed(policy, live, settings, rows)
    loss = total_loss(policy, rows, live, settings, objective=SURROGATES[correction])
    assert_gradient(found, loss, live.weights.flat.copy())


@pytest.mark.parametrize("correction", ["none", "importance", "truncated", "centred", "clip"])
def test_the_policy_loss_is_that_of_the_surrogate_whose_gradient_is_taken(correction):
    policy, _, live, settings, rows = example(gradient="recompute", correction=correction, truncate_at=0.9)
    terms = SURROGATES | {
        "none": lambda logs, one: one.advantages * logs,
        "truncated": lambda logs, one: one.advantages * np.minimum(0.9, ratio(logs, one)),
    }
    terms["centred"] = terms["truncated"]
    for one in rows:
        samples = samples_of(one, policy, live)
        sums = recomputed_gradient(samples, policy, live.weights, settings, gradient=zeros(policy), clip=0.25)
        head = policy.network.policy_forward(live.weights, samples.x)[1]
        logs = policy.distribution.log_prob(head, samples.actions)
        assert sums.policy_loss == pytest.approx(-one.weights @ terms[correction](logs, one), rel=1e-9)


@every_form
def test_a_live_value_head_is_the_gradient_with_that_head_in_its_place(action, form):
    """Weights and head states of the snapshot, the value's last layer live: the loss there, differentiated there."""
    policy, played, live, settings, rows = example(action, form)
    head = live.weights.value_head
    found = stored(policy, played, played, settings, rows, value_head=head)
    mixed = policy.network.bind(played.weights.flat.copy())
    if head is not None:
        mixed.value_head.weight[...] = head.weight
    if head is not None and head.bias is not None:
        mixed.value_head.bias[...] = head.bias
    assert_gradient(found, total_loss(policy, rows, played, settings), mixed.flat)


def test_a_live_value_head_leaves_the_policy_its_exact_gradient():
    policy, played, live, settings, rows = example()
    with_live, without = (
        policy.network.bind(stored(policy, played, played, settings, rows, value_head=head))
        for head in (live.weights.value_head, None)
    )
    pairs = [(with_live.policy_torso[name], without.policy_torso[name]) for name in with_live.policy_torso]
    for one, other in [*pairs, (with_live.policy_head.weight, without.policy_head.weight)]:
        np.testing.assert_array_equal(one, other)
    assert np.abs(with_live.value_head.weight - without.value_head.weight).max() > 1e-3


@pytest.mark.parametrize("action", ACTIONS)
def test_live_upper_layers_share_the_top_and_differ_below_by_the_identity(action):
    """Equal in the last layer; below, linear in the change of the upper weights."""
    policy, played, live, settings, rows = example(action, {"hidden": (5,)}, entropy_cost=0.0)
    reuse, mixture = (
        policy.network.bind(stored(policy, played, at, settings, rows)) for at in (played, live)
    )
    np.testing.assert_array_equal(reuse.policy_head.weight, mixture.policy_head.weight)
    np.testing.assert_array_equal(reuse.value_head.weight, mixture.value_head.weight)
    change = live.weights.policy_head.weight - played.weights.policy_head.weight
    expected = 0
    for one in rows:
        samples = samples_of(one, policy, played)
        score = policy.distribution.log_prob_gradient(samples.behaviour_head, samples.actions)
        g = -(samples.weights * samples.advantages)[:, None] * score[:, : policy.distribution.outputs]
        expected += samples.x.T @ ((g @ change.T) * (1 - samples.hidden[0] ** 2))
    difference = mixture.policy_torso["0/weight"] - reuse.policy_torso["0/weight"]
    assert np.abs(difference).max() > 1e-3
    np.testing.assert_allclose(difference, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
@every_form
def test_at_lag_0_all_sources_are_one(action, form, seed):
    policy, played, _, settings, rows = example(action, form, on_policy=True, seed=seed)
    reuse = stored(policy, played, played, settings, rows)
    assert np.abs(reuse).max() > 1e-2
    with_live_head = stored(policy, played, played, settings, rows, value_head=played.weights.value_head)
    np.testing.assert_allclose(with_live_head, reuse, rtol=0, atol=1e-12)
    for correction in ("none", "importance", "truncated", "centred", "clip"):
        other = dataclasses.replace(settings, gradient="recompute", correction=correction)
        found = recomputed(policy, played, other, rows)
        np.testing.assert_allclose(found, reuse, rtol=0, atol=1e-12, err_msg=correction)


def test_vtrace_at_lag_0_is_gae_with_lambda():
    policy, played, live, settings, _ = example(on_policy=True)
    pieces = pieces_of(policy, played, np.random.default_rng(1))
    on_policy = dataclasses.replace(settings, gae_lambda=1.0)
    off_policy = dataclasses.replace(on_policy, advantage="vtrace", gradient="recompute", correction="vtrace")
    gae_rows, vtrace_rows = (estimate(pieces, policy, live, one) for one in (on_policy, off_policy))
    np.testing.assert_allclose(
        recomputed(policy, live, off_policy, vtrace_rows),
        stored(policy, played, played, on_policy, gae_rows),
        atol=1e-12,
    )


@pytest.mark.parametrize("source", ["stored", "recomputed"])
def test_rows_of_no_weight_give_no_gradient(source):
    policy, played, live, settings, rows = example()
    assert any((one.weights == 0).any() for one in rows)

    def gradient_of(rows):
        if source == "stored":
            return stored(policy, played, played, settings, rows)
        return recomputed(policy, live, settings, rows)

    before = gradient_of(rows)
    for one in rows:
        one.advantages[one.weights == 0] = 1e3
        one.targets[one.weights == 0] = -1e3
    np.testing.assert_array_equal(gradient_of(rows), before)


@pytest.mark.parametrize("source", ["stored", "recomputed"])
def test_a_results_weight_scales_its_gradient(source):
    """Downweighting by max_lag/lag: half the weight, half the gradient."""
    policy, played, live, settings, rows = example()

    def gradient_of(one):
        if source == "stored":
            return stored(policy, played, played, settings, [one])
        return recomputed(policy, live, settings, [one])

    half = dataclasses.replace(rows[0], weights=rows[0].weights / 2)
    np.testing.assert_allclose(gradient_of(half), gradient_of(rows[0]) / 2, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("source", ["stored", "recomputed"])
def test_a_batch_longer_than_a_chunk_is_the_sum_of_its_rows(source):
    policy, played, live = two_versions("categorical")
    settings = (
        settings_of(gradient="recompute", correction="importance")
        if source == "recomputed"
        else settings_of()
    )
    pieces = pieces_of(policy, played, np.random.default_rng(0), count=1)
    (rows,) = estimate(pieces, policy, live, settings)
    copies = 2 * CHUNK_ROWS // len(rows.advantages) + 3
    samples = samples_of(rows, policy, played)
    many = samples.part(np.tile(np.arange(len(samples)), copies))
    assert len(many) > 2 * CHUNK_ROWS
    gradients = []
    for one in (samples, many):
        gradient = zeros(policy)
        if source == "stored":
            stored_gradient(one, policy, played.weights, settings, gradient=gradient, value_head=None)
        else:
            recomputed_gradient(one, policy, live.weights, settings, gradient=gradient, clip=0.2)
        gradients.append(gradient.flat)
    np.testing.assert_allclose(gradients[1], copies * gradients[0], rtol=1e-10, atol=1e-12)


def test_the_sums_are_weighted_means_of_what_they_name():
    policy, played, _, settings, (one, _) = example("multi")
    trajectory, samples = one.piece.trajectory, samples_of(one, policy, played)
    n = len(samples)
    logs, values = trajectory.log_probs.reshape(n), trajectory.values[:-1].reshape(n)
    head = trajectory.head.reshape(n, -1)
    sums = stored_gradient(samples, policy, played.weights, settings, gradient=zeros(policy), value_head=None)
    assert sums.policy_loss == pytest.approx(-one.weights @ (one.advantages * logs))
    assert sums.value_loss == pytest.approx(0.5 * one.weights @ (values - one.targets) ** 2)
    assert sums.entropy == pytest.approx(one.weights @ policy.distribution.entropy(head))
    assert sums.weight == pytest.approx(one.weights.sum())
    twice = dataclasses.replace(sums)
    twice.add(sums)
    assert dataclasses.astuple(twice) == tuple(2 * value for value in dataclasses.astuple(sums))


def test_observations_are_read_as_the_reader_normalises_them():
    policy, played, live, _, (one, _) = example(form={"normalize": True})
    raw = one.piece.trajectory.observations[:-1].reshape(-1, 3)
    for reader in (played, live):
        np.testing.assert_array_equal(samples_of(one, policy, reader).x, reader.rows(policy, raw))
    assert (samples_of(one, policy, played).x != samples_of(one, policy, live).x).any()


def test_joined_rows_are_the_valid_ones_in_order():
    policy, _, live, settings, rows = example(gradient="recompute")
    plain = [dataclasses.replace(one, piece=_without_hidden(one.piece)) for one in rows]
    whole = joined([samples_of(one, policy, live) for one in plain])
    assert len(whole) == sum(one.piece.trajectory.steps for one in rows)
    assert (whole.weights > 0).all()
    kept = [one.weights > 0 for one in rows]
    for name in ("advantages", "targets", "weights"):
        expected = np.concatenate([getattr(one, name)[mask] for one, mask in zip(rows, kept, strict=True)])
        np.testing.assert_array_equal(getattr(whole, name), expected)
    parts = [samples_of(one, policy, live) for one in rows]
    for name in ("x", "actions", "behaviour_head", "behaviour_log_probs", "behaviour_values"):
        expected = np.concatenate([getattr(part, name)[mask] for part, mask in zip(parts, kept, strict=True)])
        np.testing.assert_array_equal(getattr(whole, name), expected)
    gradient = zeros(policy)
    recomputed_gradient(whole, policy, live.weights, settings, gradient=gradient, clip=0.2)
    np.testing.assert_allclose(
        gradient.flat, recomputed(policy, live, settings, rows), rtol=1e-10, atol=1e-13
    )


def _without_hidden(piece):
    return Piece(dataclasses.replace(piece.trajectory, hidden=()), piece.snapshot, piece.lag, piece.weight)


@pytest.mark.parametrize("source", ["stored", "recomputed"])
def test_nothing_of_the_trajectory_is_changed(source):
    policy, played, live, settings, rows = example("gaussian")
    arrays = [one.piece.trajectory.to_arrays() for one in rows]
    kept = [{name: array.copy() for name, array in each.items()} for each in arrays]
    if source == "stored":
        stored(policy, played, played, settings, rows, value_head=live.weights.value_head)
    else:
        recomputed(policy, live, dataclasses.replace(settings, correction="clip"), rows)
    for before, after in zip(kept, arrays, strict=True):
        for name, array in before.items():
            np.testing.assert_array_equal(after[name], array)
