"""What a run is for, as the live view shows it: the return, or the error, with its goal and its history."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from touchline.cli.live_layout import GAP, LABEL_WIDTH, Line, breadth, row
from touchline.cli.live_text import Glyphs, chart, number, resample, short
from touchline.record.status import Status, return_goal_of

CHART_HEIGHT = 5
HELD = 60  # values of the history in a status
DECADE = 10  # an error that falls further is drawn on a logarithmic scale


@dataclass(frozen=True)
class Headline:
    """The number that the run is for. ``falls``: smaller is better, as of an error."""

    name: str
    value: float | None
    best: float | None
    goal: float | None
    about: str
    history: list[float]
    falls: bool
    say: Callable[[float | None], str]

    @property
    def reached(self) -> bool:
        if self.value is None or self.goal is None:
            return False
        return self.value <= self.goal if self.falls else self.value >= self.goal

    @property
    def style(self) -> str:
        return "green" if self.reached else "cyan"


def headline(status: Status) -> Headline:
    """Of a table the error; of an environment the return, of whole episodes where some have ended."""
    objective = status.objective
    history = [value for value in status.return_history if math.isfinite(value)]
    if objective is not None and objective.name == "error":
        about = "mean of the training rows"
        return Headline(
            "error", objective.value, objective.best, objective.goal, about, history, falls=True, say=short
        )
    mean, best, about = status.return_mean, status.return_best, f"mean of {status.over_episodes} episodes"
    if mean is None and objective is not None:
        mean, best, about = objective.value, objective.best, "of the last round"
    goal = return_goal_of(status)
    return Headline("return", mean, best, goal, about, history, falls=False, say=number)


def headline_rows(status: Status, width: int, glyphs: Glyphs, *, tall: bool) -> list[Line]:
    """One row with a small curve, or where the terminal is ``tall`` a row and a chart under it."""
    shown = headline(status)
    value: Line = [(shown.say(shown.value), f"bold {shown.style}" if shown.value is not None else "dim")]
    if shown.goal is not None:
        value.append((f" of {short(shown.goal)}", "dim"))
    best: Line = [("best ", "dim"), (shown.say(shown.best), "")]
    about: Line = [(shown.about, "dim")]
    if tall:
        return [row(shown.name, [value, best, about], width), *_chart(shown, width, glyphs), []]
    curve = _small_curve(shown, width - breadth(value) - breadth(best), glyphs)
    return [row(shown.name, [value, curve, best, about] if curve else [value, best, about], width)]


def _small_curve(shown: Headline, width: int, glyphs: Glyphs) -> Line:
    """One line high, between where it came from and where it is; empty without a history."""
    least, greatest = (short(pick(shown.history, default=None)) for pick in (min, max))
    first, last = (greatest, least) if shown.falls else (least, greatest)
    columns = max(8, min(24, width - LABEL_WIDTH - 2 * len(GAP) - len(f"{least}  {greatest}")))
    picture = _drawn(shown, shown.history, columns, 1, glyphs)[0]
    return [(f"{first} ", "dim"), (picture, shown.style), (f" {last}", "dim")] if picture else []


def _chart(shown: Headline, width: int, glyphs: Glyphs) -> list[Line]:
    """The history in CHART_HEIGHT rows with its least and greatest value.

    A dotted line is at the goal, where it is the top, or the bottom of what falls.
    """
    columns, history = max(1, width - LABEL_WIDTH - 8), shown.history
    if columns > HELD:  # a wide terminal is filled: each value takes more than a column
        history = resample(history, round(len(history) * columns / HELD))
    rows = _drawn(shown, history, columns, CHART_HEIGHT, glyphs)
    labels, at_goal = _labels(rows, shown), CHART_HEIGHT - 1 if shown.falls else 0
    lines: list[Line] = []
    for index, blocks in enumerate(rows):
        drawn, label = blocks.rstrip(), labels.get(index, "")
        dots = glyphs.goal if index == at_goal and label and label == short(shown.goal) else " "
        rest = f"{dots * (columns - len(drawn))} {label}" if label else ""
        lines.append([(" " * LABEL_WIDTH, ""), (drawn, shown.style), (rest, "dim")])
    return lines


def _drawn(shown: Headline, history: Sequence[float], width: int, height: int, glyphs: Glyphs) -> list[str]:
    """The history's rows of blocks; an error that fell by more than a DECADE on a logarithmic scale."""
    goal = shown.goal
    least = min([*history, *([goal] if goal else [])], default=0.0)
    if shown.falls and history and least > 0 and max(history) > DECADE * least:
        history = [math.log10(value) for value in history]
        goal = math.log10(goal) if goal else None
    top, bottom = (None, goal) if shown.falls else (goal, None)
    return chart(history, width=width, height=height, top=top, bottom=bottom, glyphs=glyphs)


def _labels(rows: Sequence[str], shown: Headline) -> dict[int, str]:
    """What stands right of the chart's rows, from the top: the greatest value, the least, and the goal."""
    goal, at_goal = shown.goal, len(rows) - 1 if shown.falls else 0
    if not shown.history:
        return {at_goal: short(goal)} if goal is not None else {}
    least, greatest = min(shown.history), max(shown.history)
    heights = [sum(block != " " for block in column) for column in zip(*rows, strict=True)]
    labels = {len(rows) - min(heights): short(least), len(rows) - max(heights): short(greatest)}
    outside = goal is not None and (goal <= least if shown.falls else goal >= greatest)
    return labels | ({at_goal: short(goal)} if outside else {})
