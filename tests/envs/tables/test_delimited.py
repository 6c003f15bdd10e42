"""CSV files: headers, targets and labels, and the line and column of what is wrong."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from touchline.envs.errors import TableError
from touchline.envs.tables import read_table

PLAIN = "1,2,3\n4,5,6\n7,8,9\n"
NAMED = "a,b,c\n" + PLAIN
A_NUMBER = "expected a number (for labels say classes: true), found nothing"
FLOWERS = "1.5,2,rose\n3,4,iris\n5,6,rose\n"


def write(folder, text, name="data.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def read(folder, text, **request):
    return read_table(source=write(folder, text), **request)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        NAMED,
        NAMED.replace(",", ";"),
        NAMED.replace(",", "\t"),
        NAMED.replace("\n", "\r\n"),
        "\ufeff" + NAMED,
        "\n\n" + NAMED.replace("\n", "\n\n"),
        NAMED.replace(",", " , "),
        '"a, the first","b ""quoted""","c\nover two lines"\n' + PLAIN,
        PLAIN.replace("1,", "+1.0e0,"),
        "0,1,c\n" + PLAIN,
    ],
)
def test_the_numbers_are_read_however_they_are_written(tmp_path, text):
    table = read(tmp_path, text)
    np.testing.assert_array_equal(table.x, [[1, 2], [4, 5], [7, 8]])
    np.testing.assert_array_equal(table.y, [[3], [6], [9]])
    assert (table.x.dtype, table.y.dtype, table.classes) == (np.float64, np.float64, False)


def test_every_number_is_read_to_its_last_bit(tmp_path):
    numbers = np.random.default_rng(0).standard_normal((20, 3)) * 10.0 ** np.arange(-150, 150, 5).reshape(
        20, 3
    )
    text = "".join(",".join(map(repr, row)) + "\n" for row in numbers.tolist())
    table = read(tmp_path, text)
    np.testing.assert_array_equal(np.hstack([table.x, table.y]), numbers)


def test_a_packed_file_is_read(tmp_path):
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(NAMED.encode("utf-8-sig")))
    table = read_table(source=str(path), target="a")
    np.testing.assert_array_equal(table.y, [[1], [4], [7]])


@pytest.mark.parametrize(
    ("target", "inputs", "outputs", "labels"),
    [
        (None, [0, 1], [2], ("c",)),
        ("a", [1, 2], [0], ("a",)),
        (1, [0, 2], [1], ("b",)),
        (-3, [1, 2], [0], ("a",)),
        (("c", "a"), [1], [2, 0], ("c", "a")),
        ((0, "b"), [2], [0, 1], ("a", "b")),
    ],
)
def test_the_target_is_named_or_numbered(tmp_path, target, inputs, outputs, labels):
    table = read(tmp_path, NAMED, target=target)
    whole = np.arange(1.0, 10).reshape(3, 3)
    np.testing.assert_array_equal(table.x, whole[:, inputs])
    np.testing.assert_array_equal(table.y, whole[:, outputs])
    assert table.labels == labels


def test_a_target_by_name_says_that_there_is_a_header(tmp_path):
    table = read(tmp_path, "0,1,2\n" + PLAIN, target="2")
    np.testing.assert_array_equal(table.y, [[3], [6], [9]])


@pytest.mark.parametrize("header", ["", "x,y,kind\n"])
@pytest.mark.parametrize("text", [FLOWERS, FLOWERS.replace(",", " , ").replace("iris", " iris ")])
def test_text_becomes_classes_by_the_alphabet(tmp_path, header, text):
    table = read(tmp_path, header + text)
    np.testing.assert_array_equal(table.x, [[1.5, 2], [3, 4], [5, 6]])
    np.testing.assert_array_equal(table.y, [[0, 1], [1, 0], [0, 1]])
    assert (table.classes, table.labels) == (True, ("iris", "rose"))


def test_numbers_become_classes_by_their_values_where_asked(tmp_path):
    table = read(tmp_path, "5,10\n6,9\n7,-1\n8,10\n", classes=True)
    np.testing.assert_array_equal(table.y, [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1]])
    assert (table.classes, table.labels) == (True, ("-1", "9", "10"))


