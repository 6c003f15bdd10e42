"""Orders once, dealt to the Players that are free: who has which, of a method that gives such."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from touchline.trainer.method import Method, Order

Give = Callable[[int, Order], None]


class Dealing:
    """``several``: how many a Player may have at a time."""

    def __init__(self, *, several: int) -> None:
        self._several = several
        self._out: dict[int, set[int]] = {}

    def deal(self, method: Method, slots: Iterable[int], *, now: float, give: Give) -> None:
        """Give each of these Players what it has room for, one each before anybody's second."""
        ready = list(slots)
        for room in range(1, self._several + 1):
            for slot in ready:
                out = self._out.setdefault(slot, set())
                if len(out) >= room:
                    continue
                order = method.order(slot, now)
                if order is not None:
                    out.add(order.number)
                    give(slot, order)

    def came(self, slot: int, order: int) -> None:
        """This Player is done with this order, well or not."""
        self._out.get(slot, set()).discard(order)

    def gone(self, slot: int) -> None:
        """Nothing is to be expected of this Player."""
        self._out.pop(slot, None)
