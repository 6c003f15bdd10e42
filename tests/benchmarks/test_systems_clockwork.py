"""The Trainer's rounds under a virtual clock: what must come out where it can be said beforehand."""

from __future__ import annotations

import pytest
from systems_study.clockwork import Costs, best_players, model_seconds, seconds_a_round

WORK = {"serial": 1.0, "merge": 0.0, "snapshot": 0.0, "result": 0.0, "latency": 0.0, "bandwidth": 1e6}


def costs(**changes):
    return Costs(**{**WORK, **changes})


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("players", [1, 2, 5, 32])
def test_without_a_network_n_players_are_n_times_as_fast(players, waits):
    assert seconds_a_round(costs(), players, waits=waits) == pytest.approx(1 / players)


@pytest.mark.parametrize("players", [1, 4, 16])
def test_in_lockstep_a_round_pays_both_latencies_once_whatever_the_players(players):
    found = seconds_a_round(costs(latency=0.01, merge=0.005), players, waits=True)
    assert found == pytest.approx(1 / players + 2 * 0.01 + 0.005)


def test_arrays_queue_on_the_trainers_lines():
    """Four snapshots of a tenth of a second one after another; the last Player's result comes when the line is free."""
    found = seconds_a_round(costs(snapshot=1e5), 4, waits=True)
    assert found == pytest.approx(4 * 0.1 + 1 / 4)
    found = seconds_a_round(costs(result=1e5), 4, waits=True)
    assert found == pytest.approx(1 / 4 + 4 * 0.1)


def test_with_lag_nobody_waits_for_the_merge():
    slow = costs(latency=0.05, merge=0.01)
    assert seconds_a_round(slow, 8, waits=False) <= seconds_a_round(slow, 8, waits=True)


def test_the_models_least_is_at_its_best_number_of_players():
    given = costs(latency=0.005, snapshot=1e4)
    best = best_players(given)
    assert best == pytest.approx((1 / 0.02) ** 0.5)
    least = model_seconds(given, round(best))
    assert all(least <= model_seconds(given, n) for n in range(1, 33))


def test_one_player_at_hand_is_the_serial_run_in_the_model():
    assert model_seconds(costs(latency=1.0), 1) == 1.0
