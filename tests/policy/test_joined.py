"""Readers side by side: gradients through all of them, what is kept, and what is named how."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from torsos import gradient_of, parameters_of, parts, prove

from touchline.policy.images import ImageTorso, channels_last
from touchline.policy.inputs import Parts
from touchline.policy.joined import JoinedTorso
from touchline.policy.layer_norm import NormedTorso
from touchline.policy.torso import DenseTorso

SHAPES = {"camera": (5, 6, 2), "radar": (6, 5)}


def dense(features, hidden=(), activation="tanh"):
    return DenseTorso(features=features, hidden=hidden, activation=activation)


def image(name, layers=((2, 3, 1, 0), (3, 2, 2, 1))):
    return ImageTorso(shape=SHAPES[name], dtype="float64", layers=layers, activation="tanh")


def readers_of(*names):
    """Torsos and random inputs of each: two vectors, one with a layer of its own, and two images."""
    torsos = {
        "numbers": dense(4),
        "other": dense(3, (2,)),
        "camera": image("camera"),
        "radar": image("radar"),
    }
    return [(name, torsos[name]) for name in names]


def inputs_of(rng, *names, rows=3):
    shapes = {"numbers": (4,), "other": (3,), **SHAPES}
    drawn = [rng.standard_normal((rows, *shapes[name])) for name in names]
    return [
        channels_last(array) if name in SHAPES else array for name, array in zip(names, drawn, strict=True)
    ]


def joined_of(*names, hidden=(5, 4), top=DenseTorso):
    readers = readers_of(*names)
    features = sum(torso.size for _, torso in readers)
    return JoinedTorso(readers, top(features=features, hidden=hidden, activation="tanh"))


NAMES = [
    ("camera",),
    ("numbers", "camera"),
    ("camera", "numbers", "radar"),
    ("other", "numbers"),
    ("numbers",),
]


@pytest.mark.parametrize(("names", "hidden"), list(itertools.product(NAMES, [(), (4,), (5, 4)])))
def test_gradients_through_every_reader(names, hidden):
    rng = np.random.default_rng(len(names) + len(hidden))
    torso = joined_of(*names, hidden=hidden)
    if not torso.shapes:
        return  # numbers alone and no layer: nothing to learn
    prove(torso, parts(*inputs_of(rng, *names)), rng)


def test_gradients_under_normalised_layers():
    rng = np.random.default_rng(0)
    prove(joined_of("numbers", "camera", top=NormedTorso), parts(*inputs_of(rng, "numbers", "camera")), rng)


def test_one_image_alone_needs_no_parts():
    rng = np.random.default_rng(1)
    torso = joined_of("camera")
    (x,) = inputs_of(rng, "camera")
    prove(torso, x, rng)
    p = parameters_of(torso, rng)
    for one, other in zip(torso.forward(p, x), torso.forward(p, Parts((x,))), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_dense_layers_read_the_outputs_in_order():
    rng = np.random.default_rng(2)
    torso = joined_of("numbers", "camera", hidden=(4,))
    numbers, camera = inputs_of(rng, "numbers", "camera")
    p = parameters_of(torso, rng)
    maps = image("camera").forward(
        {n[len("camera/") :]: v for n, v in p.items() if n.startswith("camera/")}, camera
    )
    row = np.concatenate([numbers, maps[-1]], axis=1)
    expected = np.tanh(row @ p["hidden/0/weight"] + p["hidden/0/bias"])
    np.testing.assert_allclose(torso.forward(p, parts(numbers, camera))[-1], expected, rtol=1e-12)


def test_names_and_what_is_kept():
    torso = joined_of("numbers", "camera", hidden=(7,))
    assert list(torso.shapes) == [
        *("camera/0/weight", "camera/0/bias", "camera/1/weight", "camera/1/bias"),
        *("hidden/0/weight", "hidden/0/bias"),
    ]
    assert torso.kept == ((3, 4, 2), (2 * 3 * 3,), (7,))
    assert torso.size == 7


def test_without_hidden_layers_the_row_is_kept_unless_it_is_one_readers_own():
    assert joined_of("numbers", "camera", hidden=()).kept == ((3, 4, 2), (18,), (22,))
    assert joined_of("camera", hidden=()).kept == ((3, 4, 2), (18,))
    assert joined_of("other", "numbers", hidden=()).kept == ((2,), (6,))
    assert joined_of("numbers", hidden=()).kept == ((4,),)


def test_every_torso_begins_by_its_own_rule():
    torso = joined_of("camera", top=NormedTorso)
    p = {name: np.full(shape, np.nan, np.float32) for name, shape in torso.shapes.items()}
    torso.init(p, np.random.default_rng(3))
    np.testing.assert_array_equal(p["hidden/1/gain"], 1)
    np.testing.assert_allclose(np.linalg.svd(p["camera/0/weight"], compute_uv=False), np.sqrt(2), rtol=1e-5)


def test_each_torso_is_widened():
    rng = np.random.default_rng(5)
    torso = joined_of("numbers", "camera", hidden=(4,))
    wide = torso.widened(parameters_of(torso, rng), 3)
    assert wide.keys() == torso.shapes.keys()
    assert wide["hidden/0/bias"].shape == (3, 4)
    assert wide["camera/0/bias"].shape == (2,)  # added to every place of a map: nothing to gain


def test_each_share_of_the_gradient_is_its_readers_alone():
    """A step along one reader's gradient leaves the others' outputs alone."""
    rng = np.random.default_rng(4)
    torso = joined_of("camera", "radar", hidden=())
    x = parts(*inputs_of(rng, "camera", "radar"))
    p = parameters_of(torso, rng)
    d = np.zeros((3, torso.size))
    d[:, 18:] = 1  # the radar's columns
    gradient = gradient_of(torso, p, x, torso.forward(p, x), d)
    assert not any(gradient[name].any() for name in p if name.startswith("camera/"))
    assert all(gradient[name].any() for name in p if name.startswith("radar/"))
