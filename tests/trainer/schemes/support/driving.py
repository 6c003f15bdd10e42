"""Carries a scheme's rounds out in this process, in any order and with doubles, as Players would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from touchline.player.work import Held, Work
from touchline.trainer.scheme import Merged, Returned, Scheme, Task


def results_of(
    scheme: Scheme, work: Work, tasks: Any, *, version: int, first: int = 0, order: Any = None
) -> list[Returned]:
    """Results in the order of the tasks; ``order``: in which they are carried out."""
    base = {name: array.copy() for name, array in scheme.arrays().items()}
    held = Held(1, version, base)
    came: dict[int, Returned] = {}
    for index in order if order is not None else range(len(tasks)):
        task: Task = tasks[index]
        (arrays,) = work.carry_out(task.verb, task.arguments, held, seq=0, count=1, standing=False)
        scheme.check(task, arrays)
        came.setdefault(index, Returned(task, first + index, version, 0, 1.0, arrays, base))
    return [came[index] for index in sorted(came)]


def drive(
    scheme: Scheme, work: Work, *, rounds: int, rng: np.random.Generator | None = None
) -> Iterator[Merged]:
    """Rounds in lockstep. ``rng``: the tasks are carried out in an order drawn, some of them twice."""
    version, first = 0, 0
    for _ in range(rounds):
        tasks = scheme.round()
        if not tasks:
            return
        order = None
        if rng is not None:
            order = rng.permutation(np.concatenate([np.arange(len(tasks)), rng.integers(0, len(tasks), 2)]))
        merged = scheme.merge(results_of(scheme, work, tasks, version=version, first=first, order=order))
        first += len(tasks)
        version += merged.changed
        yield merged
        if merged.done is not None:
            return
