"""Policies built from spaces, and snapshots of them."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.policy.normalizer import Statistics
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, SpaceError

ARM = Box((2, 2), "float32", (-1.0,) * 4, (1.0,) * 4)
BOX = Box((3,), "float32", (-np.inf,) * 3, (np.inf,) * 3)


def policy_of(action_space, observation_space=BOX, *, normalize=True, **more):
    return Policy.build(
        observation_space=observation_space,
        action_space=action_space,
        hidden=(4,),
        activation="tanh",
        shared=False,
        log_std=-0.7,
        normalize=normalize,
        **more,
    )


@pytest.mark.parametrize(
    ("space", "outputs", "head", "free"),
    [
        (Discrete(3), 3, 3, 0),
        (MultiDiscrete((2, 3)), 5, 5, 0),
        (ARM, 4, 8, 4),
        (Dict(("arm", "hand"), (ARM, MultiBinary((3,)))), 7, 11, 4),
    ],
)
def test_the_network_fits_the_action_space(space, outputs, head, free):
    policy = policy_of(space)
    weights = policy.first_snapshot(np.random.default_rng(0), epoch=1).weights
    assert weights.policy_head.weight.shape == (4, outputs)
    assert policy.network.head_size == policy.distribution.parameters == head
    assert (0 if weights.log_std is None else weights.log_std.tolist()) == ([pytest.approx(-0.7)] * free or 0)


def test_a_deviation_of_the_state_is_no_parameter():
    policy = policy_of(ARM, std="state")
    weights = policy.first_snapshot(np.random.default_rng(0), epoch=1).weights
    assert (weights.policy_head.weight.shape, weights.log_std) == ((4, 8), None)


@pytest.mark.parametrize(("space", "features"), [(BOX, 3), (Discrete(5), 5), (MultiBinary((2, 2)), 4)])
def test_the_network_fits_the_observation_space(space, features):
    assert policy_of(Discrete(2), space).features == features


def test_an_action_space_without_distribution():
    with pytest.raises(SpaceError, match="expected a Box of floats"):
        policy_of(Box((1,), "int64", (0.0,), (3.0,)))


def test_the_first_snapshot_is_version_0_and_cannot_be_written_to():
    snapshot = policy_of(Discrete(2)).first_snapshot(np.random.default_rng(0), epoch=4)
    assert (snapshot.epoch, snapshot.version) == (4, 0)
    assert snapshot.statistics.count == 0
    with pytest.raises(ValueError, match="read-only"):
        snapshot.weights.flat[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        snapshot.weights.policy_head.weight[...] = 1


def test_rows_are_normalised_with_the_snapshots_own_statistics():
    raw = np.random.default_rng(0).normal(5, 2, (64, 3)).astype(np.float32)
    policy = policy_of(Discrete(2))
    flat, statistics = policy.network.init(np.random.default_rng(0)), Statistics.empty(3).moved(raw)
    kept = raw.copy()
    rows = Snapshot.of(policy, 0, 1, flat, statistics).rows(policy, raw)
    np.testing.assert_allclose(rows, (raw - raw.mean(axis=0)) / raw.std(axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(raw, kept)
    plain = policy_of(Discrete(2), normalize=False)
    np.testing.assert_array_equal(Snapshot.of(plain, 0, 1, flat, statistics).rows(plain, raw), raw)


def test_rows_of_one_hot_observations_in_a_buffer():
    policy = policy_of(Discrete(2), Discrete(3, start=1))
    snapshot, out = policy.first_snapshot(np.random.default_rng(0), epoch=0), np.empty((2, 3), np.float32)
    assert snapshot.rows(policy, np.array([1, 3]), out) is out
    np.testing.assert_array_equal(out, [[1, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize("normalize", [False, True])
def test_a_snapshot_crosses_the_wire(normalize):
    policy = policy_of(Discrete(2), normalize=normalize)
    statistics = Statistics.empty(3).moved(np.random.default_rng(1).standard_normal((5, 3)))
    snapshot = Snapshot.of(policy, 2, 9, policy.network.init(np.random.default_rng(0)), statistics)
    arrays = snapshot.to_arrays()
    assert ("statistics" in arrays) == normalize
    back = Snapshot.from_arrays(policy, 2, 9, arrays)
    np.testing.assert_array_equal(back.weights.flat, snapshot.weights.flat)
    raw = np.random.default_rng(2).standard_normal((4, 3)).astype(np.float32)
    np.testing.assert_array_equal(back.rows(policy, raw), snapshot.rows(policy, raw))


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("parameters", None, r"parameters: expected float32 \[47\], found nothing"),
        ("parameters", np.zeros(3, np.float32), r"parameters: expected float32 \[47\], found float32 \[3\]"),
        ("parameters", np.zeros(47), r"parameters: expected float32 \[47\], found float64 \[47\]"),
        ("statistics", None, r"statistics: expected float64 \[7\], found nothing"),
        ("statistics", np.zeros(9), r"statistics: expected float64 \[7\], found float64 \[9\]"),
    ],
)
def test_arrays_of_another_policy_are_refused(name, array, message):
    policy = policy_of(Discrete(2))
    arrays = policy.first_snapshot(np.random.default_rng(0), epoch=0).to_arrays()
    arrays.pop(name)
    if array is not None:
        arrays[name] = array
    with pytest.raises(ValueError, match=message):
        Snapshot.from_arrays(policy, 0, 0, arrays)
