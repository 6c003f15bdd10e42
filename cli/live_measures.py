"""What else a run by rounds measures and what it found, as words and numbers: for the live view and the report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from touchline.cli.live_text import MISSING, short
from touchline.record.status import Objective

SHARES = ("accuracy", "accepted")  # measures that are parts of a whole, 0 to 1
TESTS = "test_"
TRAINING = "training accuracy"
WORDS = {"test_mean": "return in the round"}  # where a word for a name says more
SHOWN_ELSEWHERE = ("goal", "solved_by")  # beside the return; the model that solved it is the one that is kept
WHOLE = 1e9  # up to which whole numbers are written out

Named = list[tuple[str, str]]  # what it is called, and what it is


def tests_of(objective: Objective) -> Named:
    """What was measured on rows or episodes that nothing is trained on; then the accuracy on those that are.

    ``return`` is of the tests between rounds, ``return in the round`` of those that belong to one.
    """
    told = _told_as_tests(objective)
    tests = sorted((name for name in told if name.startswith(TESTS)), key=lambda name: name in WORDS)
    named = [(test_name(name), _measured(name, objective.measures[name])) for name in tests]
    known = "accuracy" in told
    return [*named, (TRAINING, _measured("accuracy", objective.measures["accuracy"]))] if known else named


def found_of(objective: Objective) -> Named:
    """What was found, such as a structure, and all else that was last measured."""
    facts = {name: value for name, value in objective.facts.items() if name not in SHOWN_ELSEWHERE}
    told = {*facts, *_told_as_tests(objective)}
    named = [(_words(name), _fact(value)) for name, value in facts.items()]
    named += [
        (_words(name), _measured(name, value))
        for name, value in objective.measures.items()
        if name not in told
    ]
    return [(name, text) for name, text in named if text]


def test_name(measure: str) -> str:
    """What a test's measure is called."""
    return WORDS.get(measure, _words(measure.removeprefix(TESTS)))


def _told_as_tests(objective: Objective) -> list[str]:
    tests = [name for name in objective.measures if name.startswith(TESTS)]
    return [*tests, "accuracy"] if tests and "accuracy" in objective.measures else tests


def _words(name: str) -> str:
    return name.replace("_", " ")


def _measured(name: str, value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return MISSING
    if name.endswith(SHARES):
        return f"{100 * value:.1f} %"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < WHOLE else short(value)


def _fact(value: Any) -> str:
    """Plain data as words; empty for what says nothing."""
    match value:
        case None | Mapping():
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return _measured("", value)
        case [str() as kind, int() | float() as coefficient]:
            return kind if coefficient == 1 else f"{coefficient:g} {kind}"
        case []:
            return "none"
        case list() | tuple():
            return f"[{', '.join(_fact(part) for part in value)}]"
    return str(value)