@pytest.mark.parametrize(
    ("cells", "numbers", "labels"),
    [
        (["1.0", "1", "0", "1e0"], [1, 1, 0, 1], ("0", "1")),
        (["-0", "0.0", "2"], [0, 0, 1], ("-0", "2")),
        (
            ["9007199254740993", "9007199254740992", "1"],
            [2, 1, 0],
            ("1", "9007199254740992", "9007199254740993"),
        ),
        (["1", "1.0", "x"], [0, 1, 2], ("1", "1.0", "x")),  # names, not numbers
    ],
)
def test_equal_numbers_are_one_class(tmp_path, cells, numbers, labels):
    table = read(tmp_path, "a,b\n" + "".join(f"1,{cell}\n" for cell in cells), classes=True)
    assert table.y.argmax(axis=1).tolist() == numbers
    assert table.labels == labels


def test_columns_of_one_and_zeros_are_classes_where_asked(tmp_path):
    table = read(tmp_path, "x,cat,dog\n5,1,0\n6,0,1\n", classes=True, target=("cat", "dog"))
    np.testing.assert_array_equal(table.y, [[1, 0], [0, 1]])
    assert (table.classes, table.labels) == (True, ("cat", "dog"))


@pytest.mark.parametrize(
    ("text", "request_", "message"),
    [
        ("1,2\n3,\n", {}, "line 2, column 1: expected a number (for labels say classes: true), found nothing"),
        ("a,b\n1,\n3,4\n", {}, "line 2, column 1 ('b'): " + A_NUMBER),
        ("1,NA\n3,4\n", {}, "line 1, column 1: expected a number (for labels say classes: true), found 'NA'"),
        ("1,?\n3,x\n", {"classes": True}, "line 1, column 1: expected a label, found '?'"),
        ("a,b\n1,2\nNA,4\n", {}, "line 3, column 0 ('a'): expected a number, found 'NA'"),
        ("a,b\n1,2\n\nnan,4\n", {}, "line 4, column 0 ('a'): expected a number, found 'nan'"),
        ("a,b\n1,2\ninf,4\n", {}, "line 3, column 0 ('a'): expected a number, found 'inf'"),
        ("?,2\n3,4\n", {}, "line 1, column 0: expected a number, found '?'"),
        (" a , b\n ,2\n3,4\n", {}, "line 2, column 0 ('a'): expected a number, found nothing"),
        ("a,b,c\n1,2,3\n4,5\n", {}, "line 3: expected 3 columns, found 2"),
        ("1,2\n3,4,5\n", {}, "line 2: expected 2 columns, found 3"),
        ("1,2\n3,x\n", {}, "line 2, column 1: expected a number (for labels say classes: true), found 'x'"),
        ("1,x\n2,\n", {}, "line 2, column 1: expected a label, found nothing"),
        ("1,x\n2, \n", {}, "line 2, column 1: expected a label, found nothing"),
        ("1,x\n2,?\n", {}, "line 2, column 1: expected a label, found '?'"),
        (
            "1,rose\n",
            {"classes": False},
            "line 1, column 1: expected a number (for labels say classes: true), found 'rose'",
        ),
        (
            "a,b\nx,2\n3\n4,5\n",
            {},
            "line 2, column 0 ('a'): expected a number, found 'x'; line 3: expected 2 columns, found 1",
        ),
        ("", {}, "expected rows, found an empty file"),
        (" \n\n", {}, "expected rows, found an empty file"),
        ("a,b\n", {}, "expected rows, found a header alone"),
        ("1\n2\n", {}, "expected a column of inputs beside the target, found 1 columns"),
        ('1,2\n"3,4\n', {}, "line 2: unexpected end of data"),
        (NAMED, {"target": "d"}, "target: no column is named 'd'. Columns: a, b, c"),
        (
            "mass,size\n1,2\n",
            {"target": "sise"},
            "target: no column is named 'sise'. Did you mean 'size'? Columns: mass, size",
        ),
        ("a,a,b\n1,2,3\n", {"target": "a"}, "target: several columns are named 'a'. Columns: a, a, b"),
        (NAMED, {"target": 3}, "target: expected a column from 0 to 2 (or -1 for the last), found 3"),
        (NAMED, {"target": -4}, "target: expected a column from 0 to 2 (or -1 for the last), found -4"),
        (NAMED, {"target": ("a", 0)}, "target: expected one column or several, each once, found ('a', 0)"),
        (NAMED, {"target": ()}, "target: expected one column or several, each once, found ()"),
        (NAMED, {"target": (0, 1, 2)}, "expected a column of inputs beside the target, found 3 columns"),
        ("1,x\n2,x\n", {}, "expected from 2 to 1024 classes, found 1. For quantities say classes: false"),
    ],
)  # fmt: skip
def test_line_and_column_of_what_is_wrong_are_named(tmp_path, text, request_, message):
    source = write(tmp_path, text)
    with pytest.raises(TableError) as caught:
        read_table(source=source, **request_)
    assert str(caught.value) == f"{source}: {message}"


