"""Several convolutions: axes of images, the published networks, gradients, and images that are too small."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pytest
from policy_numerics import ACTIVATIONS
from torsos import parameters_of, prove

from touchline.configs.filters import LARGE, SMALL
from touchline.policy.images import ImageTorso, channels_last, geometries, image_axes
from touchline.policy.spaces import SpaceError

LAYERS = ((3, 3, 2, 0), (2, 2, 1, 1))


def torso_of(shape=(7, 6, 2), *, dtype="float64", layers=LAYERS, activation="tanh", **kwargs):
    return ImageTorso(shape=shape, dtype=dtype, layers=layers, activation=activation, **kwargs)


def layers_of(convolutions):
    return tuple((one.filters, one.size, one.stride, one.padding) for one in convolutions)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((84, 84, 4), ((84, 84, 4), False)),
        ((4, 84, 84), ((84, 84, 4), True)),
        ((210, 160, 3), ((210, 160, 3), False)),
        ((3, 8, 4), ((8, 4, 3), True)),
        ((5, 9, 5), ((5, 9, 5), False)),
        ((10, 12), ((10, 12, 1), False)),
    ],
)
def test_the_channels_are_the_smaller_outer_axis(shape, axes):
    assert image_axes(shape) == axes


@pytest.mark.parametrize(("activation", "bias"), list(itertools.product(ACTIVATIONS, (True, False))))
def test_gradients_for_every_activation(activation, bias):
    torso = torso_of(activation=activation, bias=bias)
    rng = np.random.default_rng(0)
    prove(torso, rng.standard_normal((3, 7, 6, 2)), rng)
    assert any(name.endswith("bias") for name in torso.shapes) == bias


@pytest.mark.parametrize("shape", [(2, 7, 6), (7, 6)])
@pytest.mark.parametrize("dtype", ["uint8", "int16"])
def test_gradients_for_every_order_of_axes_and_whole_numbers(shape, dtype):
    rng = np.random.default_rng(1)
    largest = 255 if dtype == "uint8" else 2  # only bytes are scaled
    images = rng.integers(0, largest + 1, (3, *shape)).astype(dtype)
    prove(torso_of(shape, dtype=dtype), channels_last(images), rng)


@pytest.mark.parametrize("layers", [((4, 7, 1, 0),), ((2, 3, 1, 0), (3, 2, 2, 0), (2, 2, 1, 1))])
def test_gradients_for_one_layer_and_three(layers):
    rng = np.random.default_rng(2)
    prove(torso_of((7, 8, 1), layers=layers), rng.standard_normal((2, 7, 8, 1)), rng)


@pytest.mark.parametrize(
    ("shape", "axes", "same_memory"),
    [
        ((12, 11, 2), (0, 1, 2), True),
        ((2, 12, 11), (1, 2, 0), False),
        ((9, 12, 11), (1, 2, 0), False),
        ((12, 11), (0, 1), True),
    ],
)
def test_channels_are_turned_to_be_last(shape, axes, same_memory):
    images = np.arange(3 * math.prod(shape)).reshape(3, *shape)
    found = channels_last(images)
    expected = images.transpose(0, *(1 + axis for axis in axes)).reshape(3, 12, 11, -1)
    np.testing.assert_array_equal(found, expected)
    assert found.flags.c_contiguous
    assert np.shares_memory(found, images) == same_memory


def test_bytes_are_read_as_0_to_1_and_other_numbers_as_they_are():
    rng = np.random.default_rng(4)
    images = rng.integers(0, 256, (2, 7, 6, 2), np.uint8)
    of_bytes, of_floats = torso_of(dtype="uint8"), torso_of()
    p = parameters_of(of_bytes, rng)
    expected = of_floats.forward(p, images / 255)
    for one, other in zip(of_bytes.forward(p, images), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    whole = torso_of(dtype="int32").forward(p, images.astype("int32"))
    assert np.abs(whole[-1] - expected[-1]).max() > 0.1


def test_float32_parameters_give_float32_states():
    rng = np.random.default_rng(5)
    torso = torso_of(dtype="uint8")
    p = {name: view.astype("float32") for name, view in parameters_of(torso, rng).items()}
    assert {h.dtype for h in torso.forward(p, rng.integers(0, 256, (2, 7, 6, 2), np.uint8))} == {
        np.dtype("float32")
    }


def test_a_buffer_that_would_be_copied_is_refused():
    torso, rng = torso_of(), np.random.default_rng(6)
    out = [np.empty((6, *shape))[::2] for shape in torso.kept]
    with pytest.raises(ValueError, match="copy"):
        torso.forward(parameters_of(torso, rng), rng.standard_normal((3, 7, 6, 2)), out)


@pytest.mark.parametrize(
    ("convolutions", "maps", "size", "parameters"),
    [
        # Mnih et al. 2013: 16 filters of 8 x 8 every 4, 32 of 4 x 4 every 2
        (SMALL, [(20, 20, 16)], 9 * 9 * 32, 4 * 8 * 8 * 16 + 16 + 16 * 4 * 4 * 32 + 32),
        # Mnih et al. 2015: 32 of 8 x 8 every 4, 64 of 4 x 4 every 2, 64 of 3 x 3 every 1
        (
            LARGE,
            [(20, 20, 32), (9, 9, 64)],
            7 * 7 * 64,
            4 * 8 * 8 * 32 + 32 + 32 * 4 * 4 * 64 + 64 + 64 * 3 * 3 * 64 + 64,
        ),
    ],
    ids=["small", "large"],
)
def test_the_published_networks(convolutions, maps, size, parameters):
    for shape in ((84, 84, 4), (4, 84, 84)):
        torso = torso_of(shape, dtype="uint8", layers=layers_of(convolutions), activation="relu")
        assert torso.kept == (*maps, (size,))
        assert torso.size == size
        assert sum(int(np.prod(s)) for s in torso.shapes.values()) == parameters


@pytest.mark.parametrize("how", ["orthogonal", "scaled_normal"])
def test_filters_begin_as_dense_layers_do(how):
    torso = torso_of((20, 20, 3), layers=((8, 5, 2, 0), (16, 3, 1, 0)), initialization=how)
    p = {name: np.full(shape, np.nan, np.float32) for name, shape in torso.shapes.items()}
    torso.init(p, np.random.default_rng(7))
    assert not p["0/bias"].any()
    if how == "orthogonal":
        np.testing.assert_allclose(np.linalg.svd(p["1/weight"], compute_uv=False), np.sqrt(2), rtol=1e-5)
    else:
        assert p["1/weight"].std() * np.sqrt(3 * 3 * 8) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("shape", "layers", "said"),
    [
        (
            (10, 7, 3),
            ((4, 8, 4, 0),),
            "layer 1: expected an image of at least 8 x 8 pixels for its filters, found 10 x 7, "
            "observations [10, 7, 3]",
        ),
        (
            (3, 20, 20),
            ((4, 8, 4, 0), (4, 5, 1, 0)),
            "layer 2: expected an image of at least 5 x 5 pixels for its filters, found 4 x 4, "
            "what is left of an observation [3, 20, 20]",
        ),
        ((5, 5), ((1, 8, 1, 1),), "found 5 x 5 with 1 of padding on each side"),
    ],
)
def test_an_image_too_small_for_its_filters(shape, layers, said):
    with pytest.raises(
        SpaceError, match=re.escape(f"policy.convolutions: {said}" if "layer" in said else said)
    ):
        geometries(shape, layers)
