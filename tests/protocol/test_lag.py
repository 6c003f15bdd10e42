"""The law of lag: its integers against a count by brute force, and its mean against (N - 1)/R."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protocol_settings import deterministic

from touchline.protocol import LagLaw, LagLawError


def test_one_player_never_lags() -> None:
    law = LagLaw()
    for seq in range(10):
        law.granted(seq, law.live)
        assert law.consumed(seq) == 0
        law.incremented()
    assert (law.measured(), law.predicted()) == (0.0, 0.0)


def test_the_result_that_makes_a_version_does_not_count_it() -> None:
    law = LagLaw(live=7)
    law.granted("a", 7)
    law.granted("b", 7)
    assert law.consumed("a") == 0
    law.incremented()
    assert law.consumed("b") == 1
    law.check()
    assert (law.live, law.measured(), law.predicted()) == (8, 0.5, 0.5)


def test_a_lost_result_counts_until_it_was_lost() -> None:
    law = LagLaw()
    law.granted("a", 0)
    law.incremented()
    law.lost("a")
    law.incremented()
    law.check()
    assert "a" not in law


def test_a_result_that_comes_back_enters_both_sides() -> None:
    law = LagLaw()
    law.granted("a", 0)
    law.incremented()
    law.lost("a")
    law.incremented()
    law.granted("a", 0)
    assert law.backdated == 2
    law.check()
    assert law.consumed("a") == 2
    law.check()


def test_a_key_is_granted_once() -> None:
    law = LagLaw()
    law.granted("a", 0)
    with pytest.raises(LagLawError, match="a: granted twice"):
        law.granted("a", 0)


def test_the_oldest_outstanding() -> None:
    law = LagLaw(live=3)
    assert law.oldest() is None
    law.granted("a", 3)
    law.incremented()
    law.granted("b", 4)
    assert law.oldest() == 3
    law.lost("a")
    assert law.oldest() == 4


def test_a_grant_that_was_not_counted_is_found() -> None:
    law = LagLaw()
    law.granted("a", 0)
    law.incremented()
    law._outstanding["a"] = 1
    with pytest.raises(LagLawError, match=r"recorded 0 \+ outstanding 0 \+ lost 0 = 0, but increments 1"):
        law.check()


events = st.lists(st.tuples(st.sampled_from("gclix"), st.integers(0, 5), st.integers(0, 3)), max_size=80)


@deterministic
@given(events)
def test_the_identity_against_brute_force(script: list[tuple[str, int, int]]) -> None:
    """Recounts both sides from the whole history of each result."""
    law, live = LagLaw(), 0
    out: dict[int, tuple[int, int]] = {}
    crossed = backdated = left = 0
    for event, key, age in script:
        match event:
            case "g" if key not in out:
                version = max(0, live - age)
                out[key] = (version, live)
                backdated += live - version
                law.granted(key, version)
            case "c" if key in out:
                version, _ = out.pop(key)
                left += live - version
                assert law.consumed(key) == live - version
            case "l" if key in out:
                left += live - out.pop(key)[0]
                law.lost(key)
            case "i":
                live += 1
                crossed += len(out)
                law.incremented()
        law.check()
    assert law.backdated == backdated
    assert left + sum(live - version for version, _ in out.values()) == crossed + backdated


@pytest.mark.parametrize("players", [1, 2, 5, 16])
@pytest.mark.parametrize("results_per_update", [1, 4, 10])
@pytest.mark.parametrize("work", ["constant", "exponential", "heavy"])
def test_the_mean_lag_is_others_over_results(players: int, results_per_update: int, work: str) -> None:
    rng = random.Random(0)
    draw = {
        "constant": lambda: 1.0,
        "exponential": lambda: rng.expovariate(1.0),
        "heavy": lambda: rng.lognormvariate(0.0, 1.5),
    }[work]
    law, total = LagLaw(), 3000
    ends = {player: draw() * rng.random() for player in range(players)}
    for player in ends:
        law.granted(player, 0)
    for count in range(1, total + 1):
        player = min(ends, key=lambda player: ends[player])
        law.consumed(player)
        if count % results_per_update == 0:
            law.incremented()
        law.granted(player, law.live)
        ends[player] += draw()
    law.check()
    expected = (players - 1) / results_per_update
    assert law.predicted() == pytest.approx(expected)
    # what is outstanding at the end is not in the mean: the longer the tail, the more
    tolerance = players**2 / total + 0.05 + (0.03 * expected if work == "heavy" else 0.0)
    assert law.measured() == pytest.approx(expected, abs=tolerance)
