"""Spaces as a Player announces them: short, and as different from one another as they are."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest
from hypothesis import given
from policy_numerics import proven
from policy_spaces import nested_spaces

from touchline.policy.announcing import MAX_OWN_BOUNDS, announced, own_bounds, summarised
from touchline.policy.records import Record
from touchline.policy.spaces import Box, Dict, Discrete, SpaceError, Tuple, from_plain, to_plain

MANY = 9000
MESSAGE = 64 * 1024
ONE = Discrete(2)


def box(size, *, last=None):
    """Every element has bounds of its own; ``last`` stands for the last one's upper."""
    high = [float(i) for i in range(1, size + 1)]
    high[-1] = high[-1] if last is None else last
    return Box((size,), "float32", tuple(-float(i) for i in range(size)), tuple(high))


def plain(space):
    return announced(space, ONE)["observation"]


@pytest.mark.parametrize(
    "space",
    [
        box(MANY),
        Dict(("a", "b"), (box(MANY), ONE)),
        Tuple(tuple(box(200) for _ in range(30))),  # few each, many together
    ],
)
def test_many_bounds_are_short_to_say(space):
    wire = msgspec.msgpack.encode(plain(space))
    assert len(wire) < MESSAGE // 8
    assert from_plain(msgspec.msgpack.decode(wire)) == summarised(space)


def test_as_many_bounds_as_may_be_said_fit_on_both_sides():
    wire = msgspec.msgpack.encode(announced(box(MAX_OWN_BOUNDS), box(MAX_OWN_BOUNDS)))
    assert len(wire) < MESSAGE - 16 * 1024


@given(nested_spaces())
@proven(50)
def test_few_bounds_are_said_as_they_are(space):
    assert plain(space) == to_plain(space)
    assert summarised(space) == space


def test_what_is_summarised_has_the_widest_bounds_and_the_form_of_the_space():
    space = box(MANY)
    found = from_plain(plain(space))
    assert (set(found.low), set(found.high)) == ({-8999.0}, {9000.0})
    assert dataclasses.replace(found, low=space.low, high=space.high, digest="") == space
    assert summarised(found) == found
    assert plain(found) == plain(space)
    both = Dict(("a", "b"), (space, ONE))
    assert Record.of(from_plain(plain(both))).nbytes == Record.of(both).nbytes


def test_bounds_that_differ_anywhere_are_told_apart():
    inner = list(box(MANY).high)
    inner[MANY // 2] -= 0.5  # no extreme
    others = [box(MANY), box(MANY, last=1e6), dataclasses.replace(box(MANY), high=tuple(inner))]
    assert all(plain(one) != plain(other) for one in others for other in others if one is not other)
    assert plain(box(MANY)) == plain(box(MANY))


def test_zeros_are_equal_whatever_their_sign():
    space = box(MANY)
    negative = dataclasses.replace(space, low=(0.0, *space.low[1:]))
    positive = dataclasses.replace(space, low=(-0.0, *space.low[1:]))
    assert negative == positive
    assert plain(negative) == plain(positive)


def test_an_image_has_no_bounds_of_its_own_pixels():
    image = Box((84, 84, 4), "uint8", (0.0,) * 28224, (255.0,) * 28224)
    assert own_bounds(image) == 0
    assert plain(image)["high"] == 255.0
    assert own_bounds(Dict(("a", "b"), (image, box(7)))) == 7


def test_unbounded_numbers_are_summarised_too():
    space = dataclasses.replace(box(MANY), high=(1.0, *(np.inf,) * (MANY - 1)))
    assert set(from_plain(plain(space)).high) == {np.inf}


def test_actions_keep_their_bounds_or_are_refused():
    assert announced(ONE, box(MAX_OWN_BOUNDS))["action"] == to_plain(box(MAX_OWN_BOUNDS))
    said = f"action space: expected at most {MAX_OWN_BOUNDS} numbers with bounds of their own, found {MANY}"
    with pytest.raises(SpaceError, match=said):
        announced(ONE, box(MANY))
