"""Seeds: the published hash, no collisions in a sample, and vectors that keep a run's numbers from ever drifting."""

from __future__ import annotations

import inspect
import itertools
import re

import numpy as np
import pytest

from touchline.policy import seeds
from touchline.policy.seeds import (
    action_stream,
    centring_stream,
    episode_seed,
    episode_seeds,
    imitation_seed,
    mix,
    player_seed,
    shuffle_stream,
    weights_stream,
)


def test_the_hash_is_splitmix64():
    """First outputs of the reference implementation (prng.di.unimi.it/splitmix64.c) for seeds 0 and 1234567."""
    assert mix(0) == 0xE220A8397B1DCDAF
    assert mix(1234567) == 6457827717110365317


def test_known_vectors():
    assert mix(1, 2, 3) == 15020427595393229491
    assert player_seed(run_seed=0, slot=0, incarnation=0) == 8160745652321985707
    assert player_seed(run_seed=7, slot=3, incarnation=2) == 5495286686168527048
    assert episode_seed(base=1, lane=2, episode=3) == 2128451365
    bounds = (0, 2**63, 3)
    assert action_stream(base=1, result=2).integers(*bounds).tolist() == [
        512871750432426074,
        2197132636824298577,
        3077890942631888526,
    ]
    assert action_stream(base=1, result=2, block=1).integers(*bounds).tolist() == [
        6414462889600391059,
        7087223676048913416,
        3444244565118690533,
    ]
    assert weights_stream(0).integers(0, 2**63, 2).tolist() == [8423596915872253182, 3121094312606975731]
    assert shuffle_stream(run_seed=0, update=5).permutation(6).tolist() == [2, 3, 5, 1, 4, 0]
    assert centring_stream(run_seed=0, update=5).integers(0, 2**63, 2).tolist() == [
        4714603488469105208,
        8155353858251371633,
    ]


@pytest.mark.parametrize("values", [(-1,), (2**64 + 5,), (2**63, -(2**40))])
def test_any_integer_is_taken_modulo_2_to_the_64(values):
    assert mix(*values) == mix(*(value % 2**64 for value in values))
    assert 0 <= mix(*values) < 2**64


def test_order_and_number_of_the_values_count():
    assert len({mix(1, 2), mix(2, 1), mix(1, 2, 0), mix(0, 1, 2), mix(1), mix(2)}) == 6


def test_no_two_of_a_runs_hashes_begin_with_one_tag():
    """Each kind of seed has a number of its own, so that none is ever another's."""
    tags = re.findall(r"mix\((\d+), ", inspect.getsource(seeds))
    assert len(tags) >= 12
    assert sorted(set(tags) - {"2"}) == sorted(
        tag for tag in tags if tag != "2"
    )  # episode_seeds is episode_seed


def test_the_episodes_of_a_run_by_imitation_go_by_order_and_kind():
    found = {
        imitation_seed(run_seed=seed, number=number, test=test)
        for seed, number, test in itertools.product(range(3), range(-1, 4), (False, True))
    }
    assert len(found) == 30
    assert all(0 <= seed < 2**63 for seed in found)


def test_players_never_share_a_seed():
    grid = itertools.product(range(20), range(20), range(10))
    seeds = [player_seed(run_seed=run, slot=slot, incarnation=again) for run, slot, again in grid]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_episodes_of_a_player_do_not_collide():
    """31 bits: among 2,000 seeds 0.0009 collisions are to be expected."""
    seeds = [episode_seed(base=99, lane=lane, episode=i) for lane in range(20) for i in range(100)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert abs(np.mean(seeds) / 2**30 - 1) < 0.05


def test_streams_differ_by_each_of_their_arguments_and_play_again():
    def first(**kwargs):
        return action_stream(**kwargs).integers(0, 2**63, 4).tolist()

    ways = [
        {"base": b, "result": r, "block": k} for b, r, k in itertools.product(range(3), range(3), range(3))
    ]
    assert len({tuple(first(**way)) for way in ways}) == len(ways)
    assert first(base=1, result=2) == first(base=1, result=2, block=0)
    for stream in (
        weights_stream,
        lambda seed: shuffle_stream(run_seed=seed, update=0),
        lambda seed: centring_stream(run_seed=seed, update=0),
        lambda update: centring_stream(run_seed=0, update=update),
    ):
        assert len({tuple(stream(seed).integers(0, 2**63, 4)) for seed in range(50)}) == 50


def test_results_streams_do_not_run_into_each_other():
    """A long draw of one result must not reach the numbers of the next: the counter's high words keep them apart."""
    long, following = (action_stream(base=5, result=r).integers(0, 2**63, 10_000) for r in (0, 1))
    assert not set(long.tolist()) & set(following.tolist())


@pytest.mark.parametrize("base", range(6))
def test_the_key_keeps_all_its_bits(base):
    """numpy makes float64 of a list that holds an integer above 2**63, and eleven bits go."""
    state = action_stream(base=base, result=7, block=3).bit_generator.state["state"]
    assert state["key"].tolist() == [mix(3, base), 0]
    assert state["counter"].tolist() == [0, 0, 3, 7]
    assert weights_stream(base).bit_generator.state["state"]["key"].tolist() == [mix(4, base), 0]


def test_the_seeds_of_lanes_are_the_seeds_of_each_episode():
    seeds = episode_seeds(base=77, lanes=3)
    for lane, episode in itertools.product(range(3), range(5)):
        assert seeds(lane, episode) == episode_seed(base=77, lane=lane, episode=episode)
