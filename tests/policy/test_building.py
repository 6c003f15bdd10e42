"""From spaces and a form to a network: which parameters there are, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from policy_trajectories import ACTIONS, OBSERVED, PICTURE, PIXELS, SEVERAL, policy_of

from touchline.policy.building import image_name, torso_of
from touchline.policy.form import Form
from touchline.policy.images import ImageTorso, channels_last
from touchline.policy.joined import JoinedTorso
from touchline.policy.layer_norm import NormedTorso
from touchline.policy.policy import Policy
from touchline.policy.reading import Reading
from touchline.policy.spaces import Box, Dict, Discrete, SpaceError, Tuple
from touchline.policy.torso import DenseTorso

FILTERS = ((2, 3, 1, 0), (4, 2, 2, 0))


def torso(space, **form):
    form = Form(**{"hidden": (5,), **form})
    return torso_of(Reading.of(space, form), form)


def names(space, **form):
    return list(torso(space, **form).shapes)


def test_vectors_have_dense_layers():
    found = torso(OBSERVED)
    assert isinstance(found, DenseTorso)
    assert found.shapes == {"0/weight": (3, 5), "0/bias": (5,)}


def test_layers_are_normalised_where_the_form_says_so():
    assert isinstance(torso(OBSERVED, layer_norm=True), NormedTorso)
    assert isinstance(torso(PIXELS, layer_norm=True, sparse=True), NormedTorso)
    assert names(PICTURE, convolutions=FILTERS, layer_norm=True)[-3:] == [
        *("hidden/0/weight", "hidden/0/gain", "hidden/0/bias"),
    ]


def test_an_image_has_convolutions_then_dense_layers():
    found = torso(PICTURE, convolutions=FILTERS)
    assert isinstance(found, JoinedTorso)
    assert found.shapes == {
        "image/0/weight": (3 * 3 * 2, 2),
        "image/0/bias": (2,),
        "image/1/weight": (2 * 2 * 2, 4),
        "image/1/bias": (4,),
        "hidden/0/weight": (1 * 2 * 4, 5),
        "hidden/0/bias": (5,),
    }
    assert found.kept == ((3, 4, 2), (8,), (5,))


def test_an_image_without_convolutions_is_a_vector():
    assert torso(PICTURE).shapes["0/weight"] == (60, 5)
    assert isinstance(torso(PICTURE), DenseTorso)


def test_parts_are_read_together_where_none_is_an_image():
    assert torso(SEVERAL).shapes["0/weight"] == (3 + 60 + 3, 5)


def test_images_among_the_parts_have_convolutions_of_their_own():
    found = torso(SEVERAL, convolutions=FILTERS)
    assert [name for name in found.shapes if name.endswith("0/weight")] == [
        "image/camera/0/weight",
        "hidden/0/weight",
    ]
    assert found.shapes["hidden/0/weight"] == (3 + 3 + 8, 5)
    two = Tuple((PICTURE, OBSERVED, Dict(("left", "right"), (PICTURE, PICTURE))))
    firsts = [name for name in names(two, convolutions=FILTERS) if name.endswith("/0/weight")]
    assert [name.removesuffix("/0/weight") for name in firsts] == [
        *("image/0", "image/2/left", "image/2/right", "hidden"),
    ]


def test_no_two_images_share_a_name():
    assert image_name(("a", "b/c")) != image_name(("a/b", "c"))
    assert image_name(()) == "image"


@pytest.mark.parametrize("normed", [True, False])
def test_a_sparse_torso_leaves_out_the_columns_that_are_0(normed):
    found = torso(PIXELS, sparse=True, layer_norm=normed)
    views = {name: np.ones(shape, np.float32) for name, shape in found.shapes.items()}
    views["0/weight"][1:] = np.nan
    x = np.zeros((2, 20), np.int8)
    x[:, 0] = 3
    assert np.isfinite(found.forward(views, x)[-1]).all()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("space", "form"),
    [
        (OBSERVED, {}),
        (OBSERVED, {"layer_norm": True}),
        (SEVERAL, {"convolutions": FILTERS}),
        (PIXELS, {"sparse": True}),
        (OBSERVED, {"recurrent": "gru", "shared": True}),
        (OBSERVED, {"recurrent": "lstm", "shared": True}),
    ],
)
def test_no_layer_has_a_constant_where_the_form_says_so(space, form, bias):
    policy = policy_of(observed=space, bias=bias, **form)
    assert any(slot.name.endswith("bias") for slot in policy.network.layout.slots) == bias


@pytest.mark.parametrize("how", ["orthogonal", "scaled_normal"])
def test_every_weight_begins_as_the_form_says(how):
    policy = policy_of(observed=SEVERAL, convolutions=FILTERS, initialization=how, hidden=(64, 64))
    views = policy.network.layout.views(policy.network.init(np.random.default_rng(0)))
    weight = views["policy/hidden/1/weight"]
    if how == "orthogonal":
        np.testing.assert_allclose(weight.T @ weight, 2 * np.eye(64), atol=1e-4)
    else:
        assert weight.std() == pytest.approx(1 / 8, rel=0.05)
        assert np.abs(weight.T @ weight - np.eye(64)).max() > 0.1


@pytest.mark.parametrize("recurrent", ["gru", "lstm"])
def test_a_memory_begins_as_the_form_says(recurrent):
    for how in ("orthogonal", "scaled_normal"):
        policy = policy_of(recurrent=recurrent, recurrent_size=32, shared=True, initialization=how)
        views = policy.network.layout.views(policy.network.init(np.random.default_rng(0)))
        gate = views["core/hidden"][:, :32]
        off = np.abs(gate.T @ gate - np.eye(32)).max()
        assert (off < 1e-4) == (how == "orthogonal")


@pytest.mark.parametrize(
    ("space", "form", "said"),
    [
        (OBSERVED, {"convolutions": FILTERS}, "policy.convolutions: expected observations with an image"),
        (Discrete(3), {"convolutions": FILTERS}, "policy.convolutions: expected observations with an image"),
        (PICTURE, {"convolutions": ((2, 6, 1, 0),)}, "at least 6 x 6 pixels for its filters, found 5 x 6"),
        (OBSERVED, {"sparse": True}, "policy.sparse: expected .* found a Box of float32"),
        (SEVERAL, {"sparse": True}, "policy.sparse: expected .* found Dict"),
    ],
)
def test_what_does_not_fit_is_refused(space, form, said):
    with pytest.raises(SpaceError, match=said):
        Policy.build(observation_space=space, action_space=ACTIONS["categorical"], **form)


def test_the_torso_of_a_lone_image_takes_it_with_its_channels_last():
    first = Box((2, 5, 6), "uint8", (0.0,) * 60, (255.0,) * 60)
    for space in (PICTURE, first):
        found = torso(space, convolutions=FILTERS)
        assert isinstance(found._readers[0], ImageTorso)
        views = {name: np.zeros(shape, np.float32) for name, shape in found.shapes.items()}
        assert len(found.forward(views, channels_last(np.zeros((4, *space.shape), np.uint8)))[-1]) == 4
