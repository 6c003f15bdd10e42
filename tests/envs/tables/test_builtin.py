"""Tables that need no file: each as its definition says."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from touchline.envs.errors import MissingExtra
from touchline.envs.tables import SOURCES, read_table
from touchline.envs.tables.builtin import digits, sine, two_spirals, xor


def test_xor_is_one_where_its_inputs_differ():
    found = xor()
    np.testing.assert_array_equal(found.x, [[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(found.y[:, 0], (found.x[:, 0] != found.x[:, 1]).astype(float))


def test_sine_is_sin_over_a_whole_turn():
    found = sine()
    assert found.x.shape == found.y.shape == (200, 1)
    assert (found.x[0, 0], found.x[-1, 0]) == (-math.pi, math.pi)
    np.testing.assert_allclose(np.diff(found.x[:, 0]), 2 * math.pi / 199, rtol=1e-12)
    np.testing.assert_allclose(found.y, np.sin(found.x), rtol=0, atol=1e-15)


def test_two_spirals_are_194_points_each_opposite_one_of_the_other_spiral():
    found = two_spirals()
    assert found.x.shape == (194, 2)
    np.testing.assert_array_equal(found.x[0::2], -found.x[1::2])
    np.testing.assert_array_equal(found.y[:, 0], np.tile([1.0, 0.0], 97))
    np.testing.assert_allclose(found.x[0], [0, 6.5], atol=1e-12)
    radii = np.hypot(*found.x[0::2].T)
    np.testing.assert_allclose(np.diff(radii), -6.5 / 104, rtol=1e-9)
    turns = np.unwrap(np.arctan2(found.x[0::2, 0], found.x[0::2, 1]))
    assert turns[-1] - turns[0] == pytest.approx(6 * math.pi)


def test_digits_are_1797_images_of_ten_classes():
    pytest.importorskip("sklearn")
    found = digits()
    assert (found.x.shape, found.x.min(), found.x.max()) == ((1797, 64), 0, 16)
    assert sorted(set(found.y.tolist())) == list(range(10))


def test_digits_without_scikit_learn_name_the_extra(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "sklearn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtra, match=r"the table digits: .*sklearn.*extra tables: .*'\.\[tables\]'"):
        read_table(source="digits")


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_is_read_by_its_name(source):
    if source == "digits":
        pytest.importorskip("sklearn")
    table = read_table(source=source)
    assert table.name == source
    assert len(table.x) == len(table.y) > 0 == len(table.test_x) == len(table.test_y)
    assert table.classes == (source == "digits")
    assert len(table.labels) == table.y.shape[1]
