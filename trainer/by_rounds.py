"""Every method but the main one: a scheme's tasks dealt to Players, what comes back merged in the order of the tasks.

In lockstep (``staleness.max_lag: 0``) the next round's tasks are dealt once this one is merged. Otherwise Players go on
with the next tasks under the newest version, and whatever has come is merged ``tasks.parts`` at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from touchline.configs import Config
from touchline.trainer.admission import Stale, admit
from touchline.trainer.method import Absorbed, Delivery, Fate, Order, ResultKey, settled
from touchline.trainer.scheme import Arrays, Merged, ResultError, Returned, Scheme, Task
from touchline.trainer.soundness import NotFinite
from touchline.trainer.tasks import Tasks

FIRST_ORDER = 2  # order 1 is the main method's standing one
Phase = Literal["training", "over"]


@dataclass(frozen=True, slots=True)
class Version:
    """The live version's arrays, never written again."""

    version: int
    arrays: Arrays

    def to_arrays(self) -> Arrays:
        return self.arrays


@dataclass(frozen=True, slots=True)
class Came:
    """A result that is kept until its round is merged."""

    returned: Returned
    delivery: Delivery


@dataclass(slots=True)
class Counts:
    """What a run by rounds counts.

    ``steps``: row evaluations, or steps of the environment; ``merged``: results that were trained on, ``tests``: those
    that were tests.
    """

    steps: int = 0
    updates: int = 0
    rounds: int = 0
    merged: int = 0
    tests: int = 0


@dataclass(slots=True)
class Batch:
    """What the last merge was made of, for whoever writes it down; ``lags`` of the results that were trained on."""

    merged: Merged
    deliveries: Sequence[Delivery] = ()
    lags: Sequence[tuple[str, int, int]] = ()  # (player, lag, of it while it was carried out)


@dataclass(slots=True)
class Round:
    """Results gathered for the tasks under way, by number."""

    tasks: dict[int, Task] = field(default_factory=dict)
    came: dict[int, Came] = field(default_factory=dict)


