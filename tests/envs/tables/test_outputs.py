"""What is to be predicted: labels become one column a class, values stay."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.envs.errors import TableError
from touchline.envs.tables.outputs import MAX_CLASSES, note_of, outputs_of
from touchline.envs.tables.table import Found


def found(y, test_y=None, labels=()):
    y = np.array(y)
    test = {} if test_y is None else {"test_x": np.zeros((len(test_y), 1)), "test_y": np.array(test_y)}
    return Found(np.zeros((len(y), 1)), y, **test, labels=labels)


@pytest.mark.parametrize("classes", [None, True])
def test_labels_become_one_hot(classes):
    outputs = outputs_of("t", found([2, 0, 1], [1]), classes=classes)
    np.testing.assert_array_equal(outputs.y, [[0, 0, 1], [1, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(outputs.test_y, [[0, 1, 0]])
    assert (outputs.classes, outputs.labels) == (True, ("0", "1", "2"))
    assert outputs.y.dtype == np.float64


def test_labels_are_numbers_where_no_classes_are_wanted():
    outputs = outputs_of("t", found([2, -5, 1], [7]), classes=False)
    np.testing.assert_array_equal(outputs.y, [[2], [-5], [1]])
    np.testing.assert_array_equal(outputs.test_y, [[7]])
    assert (outputs.classes, outputs.labels, outputs.y.dtype) == (False, ("y0",), np.float64)


@pytest.mark.parametrize("classes", [None, False])
def test_values_stay_as_they_are(classes):
    outputs = outputs_of("t", found([[0.5, 1], [2, 3]], labels=("a", "b")), classes=classes)
    np.testing.assert_array_equal(outputs.y, [[0.5, 1], [2, 3]])
    assert (outputs.test_y, outputs.classes, outputs.labels) == (None, False, ("a", "b"))


def test_one_column_of_whole_numbers_may_be_classes():
    outputs = outputs_of("t", found([[0.0], [1.0], [1.0]], [[1.0]], labels=("xor",)), classes=True)
    np.testing.assert_array_equal(outputs.y, [[1, 0], [0, 1], [0, 1]])
    np.testing.assert_array_equal(outputs.test_y, [[0, 1]])
    assert (outputs.classes, outputs.labels) == (True, ("0", "1"))


def test_rows_with_a_single_one_may_be_classes():
    outputs = outputs_of("t", found([[0.0, 1.0], [1.0, 0.0]], labels=("cat", "dog")), classes=True)
    np.testing.assert_array_equal(outputs.y, [[0, 1], [1, 0]])
    assert (outputs.classes, outputs.labels) == (True, ("cat", "dog"))


HINT = "(for quantities say classes: false)"


@pytest.mark.parametrize(
    ("source", "classes", "message"),
    [
        (found([0, -1, 1]), None, f"t: y, row 1: expected a label from 0 to 1023 {HINT}, found -1"),
        (found([0, 1, 5000]), None, f"t: y, row 2: expected a label from 0 to 1023 {HINT}, found 5000"),
        (found([0, 1], [1, 2]), None, f"t: test_y, row 1: expected a label from 0 to 1 {HINT}, found 2"),
        (found([0, 1], [-1]), None, f"t: test_y, row 0: expected a label from 0 to 1 {HINT}, found -1"),
        (found([[0.5], [1.0]]), True, "t: y, row 0: expected a label, a whole number, found 0.5"),
        (found([[0.0], [1e300]]), True, "t: y, row 1: expected a label, a whole number, found 1e+300"),
        (
            found([[0.0], [1.0]], [[0.2]]),
            True,
            "t: test_y, row 0: expected a label, a whole number, found 0.2",
        ),
        (found([[0, 2.0]]), True, "t: classes: expected labels, or a 1 and else 0 in each row of y"),
        (found([[1.0, 1.0]]), True, "t: classes: expected labels, or a 1 and else 0 in each row of y"),
        (
            found([[1.0, 0.0]], [[0.0, 0.0]]),
            True,
            "t: classes: expected labels, or a 1 and else 0 in each row of test_y",
        ),
        (
            found([0, 0]),
            None,
            "t: expected from 2 to 1024 classes, found 1. For quantities say classes: false",
        ),
        (
            found([0, 1], labels=tuple(map(str, range(MAX_CLASSES + 1)))),
            None,
            "t: expected from 2 to 1024 classes, found 1025. For quantities say classes: false",
        ),
    ],
)
def test_labels_out_of_range_are_refused(source, classes, message):
    with pytest.raises(TableError) as caught:
        outputs_of("t", source, classes=classes)
    assert str(caught.value) == message


@pytest.mark.parametrize(("source", "classes"), [(found([-1] * 6), None), (found([[0.5]] * 6), True)])
def test_of_faults_alike_the_first_is_named_and_the_others_are_counted(source, classes):
    with pytest.raises(TableError, match=r"^t: y, row 0: .*, and 5 more like it$") as caught:
        outputs_of("t", source, classes=classes)
    assert str(caught.value).count("found") == 1


def test_several_columns_of_whole_numbers_are_no_labels_that_one_might_have_meant():
    assert note_of(outputs_of("t", found([[0.0, 1.0], [1.0, 1.0]]), classes=None)) == ""
