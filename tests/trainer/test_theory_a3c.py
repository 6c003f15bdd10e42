"""A3C (Mnih et al. 2016), the backward pass moved: the Player's own gradient is the Trainer's ``reuse``, bit for bit.

An A3C worker plays with its copy of the weights, differentiates with that copy, and sends the gradient to be applied
to whatever the weights have become. Here a real Player's unroll is differentiated twice: where it was played, from the
arrays and the snapshot in its memory, nothing of which ever was bytes; and by an Updater, which had the trajectory
over the wire and the snapshot from its ring, two versions late.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from trainer_batches import settings_of

from touchline.configs import load
from touchline.player.play import lanes_of, policy_for
from touchline.player.unrolls import Unrolls
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.trajectory import Trajectory
from touchline.protocol.codec import as_array, describe
from touchline.targets.optimizers import SGD
from touchline.trainer.batch import Piece
from touchline.trainer.estimates import estimate
from touchline.trainer.gradients import stored_gradient
from touchline.trainer.ring import Ring
from touchline.trainer.samples import samples_of
from touchline.trainer.update import Updater

RATE = 0.25
SEED = 7


class Recorder(SGD):
    """Gradient descent that remembers what it was given."""

    def step(self, parameters, gradient, *, learning_rate):
        self.given = gradient.copy()
        super().step(parameters, gradient, learning_rate=learning_rate)


@pytest.fixture
def played(request):
    """(policy, snapshot, trajectory): 20 steps of 4 lanes as a Player has them, before anything is sent."""
    overrides = [("env.id", request.param["env"]), ("players.lanes", "4"), ("env.vectorize", "never")]
    config = load("cartpole", [*overrides, *request.param["policy"]]).config
    lanes = lanes_of(config, base_seed=SEED)
    try:
        policy = policy_for(config, lanes)
        snapshot = versions(policy, 1)[0]
        unrolls = Unrolls(lanes, policy, length=20, base_seed=SEED, keep_hidden=True)
        yield policy, snapshot, unrolls.collect(snapshot, result=0)
    finally:
        lanes.close()


def versions(policy, count):
    """Snapshots 0, 1, ...: initial weights, then each a little further."""
    rng = np.random.default_rng(3)
    flat, statistics = policy.network.init(rng), policy.first_snapshot(rng, epoch=1).statistics
    made = []
    for version in range(count):
        made.append(Snapshot.of(policy, 1, version, flat.copy(), statistics))
        flat = flat + np.float32(0.1) * rng.standard_normal(flat.size).astype(np.float32)
    return made


def over_the_wire(arrays):
    """Arrays as bytes and back."""
    specs, frames = describe(arrays)
    return {spec.name: as_array(spec, bytes(frame)).copy() for spec, frame in zip(specs, frames, strict=True)}


def in_the_player(policy: Policy, snapshot: Snapshot, trajectory: Trajectory, settings) -> np.ndarray:
    """What an A3C worker would send: its own trajectory through its own weights."""
    (rows,) = estimate([Piece(trajectory, snapshot, 0, 1.0)], policy, snapshot, settings)
    gradient = policy.network.bind(np.zeros(policy.network.layout.size, np.float32))
    samples = samples_of(rows, policy, snapshot)
    stored_gradient(samples, policy, snapshot.weights, settings, gradient=gradient, value_head=None)
    return gradient.flat


GAMES = [
    {"env": "CartPole-v1", "policy": []},
    {"env": "CartPole-v1", "policy": [("policy.shared", "true"), ("policy.hidden", "[24, 16, 8]")]},
    {"env": "CartPole-v1", "policy": [("policy.activation", "relu"), ("env.normalize", "true")]},
    {"env": "Pendulum-v1", "policy": []},
]


@pytest.mark.parametrize("played", GAMES, ids=str, indirect=True)
@pytest.mark.parametrize("advantage", ["gae", "n_step"])
@pytest.mark.parametrize("lag", [0, 2])
def test_the_players_gradient_is_the_trainers_bit_for_bit(played, advantage, lag):
    policy, snapshot, trajectory = played
    settings = settings_of(
        advantage=advantage, normalize_advantage="scale", entropy_cost=0.01, learning_rate=RATE
    )
    wanted = in_the_player(policy, snapshot, trajectory, settings)

    ring, optimizer = Ring(4), Recorder(policy.network.layout.size)
    for version in versions(policy, 1 + lag):
        ring.push(Snapshot.from_arrays(policy, 1, version.version, over_the_wire(version.to_arrays())))
    before = ring.live.weights.flat.copy()
    arrived = Trajectory.from_arrays(policy, over_the_wire(trajectory.to_arrays()), hidden=True)
    updater = Updater(policy, settings, ring=ring, optimizer=optimizer, run_seed=0)
    updater.update([Piece(arrived, ring[0], lag, 1.0)], steps_admitted=0)

    assert np.abs(wanted).max() > 1e-3
    np.testing.assert_array_equal(optimizer.given, wanted)
    np.testing.assert_array_equal(ring.live.weights.flat, before - np.float32(RATE) * wanted)


@pytest.mark.parametrize("played", GAMES[:1], ids=str, indirect=True)
def test_no_other_source_gives_it_under_lag(played):
    """So that the equality above is not that of anything with anything."""
    policy, snapshot, trajectory = played
    settings = settings_of(normalize_advantage="scale")
    wanted = in_the_player(policy, snapshot, trajectory, settings)
    for gradient in ("live", "recompute"):
        ring, optimizer = Ring(4), Recorder(policy.network.layout.size)
        for version in versions(policy, 3):
            ring.push(version)
        kept = trajectory if gradient == "live" else dataclasses.replace(trajectory, hidden=())
        other = dataclasses.replace(settings, gradient=gradient)
        updater = Updater(policy, other, ring=ring, optimizer=optimizer, run_seed=0)
        updater.update([Piece(kept, ring[0], 2, 1.0)], steps_admitted=0)
        assert np.abs(optimizer.given - wanted).max() > 1e-4
