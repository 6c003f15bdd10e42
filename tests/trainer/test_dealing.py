"""Orders once go to whoever is free, one each before anybody's second."""

from __future__ import annotations

from itertools import count

from touchline.trainer.dealing import Dealing
from touchline.trainer.method import Order


class Endless:
    """Gives numbered orders, ``most`` in all."""

    def __init__(self, most: int = 99) -> None:
        self._numbers, self._most = count(2), most

    def order(self, player: int, now: float) -> Order | None:
        number = next(self._numbers)
        return Order("rows", {}, standing=False, number=number) if number < 2 + self._most else None


def dealt(dealing: Dealing, method: Endless, slots: list[int]) -> list[tuple[int, int]]:
    given: list[tuple[int, int]] = []
    dealing.deal(method, slots, now=0.0, give=lambda slot, order: given.append((slot, order.number)))
    return given


def test_each_player_has_one_at_a_time():
    dealing, method = Dealing(several=1), Endless()
    assert dealt(dealing, method, [0, 1]) == [(0, 2), (1, 3)]
    assert dealt(dealing, method, [0, 1]) == []
    dealing.came(1, 3)
    assert dealt(dealing, method, [0, 1]) == [(1, 4)]


def test_everybody_has_one_before_anybody_has_two():
    assert dealt(Dealing(several=2), Endless(3), [0, 1]) == [(0, 2), (1, 3), (0, 4)]


def test_who_is_gone_and_comes_back_has_none():
    dealing, method = Dealing(several=1), Endless()
    dealt(dealing, method, [0])
    dealing.gone(0)
    assert dealt(dealing, method, [0]) == [(0, 3)]


def test_what_nobody_had_is_no_matter():
    Dealing(several=1).came(7, 7)
