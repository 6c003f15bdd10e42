"""The check of a user's network: a right one passes, and each way of being wrong is told for what it is."""

from __future__ import annotations

import custom_networks
import numpy as np
import pytest

from touchline.policy import custom_check
from touchline.policy.custom import NetworkError
from touchline.policy.custom_check import SAMPLES, TOLERANCE, check_network


def tried(name, **kwargs):
    return check_network(f"custom_networks:{name}", kwargs, features=4, shape=(4,))


def only_fault(name):
    (fault,) = tried(name).faults
    return fault


@pytest.mark.parametrize("kwargs", [{}, {"relu": True, "width": 9}, {"blocks": 0}])
def test_a_right_network_passes(kwargs):
    found = tried("Residual", **kwargs)
    assert found.faults == ()
    assert found.size == kwargs.get("width", 5)
    assert {one.name for one in found.measured} == set(
        custom_networks.Residual(4, **kwargs).init(np.random.default_rng(0))
    )
    for one in found.measured:
        assert one.error < TOLERANCE / 100
        assert 0 < one.samples <= SAMPLES


def test_a_wrong_gradient_is_told_with_its_array_and_how_wrong_it_is():
    found = tried("WrongBias")
    (fault,) = found.faults
    assert fault.where == "backward: 1/bias"
    assert fault.found.endswith(f"off by 1.0e+00 of the largest of {5} tried")
    wrong = {one.name: one for one in found.measured if one.error > TOLERANCE}
    assert wrong.keys() == {"1/bias"}
    assert wrong["1/bias"].found == pytest.approx(2 * wrong["1/bias"].expected)


def test_one_wrong_row_of_a_matrix_is_found():
    found = tried("WrongElement")
    (fault,) = found.faults
    assert fault.where == "backward: 0/weight"
    assert next(one for one in found.measured if one.name == "0/weight").at[0] == 1


def test_a_small_mistake_is_found_and_the_tolerance_is_what_finds_it(monkeypatch):
    def slightly(self, parameters, x, kept, d):
        gradient = custom_networks.Residual.backward(self, parameters, x, kept, d)
        return gradient | {"in": gradient["in"] * (1 + 3 * TOLERANCE)}

    monkeypatch.setattr(custom_networks.WrongBias, "backward", slightly)
    assert only_fault("WrongBias").where == "backward: in"
    monkeypatch.setattr(custom_check, "TOLERANCE", 10 * TOLERANCE)
    assert tried("WrongBias").faults == ()


@pytest.mark.parametrize(
    ("name", "where", "expected", "found"),
    [
        ("Remembers", "backward", "all it needs", "has no attribute 'kept' (custom_networks.py:"),
        ("RemembersClass", "backward", "all it needs", "another gradient of in in a new object"),
        ("Noisy", "forward: the output", "the same numbers from the same inputs", "others the second time"),
        ("BatchNorm", "forward: array 1 of 5", "each row by itself", "another first row when it is alone"),
        ("Mean", "backward: ", "a sum over the rows", "that of the rows one by one is another"),
        ("OwnSeed", "init: in", "equal parameters from equal generators", "draw from rng alone"),
        ("Float32", "forward: array 1 of 5", "float64 from float64 parameters", "float32"),
        ("NoNumberBack", "backward: in", "finite numbers", "nan"),
        ("SpoilsInputs", "forward", "x left as it is", "it was changed"),
        ("SpoilsParameters", "backward", "in left as it is", "it was changed"),
        ("SpoilsKept", "backward", "array 1 of what forward gave left as it is", "it was changed"),
    ],
)
def test_each_way_of_being_wrong(name, where, expected, found):
    fault = tried(name).faults[0]
    assert fault.where.startswith(where)
    assert expected in fault.expected
    assert found in fault.found


def test_nothing_is_measured_while_anything_else_is_wrong():
    assert tried("Mean").measured == ()


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_an_output_that_is_no_number():
    assert [fault.found for fault in tried("NotANumber").faults] == ["nan"]


def test_what_raises_only_now_is_told_as_what_raises_at_once():
    with pytest.raises(NetworkError, match="RaisesAlone: forward raised IndexError: one row"):
        tried("RaisesAlone")
    with pytest.raises(NetworkError, match="has no 'Nobody'"):
        tried("Nobody")


def test_an_element_at_a_corner_is_passed_over(monkeypatch):
    monkeypatch.setattr(custom_check, "AWAY", 0.0)
    found = tried("Corners")
    assert found.faults == ()
    (one,) = found.measured
    assert (one.shape, one.samples) == ((4, 3), 9)


def test_an_array_of_nothing_but_corners_is_not_passed(monkeypatch):
    """Whatever its gradient is, nothing was held against it."""
    monkeypatch.setattr(custom_check, "AWAY", 0.0)
    found = tried("OnlyCorners")
    (fault,) = found.faults
    assert fault.where == "backward: v"
    assert fault.found == "none: forward has a corner or a step at each of the 12, so it cannot be judged"
    assert {one.name: one.samples for one in found.measured} == {"w": 12, "v": 0, "empty": 0}


def test_corners_near_an_element_are_no_faults():
    found = tried("Zigzag")
    assert found.faults == ()
    (one,) = found.measured
    assert one.samples == SAMPLES


def test_corners_hide_nothing_that_is_wrong():
    (fault,) = tried("Zigzag", wrong=True).faults
    assert fault.where == "backward: w"


def test_equal_seeds_try_alike():
    assert tried("WrongBias") == tried("WrongBias")
    other = check_network("custom_networks:WrongBias", {}, features=4, shape=(4,), seed=1)
    assert other.measured[0].error != tried("WrongBias").measured[0].error
