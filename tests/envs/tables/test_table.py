"""A table: what it announces of itself, and that nobody can change it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from touchline.envs.tables import Table

TABLE = Table(
    name="small",
    x=np.arange(6.0).reshape(3, 2),
    y=np.arange(3.0)[:, None],
    test_x=np.zeros((1, 2)),
    test_y=np.zeros((1, 1)),
    classes=False,
    labels=("y0",),
)
ARRAYS = ("x", "y", "test_x", "test_y")


def test_announced_is_plain_data():
    announced = TABLE.announced()
    assert json.loads(json.dumps(announced)) == announced
    del announced["digest"]
    assert announced == {
        "name": "small",
        "rows": 3,
        "test_rows": 1,
        "inputs": 2,
        "outputs": 1,
        "classes": False,
    }


@pytest.mark.parametrize("name", ARRAYS)
def test_the_digest_differs_where_one_number_does(name):
    changed = getattr(TABLE, name).copy()
    changed[-1, -1] = np.nextafter(changed[-1, -1], 9)
    other = replace(TABLE, **{name: changed})
    assert other.announced()["digest"] != TABLE.announced()["digest"]


def test_the_digest_differs_where_the_shape_or_the_type_does():
    others = [
        replace(TABLE, x=TABLE.x.reshape(2, 3)),
        replace(TABLE, x=TABLE.x.astype(np.float32)),
        replace(TABLE, x=TABLE.x[:2]),
        replace(TABLE, test_x=np.zeros((0, 2)), test_y=np.zeros((0, 1))),
    ]
    assert len({table.announced()["digest"] for table in (TABLE, *others)}) == 5


def test_the_digest_is_of_the_numbers_not_of_where_they_lie():
    same = replace(TABLE, x=np.asfortranarray(TABLE.x), y=np.repeat(TABLE.y, 2, axis=0)[::2])
    assert same.announced() == TABLE.announced()


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_are_contiguous_and_read_only(name):
    array = getattr(replace(TABLE, x=np.asfortranarray(TABLE.x)), name)
    assert array.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1
