"""Minibatches: every row once an epoch, means that stay means, and lanes that stay whole."""

from __future__ import annotations

import numpy as np
import pytest
from policy_trajectories import PICTURE, trajectory_of
from trainer_batches import pieces_of, settings_of, two_versions

from touchline.trainer.batch import Piece
from touchline.trainer.estimates import estimate
from touchline.trainer.minibatches import minibatches
from touchline.trainer.samples import CHUNK_ROWS, IMAGE_ROWS, LANE_ROWS, samples_of

RECURRENT = {"hidden": (4,), "recurrent": "gru", "recurrent_size": 3, "shared": True}


def parts_of(count=3, **form):
    """Results whose advantages number their rows, so that a row can be followed."""
    policy, played, live = two_versions("categorical", **form)
    pieces = pieces_of(policy, played, np.random.default_rng(1), count=count)
    rows = estimate(pieces, policy, live, settings_of(gradient="recompute"))
    parts, begin = [], 0
    for one in rows:
        samples = samples_of(one, policy, live)
        samples.advantages[...] = np.arange(begin, begin + len(samples))
        begin += len(samples)
        parts.append(samples)
    return parts


def numbers(minibatch):
    return np.concatenate([part.advantages[part.weights > 0] for part in minibatch]).astype(int)


@pytest.mark.parametrize("form", [{}, RECURRENT], ids=["rows", "lanes"])
@pytest.mark.parametrize("size", [None, 6, 1000])
def test_every_valid_row_once_an_epoch(form, size):
    parts = parts_of(**form)
    valid = numbers(parts)
    taken = [numbers(one) for one in minibatches(parts, size=size, epochs=2, rng=np.random.default_rng(0))]
    epochs = np.concatenate(taken)
    half = len(epochs) // 2
    for epoch in (epochs[:half], epochs[half:]):
        np.testing.assert_array_equal(np.sort(epoch), valid)
    assert (len(taken) > 2) is (size == 6)


@pytest.mark.parametrize("form", [{}, RECURRENT], ids=["rows", "lanes"])
def test_orders_differ_between_epochs_and_not_between_runs(form):
    def order(seed):
        rng = np.random.default_rng(seed)
        return [tuple(numbers(one)) for one in minibatches(parts_of(**form), size=6, epochs=2, rng=rng)]

    first = order(0)
    assert first == order(0) != order(1)
    assert first[: len(first) // 2] != first[len(first) // 2 :]


@pytest.mark.parametrize("form", [{}, RECURRENT], ids=["rows", "lanes"])
def test_the_weights_of_a_minibatch_are_a_mean_again(form):
    parts = parts_of(count=1, **form)
    total = sum(part.weights.sum() for part in parts)
    steps = len(numbers(parts))
    for one in minibatches(parts, size=4, epochs=1, rng=np.random.default_rng(0)):
        weights = np.concatenate([part.weights for part in one])
        assert weights.sum() == pytest.approx(total, rel=1e-6)
        assert weights[weights > 0][0] == pytest.approx(total / steps * steps / np.count_nonzero(weights))


def test_the_rows_given_are_left_as_they_were():
    for form in ({}, RECURRENT):
        parts = parts_of(**form)
        before = [part.weights.copy() for part in parts]
        list(minibatches(parts, size=4, epochs=1, rng=np.random.default_rng(0)))
        for part, weights in zip(parts, before, strict=True):
            np.testing.assert_array_equal(part.weights, weights)


def test_lanes_of_a_recurrent_policy_stay_whole_and_in_order():
    parts = parts_of(**RECURRENT)
    whole = {
        tuple(part.advantages.reshape(part.sequences.shape)[:, lane])
        for part in parts
        for lane in range(part.sequences.shape[1])
    }
    seen = [
        tuple(part.advantages.reshape(part.sequences.shape)[:, lane])
        for one in minibatches(parts, size=6, epochs=1, rng=np.random.default_rng(0))
        for part in one
        for lane in range(part.sequences.shape[1])
    ]
    assert len(seen) == len(whole)
    assert set(seen) == whole


def test_chunks_of_sequences_are_whole_lanes_with_their_states():
    part = parts_of(**RECURRENT)[1]
    steps, lanes = part.sequences.shape
    chunks = list(part.chunks(rows=steps))
    assert len(chunks) == lanes
    for lane, chunk in enumerate(chunks):
        assert chunk.sequences.shape == (steps, 1)
        np.testing.assert_array_equal(chunk.sequences.state[0], part.sequences.state[lane])
        np.testing.assert_array_equal(chunk.advantages, part.advantages.reshape(steps, lanes)[:, lane])


@pytest.mark.parametrize(
    ("form", "rows"),
    [
        ({}, CHUNK_ROWS),
        ({"observed": PICTURE, "convolutions": ((2, 3, 1, 0),)}, IMAGE_ROWS),
        (RECURRENT, LANE_ROWS),
        ({**RECURRENT, "observed": PICTURE, "convolutions": ((2, 3, 1, 0),)}, CHUNK_ROWS),
    ],
    ids=["rows", "images", "lanes", "lanes of images"],
)
def test_parts_are_as_large_as_is_quickest(form, rows):
    policy, played, live = two_versions("categorical", dtype="float32", **form)
    lanes, steps = 12, 512
    trajectory = trajectory_of(policy, played, np.random.default_rng(0), steps=steps, lanes=lanes)
    (one,) = estimate([Piece(trajectory, played, 0, 1.0)], policy, live, settings_of(gradient="recompute"))
    sizes = [len(chunk) for chunk in samples_of(one, policy, live).chunks()]
    assert sum(sizes) == steps * lanes
    assert sizes[:-1] == [rows] * (len(sizes) - 1)
    assert sizes[-1] <= rows


@pytest.mark.parametrize("form", [{}, RECURRENT], ids=["rows", "lanes"])
def test_a_sum_over_the_batch_is_shared_out_among_the_minibatches(form):
    parts = parts_of(**form)
    total = sum(part.weights.sum() for part in parts)
    rng = np.random.default_rng(0)
    taken = list(minibatches(parts, size=6, epochs=1, mean=False, rng=rng))
    assert len(taken) > 1
    found = sum(part.weights.sum() for one in taken for part in one)
    assert found == pytest.approx(total, rel=1e-6)
