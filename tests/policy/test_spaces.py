"""Spaces as plain data: there and back, and whatever a peer says instead refused by name."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven
from policy_spaces import nested_spaces

from touchline.policy.spaces import (
    Box,
    Dict,
    Discrete,
    MultiBinary,
    MultiDiscrete,
    SpaceError,
    Tuple,
    from_plain,
    leaves,
    raw_dtype,
    raw_shape,
    to_plain,
)

sizes = st.lists(st.integers(1, 4), max_size=3).map(tuple)


@st.composite
def boxes(draw):
    shape = draw(sizes)
    count = int(np.prod(shape))
    bounds = st.lists(st.floats(allow_nan=False), min_size=count, max_size=count).map(tuple)
    return Box(shape, draw(st.sampled_from(["float32", "float64", "uint8"])), draw(bounds), draw(bounds))


spaces = st.one_of(
    boxes(),
    st.builds(Discrete, st.integers(1, 9), st.integers(-5, 5)),
    st.builds(MultiDiscrete, st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)),
    st.builds(MultiBinary, sizes),
    nested_spaces(),
)


@given(spaces)
@proven(100)
def test_a_space_crosses_the_wire_and_is_equal(space):
    wire = msgspec.msgpack.encode(to_plain(space))
    assert from_plain(msgspec.msgpack.decode(wire)) == space
    assert hash(from_plain(msgspec.msgpack.decode(wire))) == hash(space)


PLAIN = {
    "box": {"kind": "box", "shape": [2], "dtype": "float32", "low": [0.0, 0.0], "high": [1.0, 1.0]},
    "discrete": {"kind": "discrete", "n": 2, "start": 0},
    "multi_discrete": {"kind": "multi_discrete", "nvec": [2, 3]},
    "multi_binary": {"kind": "multi_binary", "shape": [2]},
    "tuple": {"kind": "tuple", "spaces": [{"kind": "discrete", "n": 2}]},
    "dict": {"kind": "dict", "names": ["a", "b"], "spaces": [{"kind": "discrete", "n": 2}] * 2},
}
INNER = {"kind": "discrete", "n": 2}


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("box", {"kind": "graph"}, "expected a kind among box, discrete.*found 'graph'"),
        ("box", {"kind": None}, "expected a kind among"),
        ("box", {"kind": ["box"]}, r"expected a kind among.*found \['box'\]"),
        ("box", {"shape": [2, 2]}, "bounds: expected 4 of each, found 2 and 2"),
        ("box", {"low": [0.0]}, "bounds: expected 2 of each, found 1 and 2"),
        ("box", {"shape": 2}, "shape: expected a list of integers, found 2"),
        ("box", {"shape": [0]}, "shape: expected integers of at least 1, found 0"),
        ("box", {"shape": [2.0]}, "shape: expected integers of at least 1, found 2.0"),
        ("box", {"shape": b"\x02"}, "shape: expected a list of integers"),
        ("box", {"dtype": "object"}, "dtype: expected one of float16.*found 'object'"),
        ("box", {"dtype": 4}, "dtype: expected one of .* found 4"),
        ("box", {"low": ["a", "b"]}, "low: expected a list of numbers"),
        ("box", {"high": None}, "high: expected a list of numbers, found None"),
        ("box", {"colour": 1}, "colour"),
        ("discrete", {"n": 0}, "n: expected integers of at least 1, found 0"),
        ("discrete", {"n": True}, "n: expected integers of at least 1, found True"),
        ("discrete", {"start": "x"}, "start: expected an integer, found 'x'"),
        ("multi_discrete", {"nvec": [2, -1]}, "nvec: expected integers of at least 1, found -1"),
        ("multi_discrete", {"nvec": [[2]]}, r"nvec: expected integers of at least 1, found \[2\]"),
        ("multi_discrete", {"start": [1]}, "start: expected 2 or none, found 1"),
        ("multi_discrete", {"start": [1, "x"]}, "start: expected integers, found 'x'"),
        ("multi_discrete", {"start": 1}, "start: expected a list, found 1"),
        ("multi_discrete", {"shape": [3]}, r"shape: expected one of 2 numbers, found \[3\]"),
        ("multi_discrete", {"shape": [2, 0]}, "shape: expected integers of at least 1, found 0"),
        ("multi_binary", {"shape": "ab"}, "shape: expected a list of integers, found 'ab'"),
        ("multi_binary", {"shape": [10**9]}, "shape: expected at most 67108864 numbers, found 1000000000"),
        ("box", {"shape": [10**9], "low": 0, "high": 1}, "shape: expected at most 67108864 numbers"),
        ("box", {"shape": [10**6] * 9, "low": 0, "high": 1}, "shape: expected at most"),
        ("tuple", {"spaces": []}, "spaces: expected one at least, found none"),
        ("tuple", {"spaces": 3}, "spaces: expected a list, found 3"),
        ("tuple", {"spaces": [3]}, "space: expected a map with a kind, found 3"),
        (
            "tuple",
            {"spaces": [INNER | {"n": 0}]},
            "space discrete: n: expected integers of at least 1, found 0",
        ),
        ("tuple", {"names": ["a"]}, "names"),
        ("box", {"digest": 3}, "digest: expected at most 64 characters, found 3"),
        ("box", {"digest": "a" * 65}, "digest: expected at most 64 characters"),
        ("dict", {"names": ["a"]}, "names: expected one for each space, found 1 for 2"),
        ("dict", {"names": [], "spaces": []}, "names: expected one for each space, found 0 for 0"),
        ("dict", {"names": ["a", "a"]}, r"names: expected strings, each once, found \['a', 'a'\]"),
        ("dict", {"names": ["a", 2]}, "names: expected strings"),
        ("dict", {"names": "ab"}, "names: expected a list, found 'ab'"),
        ("discrete", {"spaces": [INNER]}, "spaces"),
    ],
)
def test_what_is_wrong_is_named(kind, changes, message):
    from_plain(PLAIN[kind])
    with pytest.raises(SpaceError, match=message):
        from_plain({**PLAIN[kind], **changes})


@pytest.mark.parametrize("kind", PLAIN)
def test_a_field_that_is_missing_is_named(kind):
    required = [name for name in PLAIN[kind] if name not in {"kind", "start"}]
    for name in required:
        with pytest.raises(SpaceError, match=name):
            from_plain({key: value for key, value in PLAIN[kind].items() if key != name})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@given(
    st.sampled_from(list(PLAIN)),
    st.dictionaries(
        st.sampled_from(["kind", "shape", "dtype", "low", "high", "n", "start", "nvec", "names", "spaces"]),
        anything,
    ),
)
@proven(150)
def test_anything_is_a_space_or_a_space_error(kind, changes):
    try:
        space = from_plain({**PLAIN[kind], **changes})
    except SpaceError:
        return
    np.dtype(raw_dtype(space))  # what it says of arrays can be meant
    raw_shape(space)
    hash(space)


@pytest.mark.parametrize(
    ("space", "shape", "dtype"),
    [
        (Box((2, 3), "uint8", (0.0,) * 6, (255.0,) * 6), (2, 3), "uint8"),
        (Box((), "float64", (0.0,), (1.0,)), (), "float64"),
        (Discrete(3), (), "int64"),
        (MultiDiscrete((2, 3, 4)), (3,), "int64"),
        (MultiDiscrete((2, 3, 4, 5), (), (2, 2)), (2, 2), "int64"),
        (MultiBinary((2, 2)), (2, 2), "int8"),
        (Tuple((Discrete(2), MultiBinary((9,)))), (24,), "uint8"),
        (Dict(("a",), (Box((3,), "float16", (0.0,) * 3, (1.0,) * 3),)), (8,), "uint8"),
    ],
)
def test_raw_values_in_arrays(space, shape, dtype):
    assert (raw_shape(space), raw_dtype(space)) == (shape, dtype)


def test_the_size_of_a_box_without_axes_is_one():
    assert Box((), "float32", (0.0,), (1.0,)).size == 1
    assert Box((2, 3), "float32", (0.0,) * 6, (1.0,) * 6).size == 6


def deep(levels):
    plain = {"kind": "discrete", "n": 2}
    for _ in range(levels):
        plain = {"kind": "tuple", "spaces": [plain]}
    return plain


def test_spaces_are_nested_so_deep_and_no_deeper():
    assert leaves(from_plain(deep(8))) == (((0,) * 8, Discrete(2)),)
    for levels in (9, 400):
        with pytest.raises(SpaceError, match="at most 8 Dict and Tuple in one another"):
            from_plain(deep(levels))


def test_a_space_of_too_many_leaves_is_refused():
    many = {"kind": "tuple", "spaces": [PLAIN["discrete"]] * 1025}
    with pytest.raises(SpaceError, match="at most 1024 leaves, found 1025"):
        from_plain(many)


def test_a_multi_discrete_without_a_start_starts_at_0():
    assert MultiDiscrete((2, 3)).starts == (0, 0)
    assert MultiDiscrete((2, 3), (1, -1)).starts == (1, -1)


def test_boxes_that_differ_in_bounds_alone_are_not_equal():
    low, high = (Box((1,), "float32", (0.0,), (bound,)) for bound in (1.0, 2.0))
    assert low != high
    assert hash(low) == hash(
        high
    )  # looked up each step: the bounds of an image would cost as much as a layer
