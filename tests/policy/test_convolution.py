"""Convolutions: against scipy's correlation of each filter, and gradients by finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from policy_numerics import assert_gradient
from scipy.signal import correlate

from touchline.policy import convolution
from touchline.policy.convolution import Geometry, convolve, convolve_backward, convolve_to_inputs

# height, width, channels, filters, size, stride, padding: odd sizes, edges that no filter reaches, one pixel
GEOMETRIES = [
    Geometry(*numbers)
    for numbers in [
        (5, 5, 1, 1, 3, 1, 0),
        (7, 6, 2, 3, 3, 2, 0),
        (6, 9, 3, 2, 4, 3, 0),
        (5, 4, 2, 3, 3, 1, 1),
        (4, 7, 2, 2, 2, 3, 2),
        (3, 3, 2, 4, 3, 1, 0),
        (1, 1, 1, 2, 1, 1, 0),
        (2, 2, 1, 2, 4, 2, 1),
        (8, 8, 2, 3, 1, 2, 0),
    ]
]
every_geometry = pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
ROWS = 3


def example(g, *, rows=ROWS, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, g.height, g.width, g.channels))
    return x, rng.standard_normal((g.patch, g.filters)), rng.standard_normal(g.filters), rng


def convolved(x, w, b, g, **kwargs):
    out = np.full((len(x), *g.out_shape), np.nan, w.dtype)
    convolve(x=x, w=w, b=b, geometry=g, out=out, **kwargs)
    return out


@every_geometry
def test_each_filter_is_a_correlation(geometry):
    g = geometry
    x, w, b, _ = example(g)
    found = convolved(x, w, b, g)
    padded = np.pad(x, ((0, 0), (g.padding,) * 2, (g.padding,) * 2, (0, 0)))
    for n in range(ROWS):
        for f in range(g.filters):
            kernel = w[:, f].reshape(g.size, g.size, g.channels)
            expected = correlate(padded[n], kernel, mode="valid")[:: g.stride, :: g.stride, 0] + b[f]
            np.testing.assert_allclose(found[n, :, :, f], expected, rtol=1e-12, atol=1e-12)


@every_geometry
def test_the_gradients_of_filters_and_constants(geometry):
    x, w, b, rng = example(geometry)
    d = rng.standard_normal((ROWS, *geometry.out_shape))
    dw, db = np.zeros_like(w), np.zeros_like(b)
    convolve_backward(x=x, d=d, geometry=geometry, dw=dw, db=db, scale=0.5)
    assert_gradient(dw, lambda moved: float((convolved(x, moved, b, geometry, scale=0.5) * d).sum()), w)
    assert_gradient(db, lambda moved: float((convolved(x, w, moved, geometry, scale=0.5) * d).sum()), b)


@every_geometry
def test_the_gradient_of_the_images(geometry):
    x, w, b, rng = example(geometry)
    d = rng.standard_normal((ROWS, *geometry.out_shape))
    dx = convolve_to_inputs(d=d, w=w, geometry=geometry)
    assert_gradient(dx, lambda moved: float((convolved(moved, w, b, geometry) * d).sum()), x)


@every_geometry
def test_images_in_parts_are_as_images_together(geometry, monkeypatch):
    x, w, b, rng = example(geometry, rows=5)
    d = rng.standard_normal((5, *geometry.out_shape))

    def everything():
        dw = np.zeros_like(w)
        convolve_backward(x=x, d=d, geometry=geometry, dw=dw, db=None)
        return convolved(x, w, b, geometry), dw, convolve_to_inputs(d=d, w=w, geometry=geometry)

    together = everything()
    each = geometry.out_height * geometry.out_width * geometry.patch * 8
    monkeypatch.setattr(convolution, "PATCH_BYTES", 2 * each)
    assert [(part.start, part.stop) for part in geometry.chunks(5, 8)] == [(0, 2), (2, 4), (4, 5)]
    for found, expected in zip(everything(), together, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_an_image_larger_than_the_buffer_is_a_part_of_its_own():
    wide = Geometry(2000, 2000, 4, 1, 8, 4, 0)
    assert [part.stop - part.start for part in wide.chunks(3, 4)] == [1, 1, 1]


def test_bytes_are_read_as_they_lie_and_scaled_by_the_filters():
    g = Geometry(6, 5, 3, 4, 3, 2, 1)
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (ROWS, 3, 6, 5), np.uint8).transpose(0, 2, 3, 1)
    _, w, b, _ = example(g)
    kept = images.copy()
    found = convolved(images, w, b, g, scale=1 / 255)
    np.testing.assert_allclose(found, convolved(images / 255, w, b, g), rtol=1e-12)
    np.testing.assert_array_equal(images, kept)
    dw, expected, d = np.ones_like(w), np.ones_like(w), rng.standard_normal(found.shape)
    convolve_backward(x=images, d=d, geometry=g, dw=dw, db=None, scale=1 / 255)
    convolve_backward(x=images / 255, d=d, geometry=g, dw=expected, db=None)
    np.testing.assert_allclose(dw, expected, rtol=1e-12)


def test_gradients_are_added_and_a_missing_constant_is_left_out():
    g = GEOMETRIES[1]
    x, w, b, rng = example(g)
    np.testing.assert_allclose(convolved(x, w, None, g) + b, convolved(x, w, b, g), rtol=1e-12)
    d = rng.standard_normal((ROWS, *g.out_shape))
    once, twice, db = np.zeros_like(w), np.zeros_like(w), np.full_like(b, 7)
    convolve_backward(x=x, d=d, geometry=g, dw=once, db=db)
    np.testing.assert_allclose(db, 7 + d.sum(axis=(0, 1, 2)), rtol=1e-12)
    for _ in range(2):
        convolve_backward(x=x, d=d, geometry=g, dw=twice, db=None)
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-12)


def test_images_of_other_axes_are_not_read_beyond_their_end():
    g = GEOMETRIES[1]
    x, w, b, _ = example(g)
    with pytest.raises(AssertionError, match="found \\(2, 7, 6\\)"):
        convolved(x.transpose(0, 3, 1, 2), w, b, g)


def test_no_images_are_no_gradient():
    g = GEOMETRIES[3]
    x, w, b, _ = example(g, rows=0)
    assert convolved(x, w, b, g).shape == (0, *g.out_shape)
    dw = np.zeros_like(w)
    convolve_backward(x=x, d=np.zeros((0, *g.out_shape)), geometry=g, dw=dw, db=None)
    assert not dw.any()
    assert convolve_to_inputs(d=np.zeros((0, *g.out_shape)), w=w, geometry=g).shape == x.shape


@pytest.mark.parametrize(
    ("numbers", "out"),
    [
        ((84, 84, 4, 32, 8, 4, 0), (20, 20, 32)),
        ((20, 20, 32, 64, 4, 2, 0), (9, 9, 64)),
        ((9, 9, 64, 64, 3, 1, 0), (7, 7, 64)),
        ((7, 6, 1, 5, 3, 2, 1), (4, 3, 5)),
        ((4, 4, 1, 1, 4, 9, 0), (1, 1, 1)),
    ],
)
def test_the_sizes_of_maps(numbers, out):
    assert Geometry(*numbers).out_shape == out
    assert Geometry(*numbers).fits


def test_a_filter_larger_than_the_padded_image_does_not_fit():
    assert not Geometry(5, 9, 1, 1, 6, 1, 0).fits
    assert not Geometry(9, 5, 1, 1, 8, 1, 1).fits
    assert Geometry(9, 5, 1, 1, 7, 1, 1).fits
