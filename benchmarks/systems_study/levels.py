"""Document 001's levels of parallelism, each at a size at which a round is work: what is run, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import numpy as np

from systems_study.study import Done, Study, rounds_timed, seconds_of

MODES = {"serial": 0, "1 Player": 1, "2 Players": 2}
NO_TEST = ("--table.test", "null")
DIGITS = ("--table.source", "digits", "--table.scale", "unit")
ENDLESS = ("--stop.error", "null", "--table.test_every", "null")
MANY, QUICK = 30, 10  # rounds, and the percentile of theirs


@dataclass(frozen=True)
class Level:
    """A level: a preset and how it is enlarged. ``size``: of the weight vector that a result or a snapshot carries."""

    name: str
    what: str
    preset: str
    flags: tuple[str, ...]
    quick: tuple[str, ...]
    result: str = "numbers"  # or weights: what comes back of an order


def levels(study: Study) -> Iterator[Level]:
    """In the order of the document."""
    rows = (*ENDLESS, "--stop.rounds")
    if study.mnist is not None:
        large = (*NO_TEST, "--table.source", study.mnist, "--table.rows", "10000", "--model.hidden", "[128]")
        what = "gradient of 10,000 rows of MNIST, 784-128-10"
        yield Level("rows", what, "001-rows", (*large, *rows, "60"), (*rows, "3"), "weights")
    small = "gradient of 1,437 rows of digits, 64-16-10"
    yield Level("rows, small", small, "001-rows", (*rows, "250"), (*rows, "5"), "weights")
    yield Level(
        "weights, numeric",
        "two errors of 200 rows for each of 610 weights, digits 64-8-10",
        "001-weights",
        (
            *(*DIGITS, "--table.rows", "200", "--model.hidden", "[8]", "--model.output", "auto"),
            *("--tasks.parts", "4", *rows, "60"),
        ),
        (*rows, "4"),
    )
    yield Level(
        "grid",
        "13^6 points of XOR 2-2-1",
        "001-grid",
        ("--search.step", "0.5", "--search.limit", "5M", *ENDLESS),
        ("--stop.error", "null"),
    )
    draws = (*DIGITS, "--model.hidden", "[16]", *ENDLESS, "--stop.rounds")
    yield Level(
        "draws", "64 points a round, digits 64-16-10", "001-monte-carlo", (*draws, "120"), (*draws, "4")
    )
    yield Level(
        "activations",
        "36 assignments of sine 1-3-3-1, 2,000 passes each",
        "001-activations",
        ("--search.epochs", "2000"),
        ("--search.epochs", "20"),
    )
    grow = (*DIGITS, "--table.test", "0.2", "--model.output", "auto", *ENDLESS, "--stop.rounds")
    yield Level(
        "structure",
        "candidates of 64-8-10 and up, digits, 60 passes each",
        "001-structure",
        (*grow, "6", "--model.hidden", "[8]", "--structure.epochs", "60"),
        (*grow, "3", "--structure.epochs", "2"),
    )


def measured(study: Study, level: Level) -> dict[str, object]:
    """The level's seconds a round, serial and with Players: of the quickest of the repeats."""
    flags = level.quick if study.quick else level.flags
    row: dict[str, object] = {"name": level.name, "what": level.what, "result": level.result}
    loads: list[float] = []
    for mode, players in MODES.items():
        done = [
            study.run(
                f"level-{level.name.replace(', ', '-')}-{players}-{repeat}",
                level.preset,
                *flags,
                *(() if players == 0 else ("--players.count", str(players))),
                serial=players == 0,
            )
            for repeat in range(study.seeds)
        ]
        row[mode] = min(seconds_a_round(one) for one in done)
        loads += [one.load for one in done]
    merges = [line.update_seconds or 0.0 for line in done[0].lines]
    return {**row, "merge": median(merges), "load": max(loads)}


def seconds_a_round(done: Done) -> float:
    """Where there are many rounds, all alike, the tenth percentile: what else a machine does is in the others."""
    lines = done.lines
    if len(lines) >= MANY:
        return float(np.percentile(np.diff([line.seconds for line in lines]), QUICK))
    return seconds_of(lines) / rounds_timed(lines)
