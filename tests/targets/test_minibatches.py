"""Minibatches by number: they tile each epoch, in an order that everybody finds alike."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven
from target_networks import example, network_of

from touchline.targets.errors import TargetError
from touchline.targets.minibatches import Blocks, epoch_order


@given(st.integers(1, 40), st.integers(1, 45), st.integers(1, 9), st.sampled_from(["spread", "lead"]))
@proven()
def test_the_pieces_of_an_epoch_tile_its_positions_and_none_is_empty(rows, size, parts, remainder):
    blocks = Blocks(rows, size, parts, remainder)
    for epoch in range(2):
        numbers = range(epoch * blocks.an_epoch, (epoch + 1) * blocks.an_epoch)
        pieces = [piece for number in numbers for piece in blocks.pieces(number)]
        assert list(itertools.chain(*pieces)) == list(range(rows))
        assert all(pieces)
        assert {blocks.epoch_of(number) for number in numbers} == {epoch}


def test_the_last_block_of_an_epoch_has_what_is_left():
    blocks = Blocks(rows=10, size=4, parts=3)
    assert blocks.an_epoch == 3
    assert blocks.pieces(0) == (range(2), range(2, 3), range(3, 4))
    assert blocks.pieces(5) == (range(8, 9), range(9, 10))


def test_an_epoch_without_rows_is_refused():
    with pytest.raises(TargetError, match="batch_rows: expected 1 or more, found 0"):
        Blocks(rows=10, size=0, parts=1)


def test_every_epoch_and_seed_has_an_order_of_its_own_and_always_the_same():
    def order(seed, epoch):
        return epoch_order(seed=seed, epoch=epoch, rows=100)

    orders = [order(seed, epoch) for seed in range(2) for epoch in range(2)]
    for one in orders:
        np.testing.assert_array_equal(np.sort(one), np.arange(100))
    for one, other in itertools.combinations(orders, 2):
        assert (one != other).any()
    first = order(0, 0).copy()
    epoch_order.cache_clear()
    np.testing.assert_array_equal(order(0, 0), first)


def test_an_order_that_is_kept_for_the_next_who_asks_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        epoch_order(seed=0, epoch=0, rows=5)[0] = 1


@pytest.mark.parametrize("size", [1, 4, 6, 24])
def test_the_mean_over_an_epochs_blocks_is_the_gradient_over_all_rows(size):
    network = network_of("softmax", "cross_entropy")
    w, x, y = example(network, rows=24)
    order, blocks = epoch_order(seed=0, epoch=3, rows=24), Blocks(rows=24, size=size, parts=2)
    means = []
    for number in range(blocks.an_epoch):
        rows = order[list(itertools.chain(*blocks.pieces(number)))]
        means.append(network.gradient(w, x[rows], y[rows])[1] / len(rows))
    np.testing.assert_allclose(np.mean(means, axis=0), network.gradient(w, x, y)[1] / 24, rtol=0, atol=1e-12)
