"""Rounds of tasks: merged in the order of the tasks whatever comes when, in lockstep or running free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from touchline.configs import load
from touchline.trainer.by_rounds import FIRST_ORDER, ByRounds
from touchline.trainer.method import Absorbed, Delivery, Order
from touchline.trainer.scheme import Merged, Returned, Task, expect


class Digits:
    """Writes down, in base ten, the numbers that its tasks brought: the order of merging can be read off."""

    def __init__(
        self,
        *,
        parts: int = 3,
        rounds: int = 4,
        bears_staleness: bool = False,
        ageless: bool = False,
        tests: int = 0,
    ) -> None:
        self.bears_staleness, self.ageless = bears_staleness, ageless
        self.value, self.merges = np.zeros(1), []
        self._parts, self._left, self._tests, self._begun = parts, rounds, tests, 0

    def arrays(self) -> dict[str, Any]:
        return {"value": self.value.copy()}

    def round(self) -> Sequence[Task]:
        if self._begun == self._left:
            return []
        first = self._begun * self._parts
        self._begun += 1
        return [Task("rows", {"digit": first + k}) for k in range(self._parts)]

    def test(self) -> Sequence[Task]:
        return [Task("rows", {"digit": -1 - k}, evaluates=True) for k in range(self._tests)]

    def tested(self, results: Sequence[Returned]) -> dict[str, float]:
        return {"test": float(sum(result.base["value"][0] for result in results))}

    def check(self, task: Task, arrays: Any) -> None:
        expect(arrays, "digit", shape=(1,))

    def merge(self, results: Sequence[Returned]) -> Merged:
        self.merges.append([(result.number, result.lag, result.weight) for result in results])
        for result in results:
            self.value = self.value * 10 + result.arrays["digit"]
        return Merged(changed=True, evaluations=len(results), error=float(-self.value[0]))

    def weights(self) -> dict[str, Any]:
        return self.arrays()

    def state(self) -> dict[str, Any]:
        return {}

    def facts(self) -> dict[str, Any]:
        return {}


class Desk:
    """Gives orders to Players by hand, and brings their results back with the snapshot of when they were given."""

    def __init__(self, scheme: Digits, **overrides: object) -> None:
        values = {"method": "descent", "table.source": "xor", "tasks.parts": 3, "tasks.lease": "5s"}
        config = load(values={**values, **overrides}).config
        self.scheme = scheme
        self.method = ByRounds(scheme, config, tests_every=None)
        self._seq = 0
        self._base: dict[tuple[int, int], Any] = {}
        self.now = 0.0

    def order(self, player: int = 0) -> Order | None:
        order = self.method.order(player, self.now)
        if order is not None:
            self._base[player, order.number] = self.method.live
        return order

    def orders(self, count: int, player: int = 0) -> list[Order]:
        given = [self.order(player) for _ in range(count)]
        assert None not in given
        return given

    def bring(self, order: Order, player: int = 0, *, digit: Any = None) -> Absorbed:
        base = self._base[player, order.number]
        brought = np.array([float(order.arguments["digit"] % 10)]) if digit is None else digit
        self._seq += 1
        return self.method.absorb(
            Delivery(
                player,
                self._seq,
                base.version,
                {"digit": brought},
                0,
                order=order.number,
                base=base.arrays,
            )
        )


def fates(absorbed: Absorbed) -> list[str]:
    return [fate for _, fate in absorbed.settled]


def test_results_are_merged_in_the_order_of_their_tasks_whatever_the_order_in_which_they_came():
    desk = Desk(Digits())
    first, second, third = desk.orders(3)
    assert not desk.bring(third).changed
    assert not desk.bring(first).changed
    absorbed = desk.bring(second)
    assert absorbed.changed
    assert fates(absorbed) == ["trained"] * 3
    assert desk.scheme.value == 12.0
    assert desk.method.live.version == 1


def test_in_lockstep_the_next_round_waits_for_the_last_result():
    desk = Desk(Digits())
    first, second, third = desk.orders(3)
    assert desk.order() is None
    for order in (first, second, third):
        desk.bring(order)
    [order] = desk.orders(1)
    assert order.arguments == {"digit": 3}
    assert order.number == FIRST_ORDER + 3


def test_in_lockstep_every_lag_is_zero():
    desk = Desk(Digits())
    for _ in range(4):
        for order in desk.orders(3):
            assert desk.bring(order).lag == 0
    assert [lag for merge in desk.scheme.merges for _, lag, _ in merge] == [0] * 12


def test_what_was_had_already_is_unused_and_changes_nothing():
    desk = Desk(Digits())
    first, *others = desk.orders(3)
    desk.bring(first)
    assert fates(desk.bring(first, digit=np.array([9.0]))) == ["unused"]
    for order in others:
        desk.bring(order)
    assert fates(desk.bring(first)) == ["unused"]
    assert desk.scheme.value == 12.0


def test_what_a_lost_player_had_is_done_by_another_and_the_value_is_the_same():
    desk = Desk(Digits())
    lost = desk.order(player=0)
    others = desk.orders(2, player=1)
    desk.method.lost(0)
    again = desk.order(player=1)
    assert again.number == lost.number
    for order in (*others, again):
        desk.bring(order, player=1)
    assert desk.scheme.value == 12.0


def test_a_late_task_is_given_to_another():
    desk = Desk(Digits())
    late = desk.order(player=0)
    desk.orders(2, player=1)
    assert desk.order(player=1) is None
    desk.now = 5.0
    assert desk.order(player=1).number == late.number


def test_a_result_that_is_none_is_dropped_kept_and_asked_for_again():
    desk = Desk(Digits())
    [order] = desk.orders(1)
    absorbed = desk.bring(order, digit=np.array([np.nan]))
    assert fates(absorbed) == ["dropped_invalid"]
    assert "digit: expected finite numbers, found nan" in absorbed.detail
    assert len(absorbed.aside) == 1
    assert desk.order().number == order.number


def test_running_free_a_player_goes_on_and_whatever_has_come_is_merged():
    desk = Desk(Digits(bears_staleness=True), **{"staleness.max_lag": 4})
    slow = desk.order(player=0)
    for order in desk.orders(3, player=1):
        desk.bring(order, player=1)
    assert desk.method.live.version == 1
    desk.bring(slow, player=0)
    for order in desk.orders(2, player=1):
        absorbed = desk.bring(order, player=1)
    assert absorbed.changed
    assert desk.scheme.merges[1][0] == (0, 1, 1.0)  # the slow one's lag, first by its number


@pytest.mark.parametrize(
    ("on_excess", "fate", "weight"), [("downweight", "trained", 0.5), ("drop", "dropped_stale", None)]
)
def test_running_free_what_is_too_old_weighs_less_or_is_dropped(on_excess, fate, weight):
    overrides = {"staleness.max_lag": 1, "staleness.on_excess": on_excess, "tasks.parts": 1}
    desk = Desk(Digits(parts=1, rounds=9, bears_staleness=True), **overrides)
    slow = desk.order(player=0)
    for _ in range(2):
        desk.bring(desk.order(player=1), player=1)
    absorbed = desk.bring(slow, player=0)
    assert (absorbed.lag, fates(absorbed)) == (2, [fate])
    if weight is not None:
        assert desk.scheme.merges[-1] == [(0, 2, weight)]
    else:  # and is done again, with what is newest now
        assert desk.order(player=1).number == slow.number


@pytest.mark.parametrize("bears_staleness", [False, True])
def test_a_scheme_that_bears_no_staleness_goes_in_lockstep_whatever_the_bound(bears_staleness):
    values = {"method": "evolution", "table.source": "xor", "staleness.max_lag": 4}
    scheme = Digits(bears_staleness=bears_staleness)
    method = ByRounds(scheme, load(values=values).config, tests_every=None)
    assert method.lockstep is not bears_staleness


def test_orders_that_train_are_told_from_those_that_test():
    desk = Desk(Digits(tests=1))
    for order in desk.orders(3):
        assert order.trains
        desk.bring(order)
    desk.method.wind_up()
    assert not desk.order().trains


def test_winding_up_tests_what_is_live_and_then_it_is_over():
    desk = Desk(Digits(tests=2))
    for order in desk.orders(3):
        desk.bring(order)
    left = desk.orders(2)
    desk.method.wind_up()
    assert fates(desk.bring(left[0])) == ["unused"]
    tests = desk.orders(2)
    assert desk.order() is None
    assert desk.method.phase == "training"
    assert fates(desk.bring(tests[1])) == []
    assert fates(desk.bring(tests[0])) == ["evaluated"] * 2
    assert desk.method.tested == {"test": 24.0}
    assert desk.order() is None
    assert desk.method.phase == "over"


def test_it_is_over_when_nothing_is_left_to_do():
    desk = Desk(Digits(rounds=1))
    for order in desk.orders(3):
        desk.bring(order)
    assert desk.order() is None
    assert desk.method.phase == "over"


def test_tests_come_every_so_many_updates_and_each_version_is_tested_once():
    desk = Desk(Digits(parts=1, tests=1, rounds=6), **{"tasks.parts": 1})
    desk.method = ByRounds(
        desk.scheme, load(values={"method": "descent", "table.source": "xor"}).config, tests_every=2
    )
    seen = []
    while (order := desk.order()) is not None:
        seen.append(order.arguments["digit"])
        desk.bring(order)
    assert seen == [0, 1, -1, 2, 3, -1, 4, 5, -1]


def test_what_was_not_merged_is_unused_at_the_end():
    desk = Desk(Digits())
    desk.bring(desk.orders(3)[1])
    assert [fate for _, fate in desk.method.finished()] == ["unused"]


def test_arrays_that_are_not_finite_are_not_published_and_their_results_are_dropped():
    desk = Desk(Digits(parts=1, rounds=2), **{"tasks.parts": 1})
    desk.scheme.value = np.array([np.finfo(float).max])
    absorbed = desk.bring(desk.order())
    assert absorbed.failed
    assert not absorbed.changed
    assert fates(absorbed) == ["dropped_invalid"]
    assert absorbed.detail == "value: 1 of 1 numbers are not finite"
    assert desk.method.live.version == 0
    assert desk.method.live.arrays["value"] == 0.0


def test_arrays_handed_out_cannot_be_written():
    desk = Desk(Digits())
    with pytest.raises(ValueError, match="read-only"):
        desk.method.live.arrays["value"][0] = 1


def test_work_is_credited_to_whoever_did_it():
    desk = Desk(Digits())
    mine, yours, more = desk.order(0), desk.order(1), desk.order(1)
    desk.bring(mine, 0)
    desk.bring(yours, 1)
    assert desk.bring(more, 1).credits == [(0, 1, 1), (1, 1, 1), (1, 1, 1)]


def test_running_free_a_late_task_goes_before_new_ones():
    desk = Desk(Digits(bears_staleness=True, rounds=9), **{"staleness.max_lag": 4})
    late = desk.order(player=0)
    desk.orders(2, player=1)
    desk.now = 5.0
    assert desk.order(player=1).number == late.number


def test_a_test_of_the_live_version_that_is_under_way_goes_on_when_winding_up():
    desk = Desk(Digits(parts=1, tests=2, rounds=6), **{"tasks.parts": 1, "tasks.lease": "5s"})
    desk.method = ByRounds(
        desk.scheme, load(values={"method": "descent", "table.source": "xor"}).config, tests_every=1
    )
    desk.bring(desk.order())
    first, second = desk.orders(2)
    desk.bring(first)
    desk.method.wind_up()
    assert desk.order() is None
    assert fates(desk.bring(second)) == ["evaluated"] * 2
    assert desk.method.tested == {"test": 0.0}
    assert desk.method.phase == "over"


def test_running_free_no_version_is_published_while_a_test_is_under_way():
    overrides = {"staleness.max_lag": 4, "tasks.parts": 1}
    desk = Desk(Digits(parts=1, tests=2, rounds=9, bears_staleness=True), **overrides)
    desk.method._tests_every = 1
    desk.bring(desk.order())
    test, training = desk.order(), desk.order()
    other = desk.order() if training.trains else None
    tests = [order for order in (test, training, other) if order is not None and not order.trains]
    trains = [order for order in (test, training, other) if order is not None and order.trains]
    assert len(tests) == 2
    for order in trains or [desk.order()]:
        assert not desk.bring(order).changed
    for order in tests:
        desk.bring(order)
    assert desk.method.tested == {"test": 0.0}
    assert desk.bring(desk.order()).changed


def test_what_came_of_a_test_that_is_given_up_is_unused():
    desk = Desk(Digits(tests=2))
    for order in desk.orders(3):
        desk.bring(order)
    desk.method.wind_up()
    desk.bring(desk.orders(2)[0])
    desk.method.give_up()
    assert desk.method.phase == "over"
    assert [fate for _, fate in desk.method.finished()] == ["unused"]


def test_with_nothing_to_test_winding_up_is_over_at_once():
    desk = Desk(Digits(tests=0))
    for order in desk.orders(3):
        desk.bring(order)
    desk.method.wind_up()
    assert desk.method.phase == "over"


def test_while_a_test_is_under_way_no_more_is_given_than_one_merge_takes():
    overrides = {"staleness.max_lag": 4, "tasks.parts": 1}
    desk = Desk(Digits(parts=1, tests=1, rounds=9, bears_staleness=True), **overrides)
    desk.method._tests_every = 1
    desk.bring(desk.order(player=0))
    test = desk.order(player=0)
    assert not test.trains
    desk.bring(desk.order(player=1), player=1)
    assert desk.order(player=1) is None
    desk.bring(test, player=0)
    assert desk.order(player=1) is not None


def test_what_does_not_age_is_merged_as_it_comes_and_keeps_nobody_waiting():
    desk = Desk(Digits(parts=3, bears_staleness=True, ageless=True))
    slow = desk.order(player=0)
    quick = desk.orders(5, player=1)
    for order in quick:
        assert desk.bring(order, player=1).changed
    assert desk.bring(slow, player=0).lag == 5
    assert desk.scheme.merges[-1] == [(0, 5, 1.0)]
