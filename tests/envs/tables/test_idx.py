"""idx files: every type, their names and folders, and every way in which they can be wrong."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from touchline.envs.errors import TableError
from touchline.envs.tables import read_table
from touchline.envs.tables.idx import parse_idx

IMAGES = np.arange(3 * 2 * 2, dtype=np.uint8).reshape(3, 2, 2)
LABELS = np.array([2, 0, 1], np.uint8)
CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array):
    """As the format says."""
    kind = f"{array.dtype.kind}{array.dtype.itemsize}"
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, CODES[kind], array.ndim, *array.shape)
    return header + array.astype(f">{kind}").tobytes()


def write_set(folder, *, dot=False, pack=False, test=True, prefix=""):
    """A set as its mirrors name it; images of the test set are those of the other, reversed."""
    for part, order in (("train", 1), ("t10k", -1))[: 1 + test]:
        for kind, array in (("images", IMAGES), ("labels", LABELS)):
            name = f"{prefix}{part}-{kind}{'.' if dot else '-'}idx{array.ndim}-ubyte{'.gz' if pack else ''}"
            data = idx_bytes(array[::order])
            (folder / name).write_bytes(gzip.compress(data) if pack else data)
    return str(folder)


def refusal(source):
    with pytest.raises(TableError) as caught:
        read_table(source=str(source))
    return str(caught.value)


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 3, 2), (0, 5)])
def test_every_type_and_shape_is_read(dtype, shape):
    array = (np.arange(np.prod(shape)).reshape(shape) * 3).astype(dtype)
    read = parse_idx(idx_bytes(array), place="t")
    np.testing.assert_array_equal(read, array)
    assert (read.dtype, read.dtype.isnative) == (array.dtype, True)


def test_the_magic_number_of_mnists_images():
    assert idx_bytes(IMAGES)[:8] == b"\x00\x00\x08\x03\x00\x00\x00\x03"


@pytest.mark.parametrize("dot", [False, True])
@pytest.mark.parametrize("pack", [False, True])
def test_a_folder_is_read_whatever_its_mirror_named_it(tmp_path, dot, pack):
    table = read_table(source=write_set(tmp_path, dot=dot, pack=pack))
    np.testing.assert_array_equal(table.x, IMAGES.reshape(3, 4))
    np.testing.assert_array_equal(table.y, np.eye(3)[LABELS])
    np.testing.assert_array_equal(table.test_x, IMAGES[::-1].reshape(3, 4))
    np.testing.assert_array_equal(table.test_y, np.eye(3)[LABELS[::-1]])
    assert (table.name, table.classes, table.labels) == (tmp_path.name, True, ("0", "1", "2"))


def test_without_a_test_set_rows_can_be_held_out(tmp_path):
    source = write_set(tmp_path, test=False)
    assert len(read_table(source=source).test_x) == 0
    table = read_table(source=source, test=1)
    assert (len(table.x), len(table.test_x)) == (2, 1)


def test_a_file_that_is_not_packed_comes_before_one_that_is(tmp_path):
    write_set(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(b"never read")
    assert read_table(source=str(tmp_path)).classes


@pytest.mark.parametrize("file", ["a-train-images-idx3-ubyte", "a-t10k-labels-idx1-ubyte"])
def test_one_file_names_its_set_among_several(tmp_path, file):
    write_set(tmp_path, prefix="a-", test=True)
    write_set(tmp_path, prefix="b-", test=False)
    assert len(read_table(source=str(tmp_path / file)).test_x) == 3
    expected = f"{tmp_path}: expected one set of idx files, found those of 'a-', 'b-'. Give one of the files"
    assert refusal(tmp_path) == expected


@pytest.mark.parametrize(
    ("scale", "dtype"), [("none", "f8"), ("unit", "f4"), ("standard", "f8"), ("binary", "f4")]
)
def test_images_are_kept_narrow_where_that_loses_nothing(tmp_path, scale, dtype):
    table = read_table(source=write_set(tmp_path), scale=scale)
    assert (table.x.dtype, table.test_x.dtype) == (dtype, dtype)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected an idx file, which begins with 0, 0 and a type code, found an empty file"),
        (b"\x89PNG", "expected an idx file, which begins with 0, 0 and a type code, found the bytes 137, 80, 78, 71"),
        (b"\0\0\x08", "expected an idx file, which begins with 0, 0 and a type code, found the bytes 0, 0, 8"),
        (b"\0\0\x0a\1", "expected an idx file, which begins with 0, 0 and a type code, found the bytes 0, 0, 10, 1"),
        (idx_bytes(IMAGES)[:9], "cut short: expected a header of 16 bytes, the file has 9"),
        (idx_bytes(IMAGES)[:-1], "cut short: the header says 3 x 2 x 2, 12 bytes, and 11 follow it"),
        (idx_bytes(IMAGES) + b"\0", "too long: the header says 3 x 2 x 2, 12 bytes, and 13 follow it"),
        (
            b"\0\0\x08\3" + b"\xff" * 12,
            "cut short: the header says 4294967295 x 4294967295 x 4294967295, "
            "79228162458924105385300197375 bytes, and 0 follow it",
        ),
    ],
)  # fmt: skip
def test_a_file_that_is_not_whole_is_refused(tmp_path, data, message):
    write_set(tmp_path)
    file = tmp_path / "train-images-idx3-ubyte"
    file.write_bytes(data)
    assert refusal(tmp_path) == f"{file}: {message}"


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:15] + b"x" * 9 + data[24:]])
def test_a_packed_file_that_does_not_unpack_is_refused(tmp_path, damage):
    write_set(tmp_path, pack=True)
    file = tmp_path / "train-images-idx3-ubyte.gz"
    file.write_bytes(damage(file.read_bytes()))
    assert refusal(tmp_path).startswith(
        f"{file}: expected a whole gzip file, found one that does not unpack: "
    )


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("train-labels-idx1-ubyte", "no file of train labels"),
        ("train-images-idx3-ubyte", "no file of train images"),
        ("t10k-labels-idx1-ubyte", "no file of test labels"),
    ],
)
def test_images_come_with_labels(tmp_path, missing, message):
    write_set(tmp_path)
    (tmp_path / missing).unlink()
    names = "train-images-idx3-ubyte and train-labels-idx1-ubyte, with or without .gz"
    assert refusal(tmp_path) == f"{tmp_path}: {message}. A set is files named {names}"


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    assert refusal(tmp_path) == (
        f"{tmp_path}: expected idx files named train-images-idx3-ubyte and train-labels-idx1-ubyte, "
        "with or without .gz, found none"
    )


@pytest.mark.parametrize(
    ("file", "array", "message"),
    [
        ("train-images-idx3-ubyte", LABELS, "train images: expected two axes or more, found 1"),
        ("train-labels-idx1-ubyte", IMAGES, "train labels: expected whole numbers on one axis, found 3 axes"),
        ("train-labels-idx1-ubyte", LABELS[:2], "expected as many rows in y as in x, 3, found 2"),
        ("t10k-labels-idx1-ubyte", LABELS[:1], "expected as many rows in test_y as in test_x, 3, found 1"),
        ("t10k-images-idx3-ubyte", IMAGES[:, :1], "expected images of 4 numbers to test on, found 2"),
        (
            "t10k-labels-idx1-ubyte",
            LABELS + np.uint8(1),
            "test_y, row 0: expected a label from 0 to 2 (for quantities say classes: false), found 3",
        ),
    ],
)
def test_images_and_labels_that_do_not_belong_together_are_refused(tmp_path, file, array, message):
    write_set(tmp_path)
    if file == "t10k-labels-idx1-ubyte":
        array = array[np.argsort(-array.astype(int))]
    (tmp_path / file).write_bytes(idx_bytes(array))
    assert refusal(tmp_path) == f"{tmp_path}: {message}"
