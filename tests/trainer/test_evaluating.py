"""When an evaluation is asked for: never two at once, and time left to training between them."""

from __future__ import annotations

import pytest

from touchline.configs import load
from touchline.policy.seeds import evaluation_seed, player_seed
from touchline.trainer.evaluating import Evaluating


def made(every: str = "10s", **overrides: str) -> Evaluating:
    return Evaluating(load("cartpole", [("eval.every", every), *overrides.items()]).config)


def test_without_an_interval_none_is_ever_due():
    evaluating = made("null")
    assert not evaluating.is_due(1e9)
    assert evaluating.complaint(1e9) is None


def test_the_first_is_due_after_one_interval_and_then_each_from_the_last_ones_beginning():
    evaluating = made()
    assert [evaluating.is_due(now) for now in (0.0, 9.9, 10.0)] == [False, False, True]
    order = evaluating.ask(0, 10.5)
    assert evaluating.done(order, 12.0)
    assert [evaluating.is_due(now) for now in (12.0, 20.4, 20.5)] == [False, False, True]


def test_never_two_at_once():
    evaluating = made()
    order = evaluating.ask(1, 10.0)
    assert evaluating.under_way.slot == 1
    assert not evaluating.is_due(100.0)
    evaluating.done(order, 15.0)
    assert evaluating.under_way is None
    assert evaluating.is_due(20.0)


def test_after_one_that_took_too_long_as_long_is_left_to_training():
    evaluating = made()
    order = evaluating.ask(0, 10.0)
    evaluating.done(order, 29.0)
    assert [evaluating.is_due(now) for now in (29.0, 38.9, 39.0)] == [False, False, True]


def test_an_interval_too_short_is_said_once_and_while_it_is():
    evaluating = made(**{"eval.episodes": "7"})
    assert evaluating.complaint(10.0) is None  # due, but none is under way
    order = evaluating.ask(0, 10.0)
    assert evaluating.complaint(19.9) is None
    said = evaluating.complaint(20.0)
    assert said.startswith("an evaluation of 7 episodes takes longer than eval.every (10 s)")
    assert evaluating.complaint(21.0) is None
    evaluating.done(order, 22.0)
    evaluating.ask(0, 40.0)
    assert evaluating.complaint(60.0) is None


def test_one_given_up_is_asked_again_at_the_next_due_time():
    evaluating = made()
    first = evaluating.ask(0, 10.0)
    evaluating.given_up(1, 11.0)  # another Player
    assert evaluating.under_way is not None
    evaluating.given_up(0, 12.0)
    assert not evaluating.is_due(19.9)
    assert evaluating.is_due(20.0)
    second = evaluating.ask(1, 20.0)
    assert not evaluating.done(first, 21.0)  # brought back late, when another is under way
    assert evaluating.under_way.order == second
    assert evaluating.done(second, 22.0)


def test_one_given_up_that_still_comes_before_the_next_is_taken():
    evaluating = made()
    order = evaluating.ask(0, 10.0)
    evaluating.given_up(0, 12.0)
    assert evaluating.done(order, 13.0)
    assert evaluating.is_due(20.0)


def test_who_was_asked_last_is_remembered():
    evaluating = made()
    assert evaluating.last_slot is None
    evaluating.ask(3, 10.0)
    evaluating.given_up(3, 11.0)
    assert evaluating.last_slot == 3


def test_orders_grow_and_are_told_from_the_standing_one():
    evaluating = made()
    orders = []
    for now in (10.0, 20.0, 30.0):
        orders.append(evaluating.ask(0, now))
        evaluating.done(orders[-1], now)
    assert orders == [2, 3, 4]
    assert [evaluating.asked_for(order) for order in (None, 1, 2, 4, 5)] == [False, False, True, True, False]


def test_the_order_is_greedy_once_and_of_the_same_episodes_in_a_run():
    first, other = made(**{"eval.episodes": "7"}).order, made(seed="1").order
    assert (first.verb, first.standing) == ("play", False)
    assert first.arguments == {"episodes": 7, "seed": evaluation_seed(0), "greedy": True}
    assert other.arguments["seed"] != first.arguments["seed"]


@pytest.mark.parametrize("run_seed", [0, 1, 2**31 - 1])
def test_the_seed_is_apart_from_trainings_and_fits_the_flag(run_seed):
    seed = evaluation_seed(run_seed)
    assert 0 <= seed < 2**31
    assert seed != player_seed(run_seed=run_seed, slot=0, incarnation=0)
    assert seed != run_seed
