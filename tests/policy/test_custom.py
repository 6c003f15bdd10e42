"""Networks of the user's own: found, made, tried, and spoken to as any other torso."""

from __future__ import annotations

import re
from pathlib import Path

import custom_networks
import numpy as np
import pytest
from policy_trajectories import policy_of
from torsos import prove

from touchline.policy.custom import CustomTorso, NetworkError, custom_torso, find_class, made
from touchline.policy.spaces import Box, SpaceError

RESIDUAL = "custom_networks:Residual"
FILE = Path(custom_networks.__file__)


def torso_of(name="Residual", features=4, shape=(4,), **kwargs):
    return custom_torso(f"custom_networks:{name}", kwargs, features=features, shape=shape)


def given(method, value):
    return CustomTorso(custom_networks.Given(4, method, value), reference="mine:Given", features=4)


@pytest.mark.parametrize("relu", [False, True])
def test_it_is_a_torso_like_any_other(relu):
    rng = np.random.default_rng(0)
    prove(torso_of(relu=relu), rng.standard_normal((3, 4)), rng)


def test_shapes_are_those_of_its_arrays():
    torso = torso_of(width=7, blocks=1)
    assert torso.shapes == {"in": (4, 7), "0/weight": (7, 7), "0/bias": (7,)}
    assert torso.kept == ((7,), (7,), (7,))
    assert torso.size == 7


def test_it_begins_as_it_says_itself():
    torso = torso_of()
    views = {name: np.full(shape, np.nan, np.float32) for name, shape in torso.shapes.items()}
    torso.init(views, np.random.default_rng(5))
    for name, expected in custom_networks.Residual(4).init(np.random.default_rng(5)).items():
        np.testing.assert_array_equal(views[name], expected.astype(np.float32))


@pytest.mark.parametrize("place", ["custom_networks", str(FILE)])
def test_a_class_is_found_in_a_module_and_in_a_file(place):
    assert find_class(f"{place}:Residual").__name__ == "Residual"


def test_the_shape_of_an_observation_is_told_to_who_asks():
    assert made("custom_networks:Shaped", {"width": 3}, features=6, shape=(2, 3)).shape == (2, 3)
    assert made("custom_networks:Shaped", {"shape": (6,)}, features=6, shape=(2, 3)).shape == (6,)
    assert not hasattr(made(RESIDUAL, {}, features=6, shape=(2, 3)), "shape")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("Residual", "policy.network: expected package.module:Class or path/file.py:Class, found 'Residual'"),
        ("no_such_module_at_all:Net", "no_such_module_at_all:Net: no module 'no_such_module_at_all'"),
        ("custom_networks:Residul", "custom_networks has no 'Residul'. Did you mean 'Residual'"),
        ("custom_networks:not_a_class", "expected a class, found int"),
        (f"{FILE.parent}/custom_network.py:Net", "custom_network.py. Did you mean 'custom_networks.py'?"),
        ("custom_networks:Raises", "making it with (4) raised ValueError: an even width is wanted"),
        ("custom_networks:NoBackward", "expected the methods init, forward, backward, found no backward"),
        ("custom_networks:RaisesInInit", "custom_networks:RaisesInInit: init raised KeyError: 'width'"),
    ],
)
def test_what_cannot_be_made_is_told(reference, said):
    with pytest.raises(NetworkError, match=re.escape(said)):
        custom_torso(reference, {}, features=4, shape=(4,))


def test_a_file_that_fails_is_told(tmp_path):
    (tmp_path / "broken_net.py").write_text("1 / 0\n")
    with pytest.raises(
        NetworkError, match=r"importing .*broken_net\.py raised ZeroDivisionError: division by zero"
    ):
        find_class(f"{tmp_path}/broken_net.py:Net")


def test_arguments_that_it_does_not_take_are_told():
    said = r"making it with \(4, wdth=3\) raised TypeError: .*unexpected keyword argument 'wdth'"
    with pytest.raises(NetworkError, match=said):
        torso_of(wdth=3)


