"""Structures that grow: each once, within bounds, and the same winner whoever trains which."""

from __future__ import annotations

import pytest

from touchline.targets.best import Scored, merged
from touchline.targets.growth import candidates, score

WIDE = {"max_layers": 3, "max_width": 10}


@pytest.mark.parametrize(
    ("hidden", "bounds", "expected"),
    [
        ((), WIDE, ((1,),)),
        ((1,), WIDE, ((2,), (1, 1))),
        ((2, 2), WIDE, ((3, 2), (2, 3), (2, 2, 1))),
        ((2, 3), {"max_layers": 2, "max_width": 3}, ((3, 3),)),
        ((3,), {"max_layers": 1, "max_width": 3}, ()),
        ((), {"max_layers": 0, "max_width": 3}, ()),
    ],
)
def test_the_next_level_widens_each_layer_and_appends_one(hidden, bounds, expected):
    assert candidates(hidden, **bounds) == expected


def test_no_candidate_comes_twice_on_the_way_up():
    hidden = ()
    for _ in range(12):
        level = candidates(hidden, **WIDE)
        assert len(set(level)) == len(level)
        assert hidden not in level
        hidden = level[-1]


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_a_closed_level_has_the_same_winner_whoever_trains_which(workers):
    """Results come in another order for every number of workers; two candidates tie."""
    hidden, path = (1,), []
    for _ in range(4):
        level = candidates(hidden, **WIDE)
        found = [
            Scored(score(abs(sum(structure) - 4) + 0.5, size=len(structure), penalty=0.1), number)
            for number, structure in enumerate(level)
        ]
        hidden = level[merged(found[start] for start in _finishing(len(level), workers)).number]
        path.append(hidden)
    assert path == [(2,), (3,), (4,), (5,)]


def _finishing(count, workers):
    """Indices in the order in which workers that take every n-th, the last worker first, would finish."""
    return [index for worker in reversed(range(workers)) for index in range(worker, count, workers)]


def test_a_weight_costs_the_penalty():
    assert score(2.0, 10, 0.5) == 7
    assert score(2.0, 10, 0.0) == 2
