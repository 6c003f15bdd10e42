"""A Player of imitation: what it plays follows from the order alone, and it sends what the sieve keeps and no more."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.configs.schema import Config
from touchline.player.games import Games
from touchline.player.imitation_work import ImitationWork
from touchline.player.work import Held, UnknownOrder
from touchline.policy.spaces import SpaceError

ARGUMENTS = {"mode": "sampled", "episodes": 6, "number": 0, "model": 0, "goal": 475.0}


@pytest.fixture
def work():
    made = []

    def build(env="CartPole-v1", *, lanes=3, player=0, goes_on=lambda: True, kwargs=None, **imitation):
        config = Config.model_validate(
            {
                "method": "imitation",
                "env": {"id": env, "kwargs": kwargs or {}},
                "players": {"lanes": lanes},
                "policy": {"hidden": [8], "value": False},
                "imitation": imitation,
            }
        )
        made.append(ImitationWork(config, seed=player, goes_on=goes_on))
        return made[-1]

    yield build
    for one in made:
        one.close()
        one.close()


def held(work, seed=0):
    """Two models with opinions: as they begin, policies are all but fair coins."""
    size, rng = work._policy.network.layout.size, np.random.default_rng(seed)
    one, other = rng.standard_normal((2, size)).astype(np.float32)
    return Held(1, 0, {"parameters": one, "parameters/1": other})


def result(work, weights=None, **arguments):
    order = {**ARGUMENTS, **arguments}
    came = list(work.carry_out("play", order, weights or held(work), seq=0, count=1, standing=False))
    return came[0] if came else None


def test_the_best_share_of_the_episodes_is_sent_whole_and_of_the_others_the_scores(work):
    found = result(work(best=0.5), episodes=6)
    best = np.sort(np.argsort(-found["scores"], kind="stable")[:3])
    expected = np.zeros(6, np.int64)
    expected[best] = found["lengths"][best]
    np.testing.assert_array_equal(found["kept"], expected)
    np.testing.assert_array_equal(found["scores"], found["lengths"])  # CartPole pays 1 a step
    rows = int(expected.sum())
    assert found["observations"].shape == (rows, 4)
    assert found["observations"].dtype == np.float32
    assert found["actions"].shape == (rows,)
    assert found["actions"].dtype == np.uint8
    assert set(found) == {"scores", "lengths", "kept", "observations", "actions"}


def test_the_rows_are_those_of_the_kept_episodes_in_their_order(work):
    every = result(work(best=1.0))
    some = result(work(best=0.5))
    starts = np.cumsum(every["lengths"]) - every["lengths"]
    for name in ("observations", "actions"):
        expected = [
            every[name][start : start + length]
            for start, length, kept in zip(starts, every["lengths"], some["kept"], strict=True)
            if kept
        ]
        np.testing.assert_array_equal(some[name], np.concatenate(expected))


def same(left, right):
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name])


@pytest.mark.parametrize("mode", ["sampled", "greedy_first_random", "random"])
def test_any_player_plays_an_order_the_same_however_often(work, mode):
    one, other = work(player=1), work(player=2)
    result(other, number=9)
    first = result(one, mode=mode, number=4)
    same(first, result(other, mode=mode, number=4))
    same(first, result(one, mode=mode, number=4))
    assert not np.array_equal(first["observations"], result(one, mode=mode, number=5)["observations"])


@pytest.mark.parametrize("mode", ["greedy_first_random", "random"])
def test_a_first_step_that_was_random_is_never_sent(work, mode):
    for form in ({"best": 1.0}, {"sieve": "fixed", "take": -1.0}):
        found = result(work(**form), mode=mode)
        np.testing.assert_array_equal(found["kept"], found["lengths"] - 1)


def test_fixed_thresholds_are_shares_of_the_goal_of_the_order(work):
    found = result(work(sieve="fixed", take=0.9, clean=0.9, cut=0.0), goal=11.0, episodes=12)
    expected = np.where(found["scores"] >= 9.9, found["lengths"], 0)
    np.testing.assert_array_equal(found["kept"], expected)
    assert 0 < np.count_nonzero(expected) < 12
    nothing = result(work(sieve="fixed"), goal=1e9)
    assert nothing["observations"].shape == (0, 4)
    assert nothing["actions"].dtype == np.uint8


def test_a_test_ends_with_the_first_episode_below_the_goal(work):
    here = work()
    whole = result(here, mode="test", goal=None, episodes=7)
    assert set(whole) == {"scores", "lengths"}
    assert len(whole["scores"]) == 7
    goal = float(whole["scores"][:4].min()) + 0.5
    misses = int(np.argmax(whole["scores"] < goal))
    cut = result(here, mode="test", goal=goal, episodes=7)
    np.testing.assert_array_equal(cut["scores"], whole["scores"][: misses + 1])
    reached = float(whole["scores"].min())  # the goal itself counts
    assert len(result(here, mode="test", goal=reached, episodes=7)["scores"]) == 7


def test_a_test_and_a_part_of_the_same_number_meet_other_episodes(work, monkeypatch):
    here = work()
    seeds = []
    source = here._games._lanes(3)[1]
    monkeypatch.setattr(
        type(source), "__call__", lambda self, lane, _: seeds.append(self.wave[lane]) or seeds[-1]
    )
    for mode in ("test", "greedy_first_random"):
        result(here, mode=mode, goal=None)
    assert len(seeds) == len(set(seeds)) == 12


def test_each_model_plays_with_its_own_weights(work):
    here = work()
    weights = held(here)
    swapped = Held(
        1, 0, {"parameters": weights.arrays["parameters/1"], "parameters/1": weights.arrays["parameters"]}
    )
    same(result(here, weights, model=1), result(here, swapped, model=0))
    assert not np.array_equal(result(here, weights)["actions"], result(here, weights, model=1)["actions"])


def test_what_is_announced_is_what_any_player_announces(work):
    one, other = work(lanes=2), work(lanes=3)
    assert one.spaces == other.spaces
    assert one.facts == other.facts
    assert one.facts["reward_threshold"] == 475.0
    assert one.spaces["action"] == {"kind": "discrete", "n": 2, "start": 0}


def test_seconds_are_sent_only_where_orders_are_cut_by_them(work):
    assert result(work(order_seconds=2.0))["seconds"].shape == (1,)
    assert "seconds" not in result(work(order_seconds=2.0), mode="test")


def test_who_is_told_to_stop_sends_nothing(work):
    assert result(work(goes_on=lambda: False)) is None


@pytest.mark.parametrize(
    ("verb", "change"), [("rows", {}), ("play", {"mode": "best"}), ("play", {"more": 1})]
)
def test_an_order_it_does_not_know_is_refused_with_what_it_knows(work, verb, change):
    here = work()
    with pytest.raises(
        UnknownOrder, match=r"expected play with mode, episodes.*sampled, greedy_first_random"
    ):
        list(here.carry_out(verb, {**ARGUMENTS, **change}, held(here), seq=0, count=1, standing=False))


def test_continuous_actions_are_refused_with_what_would_work():
    config = Config.model_validate({"method": "imitation", "env": {"id": "Pendulum-v1"}})
    with pytest.raises(SpaceError, match=r"expected Discrete.*policy_gradient and evolution"):
        ImitationWork(config, seed=0)


def test_lanes_are_closed_where_the_policy_cannot_be(monkeypatch):
    closed = []
    close = Games.close
    monkeypatch.setattr(Games, "close", lambda games: (closed.append(games), close(games)))
    config = Config.model_validate({"method": "imitation", "env": {"id": "Pendulum-v1"}})
    with pytest.raises(SpaceError):
        ImitationWork(config, seed=0)
    assert len(closed) == 1