def test_what_it_raises_while_it_is_used_is_told_with_its_line():
    torso = torso_of("RaisesAlone")
    p = {name: np.zeros(shape, np.float32) for name, shape in torso.shapes.items()}
    with pytest.raises(
        NetworkError, match=r"RaisesAlone: forward raised IndexError: one row \(custom_networks\.py:\d+\)"
    ):
        torso.forward(p, np.zeros((1, 4), np.float32))
    kept = torso.forward(p, np.zeros((2, 4), np.float32))
    with pytest.raises(NetworkError, match=r"RaisesAlone: backward raised ValueError: .*\.py:\d+\)"):
        torso.backward(p, np.zeros((2, 4), np.float32), kept, np.zeros((2, 3), np.float32), p)


GOOD = custom_networks.Residual(4).init(np.random.default_rng(0))
HIDDEN = np.zeros((3, 5), np.float32)


@pytest.mark.parametrize(
    ("method", "value", "said"),
    [
        ("init", [1], "init: expected a dict of arrays by name, found list"),
        ("init", {3: np.zeros(2)}, "init: expected names that are text, found 3"),
        ("init", {"w": 3.0}, "init: w: expected an array of finite floats, found float"),
        ("init", {"w": np.zeros(2, int)}, "init: w: expected an array of finite floats, found int64 [2]"),
        (
            "init",
            {"w": np.array([1, np.nan])},
            "w: expected an array of finite floats, found float64 [2] with numbers that are not finite",
        ),
        ("forward", HIDDEN, "forward: expected a list of arrays, the last the output, found float32 [3, 5]"),
        ("forward", [], "forward: expected a list of arrays, the last the output, found an empty list"),
        (
            "forward",
            [HIDDEN, HIDDEN.astype("float64")],
            "array 2 of 2: expected float32 [3, F], the output for float32 inputs [3, 4], found float64 [3, 5]",
        ),
        ("forward", [HIDDEN > 0, HIDDEN], "array 1 of 2: expected float32 [3, ...] for"),
        ("forward", [HIDDEN[:2], HIDDEN], "expected float32 [3, ...] for float32 inputs [3, 4], found float32 [2, 5]"),
        ("forward", [HIDDEN[:, 0]], "found float32 [3]"),
        ("forward", [np.float32(1), HIDDEN], "found float32"),
        ("backward", None, "expected a gradient for each of 0/bias, 0/weight, 1/bias, 1/weight, in, found NoneType"),
        ("backward", {"in": GOOD["in"]}, "found a dict of in"),
        ("backward", GOOD | {"in": GOOD["in"].T}, "in: expected floats [4, 5] as init gave, found float64 [5, 4]"),
        ("backward", GOOD | {"in": None}, "backward: in: expected floats [4, 5] as init gave, found NoneType"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_told(method, value, said):
    with pytest.raises(NetworkError, match=re.escape(said)):
        given(method, value)


def test_float64_parameters_become_float32_when_they_are_tried():
    """A network that follows the dtype of its parameters is given float32 ones."""
    assert torso_of().size == 5


def test_a_policy_has_one_for_actions_and_one_for_values():
    policy = policy_of(network=RESIDUAL, network_kwargs={"width": 6, "blocks": 1})
    names = {slot.name: slot.shape for slot in policy.network.layout.slots}
    assert names["policy/in"] == names["value/in"] == (3, 6)
    assert names["policy/head/weight"] == (6, 3)
    shared = policy_of(network=RESIDUAL, shared=True)
    assert {slot.name for slot in shared.network.layout.slots} >= {"torso/in", "torso/1/bias"}


def test_a_policy_tells_the_shape_of_its_observations():
    grid = Box((2, 3), "uint8", (0.0,) * 6, (9.0,) * 6)
    policy = policy_of(observed=grid, network="custom_networks:Shaped")
    assert policy.network.torso.network.shape == (2, 3)


def test_it_is_refused_where_spaces_are():
    with pytest.raises(SpaceError, match="has no 'Nothing'"):
        policy_of(network="custom_networks:Nothing")