@pytest.mark.parametrize("end", ["", '"'])  # what follows them may be no line at all
def test_of_faults_alike_the_first_is_named_and_the_others_are_counted(tmp_path, end):
    source = write(tmp_path, "a,b\n" + "x,1\n" * 149 + "3\n" + "y,1\n" + end)
    with pytest.raises(TableError) as caught:
        read_table(source=source)
    assert str(caught.value) == (
        f"{source}: line 2, column 0 ('a'): expected a number, found 'x', and 149 more like it; "
        "line 151: expected 2 columns, found 1"
    )


def test_so_many_faults_are_enough(tmp_path):
    source = write(tmp_path, "a,b\n" + "x,1\n" * 12_000)
    with pytest.raises(TableError, match=r"found 'x', and 9,999 more like it; and more$"):
        read_table(source=source)


def test_five_kinds_of_faults_are_named(tmp_path):
    source = write(tmp_path, "a,b,c,d,e,f,g\n" + "x,x,x,x,x,x,1\n")
    with pytest.raises(TableError, match=r"'e'\): expected a number, found 'x'; and more$"):
        read_table(source=source)


def test_labels_in_several_columns_are_not_to_be_had_by_asking_for_classes(tmp_path):
    source = write(tmp_path, "x,cat,dog\n5,yes,no\n")
    for classes in (None, True):
        with pytest.raises(TableError, match=r"found 'yes'; .*labels are of one column: name it alone"):
            read_table(source=source, target=("cat", "dog"), classes=classes)


@pytest.mark.parametrize("name", ["data.csv", "data.csv.gz"])
def test_bytes_that_are_no_text_are_named_with_their_line(tmp_path, name):
    path = tmp_path / name
    data = b"caf\xc3\xa9,b\n" + b"1,2\n" * 5_000 + b"caf\xe9,3\n"
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    with pytest.raises(TableError) as caught:
        read_table(source=str(path))
    assert str(caught.value) == (
        f"{path}: line 5002: expected text in UTF-8, found the byte 0xe9. "
        "Save it as UTF-8, or: iconv -f latin1 -t utf-8 FILE > NEW"
    )


def test_a_byte_that_no_csv_has_is_refused(tmp_path):
    with pytest.raises(TableError, match=r"data\.csv: line 2"):
        read(tmp_path, "1,2\n\0,3\n")


@pytest.mark.parametrize(
    ("cells", "classes", "noted"),
    [
        (
            ["2", "0", "1", "0"],
            None,
            "'b' has 3 different whole numbers, taken as quantities; for labels set ",
        ),
        (["0", "1", "1e0"], None, "'b' has 2 different whole numbers"),
        (["2", "0", "1"], False, ""),
        (["2", "0", "1"], True, ""),
        (["2", "0.5", "1"], None, ""),
        (list(map(str, range(11))), None, ""),
        (["rose", "iris"], None, ""),
    ],
)
def test_few_whole_numbers_are_noted_as_taken_for_quantities(tmp_path, cells, classes, noted):
    table = read(tmp_path, "a,b\n" + "".join(f"1,{cell}\n" for cell in cells), classes=classes)
    assert table.note.startswith(noted)
    assert bool(table.note) == bool(noted)


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"1,2\n3,4\n"])
def test_a_packed_file_that_does_not_unpack_is_refused(tmp_path, damage):
    path = tmp_path / "data.csv.gz"
    path.write_bytes(damage(gzip.compress(NAMED.encode() * 50)))
    with pytest.raises(TableError, match=r"data\.csv\.gz: expected a whole gzip file"):
        read_table(source=str(path))
