"""Evaluation during training: when the next is due, and which one is under way. Neither clock nor sockets.

A greedy ``play`` order, given once, to one Player: the others go on, and it goes on afterwards. Each plays the
same episodes, apart from training's, so that what is compared is the policies.
"""

from __future__ import annotations

from dataclasses import dataclass

from touchline.configs import Config
from touchline.policy.seeds import evaluation_seed
from touchline.trainer.method import Order

FIRST_ORDER = 2  # order 1 is the standing one


@dataclass(frozen=True, slots=True)
class Asked:
    """An evaluation under way: its order, who was asked, and when."""

    order: int
    slot: int
    seconds: float


class Evaluating:
    """Times are seconds since the run began. Never two at once, and never one that follows the last at once.

    They begin ``eval.every`` apart; after one that took longer, as long is left to training before the next.
    """

    def __init__(self, config: Config) -> None:
        self.episodes = config.eval.episodes
        self.seed = evaluation_seed(config.seed)
        self._every = config.eval.every
        self._due = self._every
        self._under_way: Asked | None = None
        self._last_order = FIRST_ORDER - 1
        self.last_slot: int | None = None  # the last one asked
        self._complained = False

    @property
    def order(self) -> Order:
        """What is asked of a Player."""
        arguments = {"episodes": self.episodes, "seed": self.seed, "greedy": True}
        return Order("play", arguments, standing=False)

    @property
    def under_way(self) -> Asked | None:
        return self._under_way

    def is_due(self, now: float) -> bool:
        """Whether one should be asked for now."""
        return self._under_way is None and self._due is not None and now >= self._due

    def ask(self, slot: int, now: float) -> int:
        """An evaluation of this slot's Player is under way from now on; the number of its order."""
        assert self._every is not None, "none is ever due"
        assert self._under_way is None, "never two at once"
        self._last_order += 1
        self.last_slot = slot
        self._under_way = Asked(self._last_order, slot, now)
        self._due = now + self._every
        return self._last_order

    def asked_for(self, order: int | None) -> bool:
        """Whether a result under this order is an evaluation, of whatever time."""
        return order is not None and FIRST_ORDER <= order <= self._last_order

    def done(self, order: int, now: float) -> bool:
        """An evaluation came. Whether it is the newest asked for: an older one, of a Player given up, is not taken."""
        newest = order == self._last_order
        if newest:
            self._end(now)
        return newest

    def given_up(self, slot: int, now: float) -> None:
        """This slot's Player is gone, or sent what cannot be read: the next is asked for when it is due."""
        if self._under_way is not None and self._under_way.slot == slot:
            self._end(now)

    def complaint(self, now: float) -> str | None:
        """What to say, once, of an interval that is shorter than an evaluation takes; None otherwise."""
        if self._complained or self._under_way is None or self._due is None or now < self._due:
            return None
        self._complained = True
        return (
            f"an evaluation of {self.episodes} episodes takes longer than eval.every ({self._every:g} s): "
            "there will be fewer; fewer eval.episodes or a longer eval.every keep to the time"
        )

    def _end(self, now: float) -> None:
        if self._under_way is not None and self._every is not None and self._due is not None:
            late = now > self._due
            self._due = now + self._every if late else self._due
        self._under_way = None