class ByRounds:
    """One scheme's run. ``tests_every``: updates between tests, None: only when told to wind up."""

    def __init__(self, scheme: Scheme, config: Config, *, tests_every: int | None) -> None:
        self.scheme = scheme
        self.lockstep = not (scheme.ageless or (config.staleness.max_lag > 0 and scheme.bears_staleness))
        self.live = Version(0, _owned(scheme.arrays()))
        self.counts = Counts()
        self.batch: Batch | None = None
        self.tested: Mapping[str, float] | None = None
        self.tested_version: int | None = None
        self.phase: Phase = "training"
        self._at_a_time = 1 if scheme.ageless else config.tasks.parts
        self._staleness = config.staleness
        self._tests_every = tests_every
        self._tasks = Tasks(lease_seconds=config.tasks.lease)
        self._round, self._test = Round(), Round()
        self._next = 0
        self._winding_up = False

    # -- what the loop asks

    def standing(self) -> None:
        """There is none: each Player is given its own."""

    def order(self, player: int, now: float) -> Order | None:
        """The next task for this Player; None where it has to wait for the others."""
        if not self._tasks.due(player, now):
            self._open()
        number = self._tasks.give(player, now)
        if number is None:
            return None
        task = self._task(number)
        return Order(
            task.verb,
            task.arguments,
            standing=False,
            number=FIRST_ORDER + number,
            trains=not task.evaluates,
        )

    def lost(self, player: int) -> None:
        self._tasks.lost(player)

    def unusable(self, order: int, player: int) -> None:
        self._tasks.again(order - FIRST_ORDER, player)

    def wind_up(self) -> None:
        """No further round: what is live is tested once, and then ``phase`` is over. A test of it under way goes on."""
        if self._winding_up:
            return
        self._winding_up = True
        self._tasks.forget(self._round.tasks)
        self._round.tasks.clear()
        self._open()

    def give_up(self) -> None:
        """It is over, tested or not."""
        self._winding_up, self.phase = True, "over"
        self._tasks.forget([*self._round.tasks, *self._test.tasks])

    def absorb(self, delivery: Delivery, *, may_publish: Callable[[], bool] = lambda: True) -> Absorbed:
        """Keep a result, and merge when its round is complete. ``failed`` where what came of it is not finite."""
        self.batch, self.tested = None, None
        number = delivery.order - FIRST_ORDER
        lag = self.live.version - delivery.version
        assert delivery.base is not None, "orders once are delivered with their snapshot"
        task = self._round.tasks.get(number) or self._test.tasks.get(number)
        if task is None or number not in self._tasks:
            return Absorbed(lag, [(delivery.key, "unused")], changed=False)
        try:
            self.scheme.check(task, delivery.arrays)
        except ResultError as error:
            self._tasks.again(number, delivery.slot)
            dropped: list[tuple[ResultKey, Fate]] = [(delivery.key, "dropped_invalid")]
            return Absorbed(lag, dropped, changed=False, detail=str(error), aside=[delivery])
        self._tasks.came(number)
        if number in self._test.tasks:
            return self._absorb_test(number, task, delivery, lag)
        return self._absorb_training(number, task, delivery, lag, may_publish)

    def finished(self) -> Sequence[tuple[ResultKey, Fate]]:
        """The run ends: what was not merged is unused."""
        left = [came.delivery.key for round_ in (self._round, self._test) for came in round_.came.values()]
        self._round.came.clear()
        self._test.came.clear()
        return [(key, "unused") for key in left]

    def report(self) -> Mapping[str, Any]:
        return {
            "steps": self.counts.steps,
            "updates": self.counts.updates,
            "gradient_steps": self.counts.updates,
            "version": self.live.version,
        }

    @property
    def steps(self) -> int:
        return self.counts.steps

    @property
    def updates(self) -> int:
        return self.counts.updates

    @property
    def gradient_steps(self) -> int:
        return self.counts.updates

    # -- opening

    def _open(self) -> None:
        """The next tasks, where there is anything to do now. In lockstep a test has the Players to itself."""
        if self.phase == "over" or (self.lockstep and self._tasks.under_way):
            return
        if self._test.tasks and (self._winding_up or len(self._round.came) >= self._at_a_time):
            return  # nothing is merged before the test is over
        if self._test_is_due():
            self.tested_version = self.live.version
            self._begin(self._test, self.scheme.test())
        elif not self._winding_up:
            tasks = self.scheme.round()
            self._begin(self._round, tasks)
            if not tasks and not self._tasks.under_way:
                self.wind_up()
        if self._winding_up and not self._test.tasks and not self._test_is_due():
            self.phase = "over"

    def _test_is_due(self) -> bool:
        """Whether the live version is to be tested now; each is at most once."""
        if self._test.tasks or self.tested_version == self.live.version:
            return False
        every, last = self._tests_every, self.tested_version or 0
        return self._winding_up or (every is not None and self.live.version - last >= every)

    def _begin(self, round_: Round, tasks: Sequence[Task]) -> None:
        numbers = range(self._next, self._next + len(tasks))
        self._next += len(tasks)
        round_.tasks.update(zip(numbers, tasks, strict=True))
        self._tasks.open(numbers)

    def _task(self, number: int) -> Task:
        return self._round.tasks[number] if number in self._round.tasks else self._test.tasks[number]

    # -- merging

    def _absorb_training(
        self, number: int, task: Task, delivery: Delivery, lag: int, may_publish: Callable[[], bool]
    ) -> Absorbed:
        weight = 1.0 if task.evaluates else self._weight(delivery.version)
        if weight is None:
            self._tasks.open([number])  # to be done again, with what is newest then
            return Absorbed(lag, [(delivery.key, "dropped_stale")], changed=False)
        assert delivery.base is not None
        returned = Returned(
            task, number, delivery.version, lag, weight, delivery.arrays, delivery.base, delivery.player
        )
        self._round.came[number] = Came(returned, delivery)
        if not self._complete() or not (self.lockstep or may_publish()):
            return Absorbed(lag, [], changed=False)
        return self._merge(lag)

    def _weight(self, version: int) -> float | None:
        """What a result of this version counts; None: it is too old. In lockstep every result is of its round."""
        if self.lockstep or self.scheme.ageless:
            return 1.0
        verdict = admit(
            version=version,
            live=self.live.version,
            max_lag=self._staleness.max_lag,
            on_excess=self._staleness.on_excess,
            oldest_kept=0,
        )
        return None if isinstance(verdict, Stale) else verdict.weight

    def _complete(self) -> bool:
        """Whether to merge. While a test is under way no version is published: all of its parts are of one."""
        came, tasks = self._round.came, self._round.tasks
        if self.lockstep:
            return len(came) == len(tasks)
        return not self._test.tasks and len(came) >= min(self._at_a_time, len(tasks))

    def _merge(self, lag: int) -> Absorbed:
        """The next version from what has come; where it is not finite, nothing moves and the run cannot go on."""
        came = [self._round.came[number] for number in sorted(self._round.came)]
        for one in came:
            del self._round.tasks[one.returned.number]
        self._round.came.clear()
        live = self.live.version
        deliveries = [one.delivery for one in came]
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is not published
                merged = self.scheme.merge([one.returned for one in came])
            if merged.changed:
                self._publish()
        except NotFinite as error:
            dropped = settled(deliveries, "dropped_invalid")
            return Absorbed(lag, dropped, changed=False, detail=str(error), aside=deliveries, failed=True)
        trained = [one.delivery for one in came if not one.returned.task.evaluates]
        self.batch = Batch(
            merged, deliveries, [(one.player, live - one.version, one.lag_play) for one in trained]
        )
        self.counts.steps += merged.evaluations
        self.counts.rounds += 1
        self.counts.merged += len(trained)
        self.counts.tests += len(came) - len(trained)
        return Absorbed(
            lag,
            [(one.delivery.key, "evaluated" if one.returned.task.evaluates else "trained") for one in came],
            changed=merged.changed,
            credits=[(one.slot, merged.evaluations // len(came), 1) for one in deliveries],
        )

    def _publish(self) -> None:
        """Raises NotFinite."""
        arrays = _owned(self.scheme.arrays())
        for name, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                count = np.count_nonzero(~np.isfinite(array))
                raise NotFinite(f"{name}: {count} of {array.size} numbers are not finite")
        self.live = Version(self.live.version + 1, arrays)
        self.counts.updates += 1

    def _absorb_test(self, number: int, task: Task, delivery: Delivery, lag: int) -> Absorbed:
        assert delivery.base is not None
        returned = Returned(task, number, delivery.version, lag, 1.0, delivery.arrays, delivery.base)
        self._test.came[number] = Came(returned, delivery)
        if len(self._test.came) < len(self._test.tasks):
            return Absorbed(lag, [], changed=False)
        came = [self._test.came[each] for each in sorted(self._test.came)]
        self._test = Round()
        self.counts.tests += len(came)
        self.tested = self.scheme.tested([one.returned for one in came])
        if self._winding_up:
            self.phase = "over"
        return Absorbed(lag, [(one.delivery.key, "evaluated") for one in came], changed=False)


def _owned(arrays: Arrays) -> Arrays:
    """The arrays, read-only from now on."""
    for array in arrays.values():
        array.flags.writeable = False
    return dict(arrays)
