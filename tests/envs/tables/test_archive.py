""".npz files: what is read of them, and every way in which they can be wrong."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.envs.errors import TableError
from touchline.envs.tables import read_table

X = np.arange(8.0).reshape(4, 2)
LABELS = np.array([0, 1, 2, 1])


def save(folder, **arrays):
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return str(path)


def test_whole_numbers_are_labels_and_the_test_set_is_its_own(tmp_path):
    table = read_table(source=save(tmp_path, x=X, y=LABELS, test_x=X[:2] + 9, test_y=LABELS[:2]))
    np.testing.assert_array_equal(table.x, X)
    np.testing.assert_array_equal(table.y, np.eye(3)[LABELS])
    np.testing.assert_array_equal(table.test_x, X[:2] + 9)
    np.testing.assert_array_equal(table.test_y, np.eye(3)[:2])
    assert (table.name, table.classes) == ("data.npz", True)


@pytest.mark.parametrize("y", [LABELS / 2, LABELS[:, None] / 2, np.hstack([X, X])])
def test_floats_are_values(tmp_path, y):
    table = read_table(source=save(tmp_path, x=X, y=y))
    np.testing.assert_array_equal(table.y, y.reshape(4, -1))
    assert not table.classes
    assert len(table.test_x) == 0


@pytest.mark.parametrize("y", [LABELS[:, None], LABELS.astype(np.uint8), LABELS > 0])
def test_whole_numbers_of_any_kind_in_one_column_are_labels(tmp_path, y):
    table = read_table(source=save(tmp_path, x=X, y=y))
    np.testing.assert_array_equal(table.y.argmax(axis=1), y.reshape(-1).astype(int))
    assert table.classes


def test_inputs_are_flattened(tmp_path):
    images = np.arange(4 * 3 * 2, dtype=np.uint8).reshape(4, 3, 2)
    table = read_table(source=save(tmp_path, x=images, y=LABELS), scale="unit")
    np.testing.assert_allclose(table.x, np.arange(24).reshape(4, 6) / 23, rtol=1e-7)
    assert table.x.dtype == np.float32
    assert read_table(source=save(tmp_path, x=X[:, 0], y=LABELS)).x.shape == (4, 1)


def test_the_first_rows_of_its_own_test_set_may_be_enough(tmp_path):
    source = save(tmp_path, x=X, y=LABELS, test_x=X + 9, test_y=LABELS)
    for test, count in [(0, 0), (3, 3), (4, 4), (None, 4), (0.5, 4)]:  # a share would be of rows held out
        table = read_table(source=source, test=test, rows=2)
        np.testing.assert_array_equal(table.test_x, X[:count] + 9)
        assert len(table.x) == 2
    with pytest.raises(TableError, match="test: expected at most 4, which is all there are, found 5"):
        read_table(source=source, test=5)


NAN = np.where(np.arange(8).reshape(4, 2) > 1, np.nan, X)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": LABELS, "a": X}, "no array x. Expected x and y, found y, a"),
        ({"x": X}, "no array y. Expected x and y, found x"),
        ({}, "no array x. Expected x and y, found nothing"),
        (
            {"x": X, "y": LABELS, "test_x": X},
            "expected both test_x and test_y, or neither, found one",
        ),
        ({"x": X, "y": LABELS[:3]}, "expected as many rows in y as in x, 4, found 3"),
        (
            {"x": X, "y": LABELS, "test_x": X, "test_y": LABELS[:1]},
            "expected as many rows in test_y as in test_x, 4, found 1",
        ),
        ({"x": X[:0], "y": LABELS[:0]}, "x: expected rows of real numbers, found float64 [0, 2]"),
        ({"x": X, "y": np.zeros((4, 0))}, "y: expected rows of real numbers, found float64 [4, 0]"),
        ({"x": np.array(1.0), "y": LABELS}, "x: expected rows of real numbers, found float64 []"),
        ({"x": X.astype(str), "y": LABELS}, "x: expected rows of real numbers, found <U32 [4, 2]"),
        ({"x": X * 1j, "y": LABELS}, "x: expected rows of real numbers, found complex128 [4, 2]"),
        ({"x": X, "y": np.zeros((4, 1, 1))}, "y: expected [rows] or [rows, outputs], found 3 axes"),
        (
            {"x": X, "y": LABELS, "test_x": X[:, :1], "test_y": LABELS},
            "test_x: expected 2 columns of values, as in x, found 1 columns of values",
        ),
        (
            {"x": X, "y": LABELS, "test_x": X, "test_y": LABELS / 2},
            "test_y: expected labels, as in y, found 1 columns of values",
        ),
        (
            {"x": X, "y": np.array([1, np.inf, 2, 3])},
            "y, row 1, column 0: expected a finite number, found inf",
        ),
        (
            {"x": X, "y": LABELS, "test_x": np.where(X == 3, -np.inf, X), "test_y": LABELS},
            "test_x, row 1, column 1: expected a finite number, found -inf",
        ),
        (
            {"x": NAN, "y": LABELS},
            "x, row 1, column 0: expected a finite number, found nan, and 5 more like it",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path, arrays, message):
    source = save(tmp_path, **arrays)
    with pytest.raises(TableError) as caught:
        read_table(source=source)
    assert str(caught.value) == f"{source}: {message}"


def test_what_is_pickled_is_not_loaded(tmp_path):
    source = save(tmp_path, x=np.array([{}, 1], object), y=LABELS[:2])
    with pytest.raises(
        TableError, match="x: expected rows of real numbers, found Python objects, which are not"
    ):
        read_table(source=source)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("empty", "found an empty file"),
        ("noise", "found another kind of file"),
        ("cut short", "found one that is cut short"),
        ("npy", "found a single array"),
        ("corrupt", "found one that is damaged"),
    ],
)
def test_a_file_that_is_no_archive_is_refused(tmp_path, kind, found):
    path = tmp_path / "data.npz"
    whole = tmp_path / "other.npz"
    np.savez_compressed(whole, x=X, y=LABELS)
    data = whole.read_bytes()
    if kind == "npy":
        with path.open("wb") as file:
            np.save(file, X)
    else:
        corrupt = data[:60] + bytes(40) + data[100:]
        contents = {"empty": b"", "noise": b"noise" * 9, "cut short": data[:-30], "corrupt": corrupt}
        path.write_bytes(contents[kind])
    with pytest.raises(TableError, match=rf"data\.npz: expected an \.npz file of plain arrays.*, {found}"):
        read_table(source=str(path))
