"""The flat vector of parameters and the named views into it."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.policy.parameters import Layout

SHAPES = {"a": (2, 3), "b": (3,), "c": (), "d": (1, 1)}


def named(rng):
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}


def test_slots_tile_the_vector_in_order():
    layout = Layout(SHAPES)
    assert [slot.name for slot in layout.slots] == list(SHAPES)
    assert [slot.start for slot in layout.slots] == [0, 6, 9, 10]
    assert [slot.stop for slot in layout.slots] == [6, 9, 10, 11]
    assert layout.size == 11
    assert Layout({}).size == 0


def test_views_write_through():
    layout = Layout(SHAPES)
    flat = np.zeros(layout.size)
    layout.views(flat)["b"][1] = 7
    assert flat.tolist() == [0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0]


def test_flattening_and_viewing_are_inverse():
    layout, arrays = Layout(SHAPES), named(np.random.default_rng(0))
    flat = layout.flatten(dict(reversed(arrays.items())))  # by name, whatever the order
    assert flat.dtype == np.float32
    for name, view in layout.views(flat).items():
        np.testing.assert_array_equal(view, arrays[name])
    flat[...] = 0
    assert arrays["a"].any()


def test_faults_name_the_array():
    layout, arrays = Layout(SHAPES), named(np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"b: expected an array \[3\], found nothing"):
        layout.flatten({name: array for name, array in arrays.items() if name != "b"})
    with pytest.raises(ValueError, match=r"a: expected an array \[2, 3\], found \[3, 2\]"):
        layout.flatten({**arrays, "a": arrays["a"].T})
    with pytest.raises(ValueError, match=r"expected shape \(11,\), found \(10,\)"):
        layout.views(np.zeros(10))
