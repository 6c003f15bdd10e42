"""Updates where observations are to be normalised and there are no numbers among them to normalise."""

from __future__ import annotations

import numpy as np
import pytest
from policy_trajectories import PICTURE, SEVERAL, policy_of, snapshot_of
from trainer_batches import pieces_of, settings_of

from touchline.policy.policy import Snapshot
from touchline.policy.spaces import Dict
from touchline.targets.optimizers import SGD
from touchline.trainer.ring import Ring
from touchline.trainer.update import Updater

CAMERAS = Dict(("left", "right"), (PICTURE, PICTURE))
IMAGES = {"convolutions": ((2, 3, 1, 0),), "hidden": (4,)}


def updated(*, normalize, observed, **changes):
    policy = policy_of(observed=observed, normalize=normalize, **IMAGES)
    rng = np.random.default_rng(0)
    live = snapshot_of(policy, rng, dtype="float32", scale=0.1)
    pieces = pieces_of(policy, live, rng)
    ring, optimizer = Ring(capacity=1), SGD(live.weights.flat.size)
    ring.push(live)
    updater = Updater(policy, settings_of(**changes), ring=ring, optimizer=optimizer, run_seed=0)
    return policy, updater.update(pieces, steps_admitted=0).snapshot


@pytest.mark.parametrize("gradient", ["reuse", "recompute"])
@pytest.mark.parametrize("observed", [PICTURE, Dict(("camera",), (PICTURE,)), CAMERAS])
def test_images_alone_are_learnt_from_as_they_are(observed, gradient):
    policy, found = updated(normalize=True, observed=observed, gradient=gradient)
    _, plain = updated(normalize=False, observed=observed, gradient=gradient)
    np.testing.assert_array_equal(found.weights.flat, plain.weights.flat)
    assert found.statistics.count == 0
    crossed = Snapshot.from_arrays(policy, found.epoch, found.version, found.to_arrays())
    np.testing.assert_array_equal(crossed.weights.flat, found.weights.flat)


def test_the_numbers_beside_an_image_are_normalised():
    policy, found = updated(normalize=True, observed=SEVERAL)
    assert policy.normalized
    assert found.statistics.count > 0
