"""The kinds of ``policy.convolutions`` and ``staleness.inject``: words and lists, and what neither is."""

from __future__ import annotations

from typing import Any

import pytest

from touchline.configs.filters import CONVOLUTIONS, LARGE, SMALL, Convolution
from touchline.configs.kinds import UnfitError
from touchline.configs.lags import LAGS


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("small", SMALL),
        ("large", LARGE),
        ([], ()),
        ([{"filters": 8, "size": 3}], (Convolution(8, 3, 1, 0),)),
        ([{"filters": "1k", "size": 3, "stride": 2, "padding": 1}], (Convolution(1000, 3, 2, 1),)),
        (SMALL, SMALL),
    ],
)
def test_convolutions_are_a_published_network_or_a_list(value: Any, read: tuple[Convolution, ...]) -> None:
    assert CONVOLUTIONS.parse(value) == read


@pytest.mark.parametrize(
    "value",
    [
        "medium",
        None,
        [8, 3],
        [{"filters": 8}],
        [{"filters": 0, "size": 3}],
        [{"filters": 8, "size": 3, "padding": -1}],
        [{"filters": 8, "size": 3, "pading": 1}],
    ],
)
def test_what_is_no_convolution_is_refused(value: Any) -> None:
    with pytest.raises(UnfitError):
        CONVOLUTIONS.parse(value)


def test_the_published_networks_are_those_of_the_papers() -> None:
    assert [(layer.filters, layer.size, layer.stride) for layer in SMALL] == [(16, 8, 4), (32, 4, 2)]
    assert [(layer.filters, layer.size, layer.stride) for layer in LARGE] == [
        (32, 8, 4),
        (64, 4, 2),
        (64, 3, 1),
    ]


@pytest.mark.parametrize(
    ("value", "read"),
    [(None, None), (0, 0), (4, 4), ([0, 1, 2], (0, 1, 2)), ((3,), (3,)), ("runs/7", "runs/7"), ("4", 4)],
)
def test_lags_are_one_or_several_or_a_run(value: Any, read: Any) -> None:
    assert LAGS.parse(value) == read


@pytest.mark.parametrize("value", [-1, 0.5, [], [1, -1], [1, "x"], True, {"lag": 1}, ""])
def test_what_is_no_lag_is_refused(value: Any) -> None:
    with pytest.raises(UnfitError):
        LAGS.parse(value)
