"""Hidden states written where the Player wants them: those of a forward pass that makes its own, in every form."""

from __future__ import annotations

import numpy as np
import pytest
from policy_trajectories import OBSERVED, PICTURE, PIXELS, SEVERAL, policy_of, raw_observations, snapshot_of

FILTERS = ((2, 3, 1, 0), (4, 2, 2, 0))
FORMS = {
    "dense": (OBSERVED, {}),
    "no layers": (OBSERVED, {"hidden": ()}),
    "normed": (OBSERVED, {"layer_norm": True}),
    "sparse": (PIXELS, {"sparse": True}),
    "sparse, normed": (PIXELS, {"sparse": True, "layer_norm": True}),
    "images": (PICTURE, {"convolutions": FILTERS}),
    "images, normed": (PICTURE, {"convolutions": FILTERS, "layer_norm": True}),
    "several": (SEVERAL, {"convolutions": FILTERS}),
    "several, normed": (SEVERAL, {"convolutions": FILTERS, "layer_norm": True}),
    "your own": (OBSERVED, {"network": "custom_networks:Residual"}),
}


@pytest.mark.parametrize("recurrent", ["none", "gru", "lstm"])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("name", FORMS)
def test_buffers_hold_what_a_forward_pass_gives(name, shared, recurrent):
    observed, form = FORMS[name]
    shared = shared or recurrent != "none"  # a memory is shared
    policy, rng = (
        policy_of(observed=observed, shared=shared, recurrent=recurrent, **form),
        np.random.default_rng(0),
    )
    snapshot, network = snapshot_of(policy, rng, dtype="float32"), policy.network
    x = snapshot.rows(policy, raw_observations(observed, rng, (3,)))
    state = rng.standard_normal((3, network.state_size), np.float32) if network.core else None
    hidden, head = network.policy_forward(snapshot.weights, x, state=state)
    out = [np.full((3, *shape), np.nan, np.float32) for shape in network.policy_kept]
    found, again = network.policy_forward(snapshot.weights, x, state=state, hidden_out=out)
    assert len(found) == len(hidden) == len(out)
    for buffer, one, expected in zip(out, found, hidden, strict=True):
        np.testing.assert_array_equal(one, expected)
        np.testing.assert_array_equal(buffer, expected)
    np.testing.assert_array_equal(again, head)
