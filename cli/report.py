"""The last lines of a run: how it ended, what came of it, and what to type next."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchline.cli.live_text import clock, count, number, short

if TYPE_CHECKING:
    from touchline.record import LagSummary, Summary

LABEL_WIDTH = 9
MIN_TEXT_WIDTH = 20
NEXT = {"eval": "play 100 episodes with what it learnt", "watch": "see it play", "plot": "draw its curves"}


def report(summary: Summary, *, path: Path, max_lag: int, width: int) -> Iterator[str]:
    """The lines, coloured where the terminal has colours, each at most ``width`` wide where it can be."""
    yield ""
    yield _ending(summary)
    for label, text in _facts(summary, max_lag):
        first, *rest = textwrap.wrap(text, max(MIN_TEXT_WIDTH, width - LABEL_WIDTH - 2))
        yield f"  {click.style(label.ljust(LABEL_WIDTH), dim=True)}{first}"
        yield from (" " * (LABEL_WIDTH + 2) + line for line in rest)
    yield ""
    if summary.updates:
        yield from _next(path, width)
    else:
        yield f"Nothing was learnt. The run's files are in {shlex.quote(str(path))}"


def _ending(summary: Summary) -> str:
    word, _, rest = summary.reason.partition(":")
    if word == "failed":  # the reason follows as an error, with its traceback
        return click.style("failed", fg="red", bold=True)
    colour = "green" if summary.solved else "yellow"
    return click.style(word, fg=colour, bold=True) + (f":{rest}" if rest else "")


def _facts(summary: Summary, max_lag: int) -> Iterator[tuple[str, str]]:
    seconds = summary.wall_seconds
    time = f"{seconds:.1f} s" if seconds < 60 else clock(seconds)
    if summary.return_mean_100 is not None:
        best = f", best {number(summary.return_best)}" if summary.return_best is not None else ""
        yield "return", f"mean {number(summary.return_mean_100)}{best}, over the latest episodes"
    rate = f", {count(summary.steps_per_second)} steps/s" if summary.steps_per_second else ""
    yield "time", f"{time}{rate}"
    if summary.ledger.total.get("sent") == 0:
        return
    counts = f"{summary.steps:,} steps of {summary.episodes:,} episodes in {summary.updates:,} updates"
    yield "trained", f"{counts} ({summary.gradient_steps:,} gradient steps)"
    if summary.lag.mean is not None:
        yield "lag", _lag(summary.lag, max_lag)
    if summary.updates:
        yield "limit", summary.bottleneck
    yield "ledger", ledger_line(summary.ledger.total, summary.ledger.duplicates)


def _lag(lag: LagSummary, max_lag: int) -> str:
    law = f"the law says {number(lag.law)}" if lag.law is not None else "no law"
    spread = f"p95 {short(lag.p95)}, max {short(lag.max)}, bound {max_lag}"
    return f"mean {number(lag.mean)} updates ({law}), {spread}"


def ledger_line(total: dict[str, int], duplicates: int) -> str:
    """``221 results sent = 220 trained + 1 unused``; what is zero is left out."""
    if not total:
        return "unknown"
    rest = [
        f"{amount:,} {name.replace('_', ' ')}" for name, amount in total.items() if amount and name != "sent"
    ]
    again = f"; {duplicates:,} duplicates" if duplicates else ""
    return f"{total['sent']:,} results sent = {' + '.join(rest) or 0}{again}"


def _next(path: Path, width: int) -> Iterator[str]:
    """The commands, to be pasted: never broken, and without their purpose where there is no room for it."""
    commands = {f"touchline {verb} {shlex.quote(str(path))}": f"# {NEXT[verb]}" for verb in NEXT}
    column = max(map(len, commands))
    yield "Next:"
    for command, purpose in commands.items():
        line = f"  {command.ljust(column)}  "
        fits = len(line) + len(purpose) <= width
        yield line + click.style(purpose, dim=True) if fits else f"  {command}"
