"""From raw observations to what a network reads: rows, images, or both."""

from __future__ import annotations

import math

import numpy as np
import pytest
from policy_trajectories import OBSERVED, PICTURE, PIXELS, SEVERAL, raw_observations

from touchline.policy.features import encode
from touchline.policy.form import Form
from touchline.policy.inputs import Parts
from touchline.policy.normalizer import Normalizer, Statistics
from touchline.policy.policy import Policy
from touchline.policy.reading import Reading, is_image
from touchline.policy.records import Record
from touchline.policy.spaces import Box, Dict, Discrete, MultiBinary, SpaceError

FILTERS = ((2, 3, 1, 0),)
ROWS = 4


def reading_of(space, **form):
    return Reading.of(space, Form(**form))


def raw_of(space, rows=ROWS):
    return raw_observations(space, np.random.default_rng(0), (rows,))


@pytest.mark.parametrize(
    ("shape", "image"), [((5, 6, 2), True), ((5, 6), True), ((60,), False), ((2, 2, 3, 5), False)]
)
def test_a_box_of_two_or_three_axes_is_an_image_where_there_are_convolutions(shape, image):
    space = Box(shape, "uint8", (0.0,) * 60, (9.0,) * 60)
    assert is_image(space, Form(convolutions=FILTERS)) == image
    assert not is_image(space, Form())
    assert not is_image(MultiBinary((5, 6)), Form(convolutions=FILTERS))


@pytest.mark.parametrize("space", [OBSERVED, Discrete(4), PICTURE, SEVERAL])
def test_without_images_there_is_one_row(space):
    reading, raw = reading_of(space), raw_of(space)
    rows = reading.inputs(raw, None)
    assert rows.dtype == np.float32
    assert rows.shape == (ROWS, reading.features)
    np.testing.assert_array_equal(rows, encode(space, raw))
    np.testing.assert_array_equal(reading.vectors(raw), rows)


def test_an_image_is_read_where_it_lies():
    reading, raw = reading_of(PICTURE, convolutions=FILTERS), raw_of(PICTURE)
    assert reading.inputs(raw, None) is raw
    assert reading.features == 0
    assert reading.scratch(ROWS) is None


@pytest.mark.parametrize(("shape", "turned"), [((2, 5, 6), (5, 6, 2)), ((5, 6), (5, 6, 1))])
def test_an_image_comes_with_its_channels_last(shape, turned):
    size = math.prod(shape)
    space = Box(shape, "uint8", (0.0,) * size, (255.0,) * size)
    raw = raw_of(space)
    found = reading_of(space, convolutions=FILTERS).inputs(raw, None)
    assert found.shape == (ROWS, *turned)
    moved = np.moveaxis(raw, 1, -1) if len(shape) == 3 else raw[..., None]
    np.testing.assert_array_equal(found, moved)


def test_numbers_and_images_are_parts_the_numbers_first():
    reading, raw = reading_of(SEVERAL, convolutions=FILTERS), raw_of(SEVERAL)
    found = reading.inputs(raw, None)
    assert isinstance(found, Parts)
    numbers, camera = found.arrays
    at, picture, mode = (view for _, view in Record.of(SEVERAL).views(raw))
    np.testing.assert_array_equal(numbers, np.hstack([at, np.eye(3)[mode]]))
    np.testing.assert_array_equal(camera, picture)
    assert np.shares_memory(camera, raw)
    assert reading.features == numbers.shape[1] == 6


def test_one_image_and_nothing_else_is_no_parts():
    space = Dict(("camera",), (PICTURE,))
    raw = raw_of(space)
    found = reading_of(space, convolutions=FILTERS).inputs(raw, None)
    assert found.shape == (ROWS, 5, 6, 2)
    both = Dict(("left", "right"), (PICTURE, PICTURE))
    assert len(reading_of(both, convolutions=FILTERS).inputs(raw_of(both), None).arrays) == 2


def test_numbers_are_normalised_and_images_are_not():
    reading, raw = reading_of(SEVERAL, convolutions=FILTERS, normalize=True), raw_of(SEVERAL, 50)
    plain = reading.inputs(raw, None)
    normalizer = Normalizer(Statistics.empty(6).moved(reading.vectors(raw)))
    out = reading.scratch(50)
    assert out.shape == (50, 6)
    found = reading.inputs(raw, normalizer, out)
    assert found.arrays[0] is out
    np.testing.assert_allclose(out, normalizer(plain.arrays[0]), rtol=1e-6)
    np.testing.assert_allclose(out[:, :3].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_array_equal(found.arrays[1], plain.arrays[1])


def test_sparse_observations_are_rows_of_their_own_dtype():
    reading, raw = reading_of(PIXELS, sparse=True), raw_of(PIXELS)
    found = reading.inputs(raw, None)
    assert found.dtype == np.int8
    assert found.shape == (ROWS, 20)
    assert np.shares_memory(found, raw)
    assert reading.inputs(raw[:0], None).shape == (0, 20)
    assert reading.features == 0


@pytest.mark.parametrize(
    ("space", "form", "shape"),
    [
        (OBSERVED, {}, None),
        (OBSERVED, {"normalize": True}, (ROWS, 3)),
        (Discrete(4), {}, (ROWS, 4)),
        (PIXELS, {"sparse": True}, None),
        (SEVERAL, {"convolutions": FILTERS}, (ROWS, 6)),
    ],
)
def test_a_buffer_is_made_only_where_it_is_needed(space, form, shape):
    found = reading_of(space, **form).scratch(ROWS)
    assert (None if found is None else found.shape) == shape


def test_convolutions_without_an_image_are_refused():
    with pytest.raises(
        SpaceError, match="expected observations with an image, a Box of 2 or 3 axes, found none"
    ):
        reading_of(Dict(("at",), (OBSERVED,)), convolutions=FILTERS)


@pytest.mark.parametrize("space", [SEVERAL, PICTURE])
def test_no_rows_are_no_rows(space):
    assert len(reading_of(space, convolutions=FILTERS).inputs(raw_of(space, 0), None)) == 0


@pytest.mark.parametrize("space", [PICTURE, Dict(("left", "right"), (PICTURE, PICTURE))])
def test_images_alone_have_no_numbers(space):
    """Nothing to take statistics of, nothing to normalise."""
    reading, raw = reading_of(space, convolutions=FILTERS, normalize=True), raw_of(space)
    assert reading.vectors(raw).shape == (ROWS, 0)
    policy = Policy.build(
        observation_space=space, action_space=Discrete(2), convolutions=FILTERS, normalize=True
    )
    assert not policy.normalized
