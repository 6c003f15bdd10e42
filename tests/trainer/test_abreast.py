"""Results of a recurrent policy side by side: every lane whole, and gradients that add up to the same."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from policy_trajectories import PICTURE, SEVERAL, near, trajectory_of
from trainer_batches import settings_of, two_versions, zeros

from touchline.policy.recurrent import GRU
from touchline.targets.optimizers import SGD
from touchline.trainer import update as updating
from touchline.trainer.abreast import MOST_PADDED, abreast
from touchline.trainer.batch import Piece
from touchline.trainer.estimates import estimate
from touchline.trainer.gradients import recomputed_gradient, stored_gradient
from touchline.trainer.ring import Ring
from touchline.trainer.samples import samples_of
from touchline.trainer.update import Updater

GAMES = ((5, 1), (9, 1), (6, 1), (9, 2), (2, 1), (3, 1), (1, 1))
FILTERS = ((2, 3, 1, 0),)
FORMS = {
    "gru": {"recurrent": "gru"},
    "lstm": {"recurrent": "lstm", "bias": False},
    "image": {"recurrent": "gru", "observed": PICTURE, "convolutions": FILTERS},
    "parts": {"recurrent": "gru", "observed": SEVERAL, "convolutions": FILTERS, "normalize": True},
}
MEMORY = {"hidden": (4,), "recurrent_size": 3, "shared": True}
each_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
SOURCES = {
    "reuse": {"gradient": "reuse"},
    "live": {"gradient": "live", "live_value_head": True},
    "recompute": {"gradient": "recompute", "correction": "importance"},
}
PASSES = {"gradient": "recompute", "correction": "clip", "algorithm": "ppo"}
each_source = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())


def games_of(policy, snapshots, seed=1):
    """Whole games, and an unroll of two lanes among them; snapshot i played those from i on, in turns."""
    rng = np.random.default_rng(seed)
    return [
        Piece(
            trajectory_of(policy, snapshots[i % len(snapshots)], rng, steps=steps, lanes=lanes),
            snapshots[i % len(snapshots)],
            lag=i % len(snapshots),
            weight=1 / (1 + i),
        )
        for i, (steps, lanes) in enumerate(GAMES)
    ]


def parts_of(form, settings):
    policy, played, live = two_versions("categorical", **MEMORY, **form)
    rows = estimate(games_of(policy, [played]), policy, live, settings)
    reader = live if settings.gradient == "recompute" else played
    return policy, played, live, [samples_of(one, policy, reader) for one in rows]


def gradient_of(parts, policy, played, live, settings):
    gradient, rows = zeros(policy), 0
    for part in parts:
        if settings.gradient == "recompute":
            sums = recomputed_gradient(part, policy, live.weights, settings, gradient=gradient, clip=0.2)
        else:
            at = played.weights if settings.gradient == "reuse" else live.weights
            head = live.weights.value_head if settings.live_value_head else None
            sums = stored_gradient(part, policy, at, settings, gradient=gradient, value_head=head)
        rows += sums.weight
    return gradient.flat, rows


@each_form
@each_source
def test_the_gradient_is_the_sum_of_the_parts(form, source):
    settings = settings_of(**source)
    policy, played, live, parts = parts_of(form, settings)
    joined = abreast(parts)
    assert len(joined) < len(parts)
    expected, weight = gradient_of(parts, policy, played, live, settings)
    found, weight_found = gradient_of(joined, policy, played, live, settings)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)
    assert weight_found == pytest.approx(weight, rel=1e-6)  # float32
    assert np.abs(expected).max() > 1e-3


def lanes_of(part):
    """(its valid advantages in order, its first state) of each lane."""
    steps, lanes = part.sequences.shape
    advantages, weights = part.advantages.reshape(steps, lanes), part.weights.reshape(steps, lanes)
    return [(*advantages[weights[:, lane] > 0, lane], *part.sequences.state[lane]) for lane in range(lanes)]


def test_every_lane_is_there_once_and_whole():
    *_, parts = parts_of(FORMS["gru"], settings_of())
    joined = abreast(parts)
    assert sorted(lane for part in joined for lane in lanes_of(part)) == sorted(
        lane for part in parts for lane in lanes_of(part)
    )


def test_lengths_are_alike_within_a_part():
    *_, parts = parts_of(FORMS["gru"], settings_of())
    shapes = [part.sequences.shape for part in abreast(parts)]
    assert shapes == [(9, 1 + 2 + 1 + 1), (3, 2), (1, 1)]
    assert all(longest <= MOST_PADDED * shortest for longest, shortest in ((9, 5), (3, 2)))


def test_what_is_padded_repeats_the_last_row_and_counts_for_nothing():
    *_, parts = parts_of(FORMS["gru"], settings_of())
    pair = [parts[0], parts[1]]  # 5 and 9 steps
    (joined,) = abreast(pair)
    x, weights = joined.x.reshape(9, 2, -1), joined.weights.reshape(9, 2)
    np.testing.assert_array_equal(x[:5, 1], parts[0].x)
    np.testing.assert_array_equal(x[5:, 1], np.repeat(parts[0].x[-1:], 4, axis=0))
    assert (weights[5:, 1] == 0).all()
    np.testing.assert_array_equal(weights[:5, 1], parts[0].weights)
    assert joined.sequences.starts[5:, 1].all()
    np.testing.assert_array_equal(joined.sequences.starts[:5, 1], parts[0].sequences.starts[:, 0])


def test_rows_without_an_order_are_given_back():
    policy, played, live = two_versions("categorical")
    rows = estimate(games_of(policy, [played]), policy, live, settings_of())
    parts = [samples_of(one, policy, played) for one in rows]
    assert abreast(parts) == parts
    assert abreast([]) == []
    *_, recurrent = parts_of(FORMS["gru"], settings_of())
    assert abreast(recurrent[:1]) == recurrent[:1]


# -- in an update


def updated(monkeypatch, *, alone, **changes):
    """(the next weights, walks through time) of an update of games that two snapshots played."""
    settings = settings_of(**changes)
    policy, played, live = two_versions("categorical", dtype="float32", **MEMORY, recurrent="gru")
    rng, walks = np.random.default_rng(9), []
    between = near(policy, played, rng, version=4)
    pieces = games_of(policy, [played, between])
    if not settings.wants_hidden:
        pieces = [
            dataclasses.replace(one, trajectory=dataclasses.replace(one.trajectory, hidden=()))
            for one in pieces
        ]
    backward = GRU.backward

    def counted(self, *args):
        walks.append(args[4].shape)
        return backward(self, *args)

    ring = Ring(capacity=4)
    ring.push(live)
    updater = Updater(policy, settings, ring=ring, optimizer=SGD(live.weights.flat.size), run_seed=0)
    with monkeypatch.context() as patch:
        patch.setattr(GRU, "backward", counted)
        if alone:
            patch.setattr(updating, "abreast", list)
        update = updater.update(pieces, steps_admitted=0)
    return update.snapshot.weights.flat, walks


@pytest.mark.parametrize(
    "changes",
    [
        *SOURCES.values(),
        PASSES | {"epochs": 3},
        PASSES | {"epochs": 2, "minibatch_steps": 12},
    ],
    ids=[*SOURCES, "passes", "minibatches"],
)
def test_an_update_is_what_it_was_with_fewer_walks_through_time(monkeypatch, changes):
    found, walks = updated(monkeypatch, alone=False, **changes)
    expected, walks_alone = updated(monkeypatch, alone=True, **changes)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert sum(steps for steps, _ in walks) < sum(steps for steps, _ in walks_alone)


def test_results_of_several_snapshots_are_not_joined_where_each_needs_its_own_weights(monkeypatch):
    _, walks = updated(monkeypatch, alone=False, gradient="reuse")
    lengths = [GAMES[0::2], GAMES[1::2]]
    assert sum(lanes for _, lanes in walks) == sum(lanes for _, lanes in GAMES)
    assert len(walks) > len(updated(monkeypatch, alone=False, gradient="live")[1])
    assert {steps for steps, _ in walks} >= {max(steps for steps, _ in one) for one in lengths}
