"""What a Player does for trust region steps: each order's result, and the same from any Player."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.configs import Config
from touchline.player.replays import NumberedLanes
from touchline.player.trpo_work import TrpoWork
from touchline.player.work import Held, UnknownOrder
from touchline.policy.policy import Snapshot
from touchline.policy.spaces import SpaceError
from touchline.policy.trajectory import Trajectory
from touchline.targets.fisher import fisher_product
from touchline.targets.played import PlayedRows, surrogate_sums

STEPS, LANES = 30, 3
ROWS = STEPS * LANES


@pytest.fixture
def work():
    made = []

    def build(env="CartPole-v1", *, player=0, goes_on=lambda: True, parts=2, policy=None, **trpo):
        config = Config.model_validate(
            {
                "method": "trpo",
                "env": {"id": env},
                "players": {"lanes": LANES},
                "tasks": {"parts": parts},
                "policy": {"hidden": [6], **(policy or {})},
                "eval": {"episodes": 4},
                "trpo": {"steps": STEPS, **trpo},
            }
        )
        made.append(TrpoWork(config, seed=player, goes_on=goes_on))
        return made[-1]

    yield build
    for one in made:
        one.close()
        one.close()


def held(work, seed=0, version=0):
    rng, size = np.random.default_rng(seed), work._policy.network.layout.size
    arrays = {
        "parameters": rng.standard_normal(size).astype(np.float32),
        "direction": 0.1 * rng.standard_normal(size),
    }
    return Held(1, version, arrays | {f"advantages/{k}": advantages(k) for k in range(6)})


def advantages(number):
    return np.random.default_rng(number).standard_normal(ROWS).astype(np.float32)


def result(work, verb, what, weights=None, **more):
    order = {"what": what, **more}
    came = list(work.carry_out(verb, order, weights or held(work), seq=0, count=1, standing=False))
    return came[0] if came else None


def rows_of(work, number):
    """The steps of a trajectory, from what was sent of it."""
    weights = held(work)
    arrays = result(work, "play", "trajectory", weights, number=number)
    snapshot = Snapshot.from_arrays(work._policy, 1, 0, {"parameters": weights.arrays["parameters"]})
    trajectory = Trajectory.from_arrays(work._policy, arrays, hidden=True)
    return PlayedRows.of(work._policy, snapshot, trajectory), weights.arrays["parameters"].astype(np.float64)


def same(left, right):
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name])


def test_a_trajectory_is_sent_with_its_hidden_states_as_the_trainer_reads_it(work):
    here = work()
    trajectory = Trajectory.from_arrays(
        here._policy, result(here, "play", "trajectory", number=0), hidden=True
    )
    assert trajectory.shape == (STEPS, LANES)
    assert [layer.shape[2:] for layer in trajectory.hidden] == [(6,)]


def test_a_product_is_that_of_the_steps_that_were_sent(work):
    here = work()
    rows, w = rows_of(here, 1)
    found = result(here, "rows", "fisher", number=1)
    expected = fisher_product(here._policy, w, rows, held(here).arrays["direction"])
    np.testing.assert_array_equal(found["product"], expected)
    assert set(found) == {"product"}
    assert here.replays.played == 1


def test_a_trial_is_of_the_steps_that_were_sent_and_their_advantages(work):
    here = work()
    rows, w = rows_of(here, 1)
    found = result(here, "rows", "surrogate", number=1, scale=0.5)
    candidate = (w + 0.5 * held(here).arrays["direction"]).astype(np.float32).astype(np.float64)
    expected = surrogate_sums(here._policy, candidate, rows, advantages(1).astype(np.float64))
    np.testing.assert_array_equal(found["sums"], expected)
    assert found["sums"][1] > 0
    assert found["sums"][2] == ROWS


@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
@pytest.mark.parametrize(
    ("verb", "order"),
    [
        ("play", {"what": "trajectory", "number": 1}),
        ("play", {"what": "test"}),
        ("rows", {"what": "fisher", "number": 1}),
        ("rows", {"what": "surrogate", "number": 1, "scale": 1.0}),
    ],
)
def test_any_player_gives_the_same_also_where_it_has_to_play_again(work, env, verb, order):
    one, other = work(env, player=1), work(env, player=2)
    result(one, "play", "trajectory", number=1)
    for number in (1, 2, 3, 4):
        result(other, "play", "trajectory", number=number)
    assert other.replays.played == 4
    first = result(one, verb, **order)
    same(first, result(other, verb, **order))
    same(first, result(one, verb, **order))


def test_parts_are_kept_from_one_product_to_the_next(work):
    here = work(parts=2)
    for number in (0, 1):
        result(here, "play", "trajectory", number=number)
    for version in range(3):
        for number in (0, 1):
            result(here, "rows", "fisher", held(here, version=version), number=number)
    assert here.replays.played == 2


def test_a_test_is_a_greedy_evaluation(work):
    here = work()
    found = result(here, "play", "test")
    assert found["returns"].shape == (4,)
    np.testing.assert_array_equal(found["returns"], found["lengths"])  # CartPole pays 1 a step
    assert found["lengths"].dtype == np.int64


def test_nothing_is_sent_when_told_to_stop(work):
    here = work(goes_on=lambda: False)
    assert result(here, "play", "trajectory", number=0) is None
    assert result(here, "rows", "fisher", number=0) is None
    assert result(here, "rows", "surrogate", number=0, scale=1.0) is None
    assert result(here, "play", "test") is None


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("points", {"what": "fisher", "number": 0}),
        ("rows", {"what": "hessian", "number": 0}),
        ("rows", {"what": "surrogate", "number": 0}),
        ("play", {"what": "trajectory"}),
        ("play", {}),
    ],
)
def test_an_order_that_is_none_of_its_own_is_refused_with_what_there_is(work, verb, arguments):
    here = work()
    with pytest.raises(UnknownOrder, match=r"expected play of trajectory \(number\).*found " + verb):
        next(here.carry_out(verb, arguments, held(here), seq=0, count=1, standing=False))


def test_the_policy_has_no_value_function_whatever_the_config_says(work):
    """The baseline is the Trainer's: values would be computed, sent and never read."""
    here = work(policy={"value": True})
    assert not here._policy.network.has_value
    assert "hidden.1" not in result(here, "play", "trajectory", number=0)


def test_what_is_announced_is_what_any_player_announces(work):
    one, other = work(player=1), work(player=2)
    assert one.spaces == other.spaces
    assert one.facts == other.facts
    assert one.facts["max_episode_steps"] == 500
    assert one.outside == 0


def test_a_policy_without_curvature_products_is_refused_and_its_lanes_are_closed(work, monkeypatch):
    closed = []
    monkeypatch.setattr(NumberedLanes, "close", lambda lanes: closed.append(lanes))
    with pytest.raises(SpaceError, match=r"policy\.layer_norm"):
        work(policy={"layer_norm": True})
    assert len(closed) == 1
