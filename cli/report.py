"""The last lines of a run: how it ended, what came of it, and what to type next."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import UNSET

from touchline.cli.deciding import in_lockstep, what_tests_play
from touchline.cli.live_measures import found_of, test_name, tests_of
from touchline.cli.live_text import clock, count, number, plain_line, several, short

if TYPE_CHECKING:
    from touchline.configs import Config
    from touchline.configs.schema import Staleness
    from touchline.record import EvaluationStatus, LagSummary, RunDirectory, Status, Summary
    from touchline.record.status import Objective

LABEL_WIDTH = 9
MIN_TEXT_WIDTH = 20
REASON_WIDTH = 160  # of a failure's, in a file too: all of it follows
BEYOND = {  # what on_excess does with what is older than the bound
    "downweight": "older ones weigh less",
    "hold": "updates wait for older ones",
    "drop": "older ones are dropped",
}
LOCKSTEP = "0 updates: in lockstep the next round waits for the last result of this one"
NEXT = {"eval": "play 100 episodes with what it learnt", "watch": "see it play", "plot": "draw its curves"}
NEXT_ON_TABLE = {"eval": "its error on the table's rows", "plot": "draw its curves"}


@dataclass(frozen=True)
class Ended:
    """What the summary does not hold: the run's last status, how many failures it keeps, and what was configured."""

    path: Path
    staleness: Staleness
    status: Status | None = None
    failures: int = 0
    lockstep: bool = False  # by rounds, each of which waits for the last result of the one before
    tests: Mapping[str, str] = field(default_factory=dict)  # what they play, by the name of their measure

    @property
    def evaluation(self) -> EvaluationStatus | None:
        return None if self.status is None else self.status.evaluation

    @property
    def restarts(self) -> int:
        return 0 if self.status is None else sum(player.restarts for player in self.status.players)

    @property
    def outside(self) -> int:
        """Numbers of observations beyond the bounds of their space."""
        return 0 if self.status is None else sum(player.errors for player in self.status.players)

    @classmethod
    def of(cls, run: RunDirectory, config: Config) -> Ended:
        """Of a run that has ended."""
        failures = [path for path in run.crashes.glob("*.txt") if not path.stem.endswith("-invalid")]
        lockstep, told = in_lockstep(config), what_tests_play(config)
        return cls(run.path, config.staleness, run.read_status(), len(failures), lockstep, told)


def report(summary: Summary, ended: Ended, *, width: int) -> Iterator[str]:
    """The lines, coloured where the terminal has colours, each at most ``width`` wide where it can be."""
    yield ""
    yield _ending(summary, width)
    for label, text in _facts(summary, ended):
        first, *rest = textwrap.wrap(text, max(MIN_TEXT_WIDTH, width - LABEL_WIDTH - 2))
        yield f"  {click.style(label.ljust(LABEL_WIDTH), dim=True)}{first}"
        yield from (" " * (LABEL_WIDTH + 2) + line for line in rest)
    yield ""
    if summary.updates:
        on_table = summary.objective is not UNSET and summary.objective.name == "error"
        yield from _next(ended, NEXT_ON_TABLE if on_table else NEXT, width)
    else:
        yield f"Nothing was learnt. The run's files are in {shlex.quote(str(ended.path))}"


def _ending(summary: Summary, width: int) -> str:
    word, _, rest = summary.reason.partition(":")
    if word == "failed":  # the whole reason follows as an error, with its traceback
        text = plain_line(rest)
        room = max(MIN_TEXT_WIDTH, min(width, REASON_WIDTH) - len(word) - 2)
        return f"{click.style(word, fg='red', bold=True)}: {text if len(text) <= room else text[: room - 3] + '...'}"
    colour = "green" if summary.solved else "yellow"
    return click.style(word, fg=colour, bold=True) + (f":{rest}" if rest else "")


def _facts(summary: Summary, ended: Ended) -> Iterator[tuple[str, str]]:
    seconds = summary.wall_seconds
    time = f"{seconds:.1f} s" if seconds < 60 else clock(seconds)
    yield from _measured(summary, ended)
    if summary.return_mean_100 is not None:
        best = f", best {number(summary.return_best)}" if summary.return_best is not None else ""
        yield "return", f"mean {number(summary.return_mean_100)}{best}, over the latest episodes"
    if ended.evaluation is not None:
        yield "eval", _evaluated(ended.evaluation)
    unit = "steps" if summary.objective is UNSET else summary.objective.unit
    rate = f", {count(summary.steps_per_second)} {unit}/s" if summary.steps_per_second else ""
    yield "time", f"{time}{rate}"
    yield from _counted(summary, ended)
    if ended.outside:
        numbers = several(ended.outside, "number")
        yield (
            "outside",
            f"{numbers} of observations beyond the bounds of their space, learnt from all the same",
        )
    if ended.failures or ended.restarts:
        yield "failures", _failures(ended)


def _counted(summary: Summary, ended: Ended) -> Iterator[tuple[str, str]]:
    """What was learnt from; nothing where nothing was sent."""
    if summary.ledger.total.get("sent") == 0:
        return
    yield "trained", _trained(summary)
    if ended.lockstep:
        yield "lag", LOCKSTEP
    elif summary.lag.mean is not None and (summary.objective is UNSET or ended.staleness.max_lag):
        yield "lag", _lag(summary.lag, ended.staleness)
    if summary.updates:
        yield "limit", summary.bottleneck
    yield "ledger", ledger_line(summary.ledger.total, summary.ledger.duplicates)


def _trained(summary: Summary) -> str:
    objective = summary.objective
    if objective is UNSET:
        counts = f"{summary.steps:,} steps of {summary.episodes:,} episodes in {summary.updates:,} updates"
        return f"{counts} ({summary.gradient_steps:,} gradient steps)"
    parts = [several(objective.results, "result")]
    parts += [several(objective.tests, "test")] if objective.tests else []
    parts += [several(summary.episodes, "episode")] if summary.episodes else []
    *most, last = parts
    counts = (
        f"{summary.steps:,} {objective.unit} of {' and '.join([', '.join(most), last] if most else [last])}"
    )
    return f"{counts} in {several(objective.rounds, 'round')} ({several(summary.updates, 'update')})"


def _measured(summary: Summary, ended: Ended) -> Iterator[tuple[str, str]]:
    """Of a run by rounds: its error, what its tests say, and what it found."""
    objective = summary.objective
    if objective is UNSET:
        return
    if objective.name == "error" and objective.value is not None:
        goal = f" (goal {short(objective.goal)})" if objective.goal is not None else ""
        yield "error", f"{short(objective.value)}, best {short(objective.best)}{goal}"
    for label, facts in (("tests", _tests(objective, ended)), ("found", found_of(objective))):
        if facts:
            yield label, ", ".join(f"{name} {text}" for name, text in facts)


def _tests(objective: Objective, ended: Ended) -> list[tuple[str, str]]:
    """With what they play, where that is known."""
    told = {test_name(name): said for name, said in ended.tests.items()}
    return [(name, f"{text} ({told[name]})" if name in told else text) for name, text in tests_of(objective)]


def _evaluated(last: EvaluationStatus) -> str:
    """The last evaluation and the best one, each with the version that it is of."""
    said = f"mean {number(last.mean)} of version {last.version}"
    if last.best_version is None or last.best_version == last.version:
        return f"{said}, over {last.episodes} greedy episodes"
    return f"{said}, best {number(last.best_mean)} of version {last.best_version}, over {last.episodes} greedy episodes"


def _failures(ended: Ended) -> str:
    restarts, failures = ended.restarts, ended.failures
    again = f", {restarts} restart{'s' if restarts != 1 else ''} of Players" if restarts else ""
    return f"{failures}{again}; tracebacks in {shlex.quote(str(ended.path / 'crashes'))}"


def _lag(lag: LagSummary, staleness: Staleness) -> str:
    law = f"the law says {number(lag.law)}" if lag.law is not None else "no law"
    spread = f"p95 {short(lag.p95)}, max {short(lag.max)}"
    bound = f"bound {staleness.max_lag} ({BEYOND[staleness.on_excess]})"
    return f"mean {number(lag.mean)} updates ({law}), {spread}, {bound}"


def ledger_line(total: dict[str, int], duplicates: int) -> str:
    """``221 results sent = 220 trained + 1 unused``; what is zero is left out."""
    if not total:
        return "unknown"
    rest = [
        f"{amount:,} {name.replace('_', ' ')}" for name, amount in total.items() if amount and name != "sent"
    ]
    again = f"; {duplicates:,} duplicates" if duplicates else ""
    return f"{total['sent']:,} results sent = {' + '.join(rest) or 0}{again}"


def _next(ended: Ended, verbs: dict[str, str], width: int) -> Iterator[str]:
    """The commands, to be pasted: never broken, and without their purpose where there is no room for it."""
    path, last = shlex.quote(str(ended.path)), ended.evaluation
    commands = {f"touchline {verb} {path}": f"# {verbs[verb]}" for verb in verbs}
    if last is not None and last.best_version not in (None, last.version):
        best = {
            f"touchline eval {path} --checkpoint best": f"# of version {last.best_version}, which evaluated best"
        }
        commands = best | commands
    column = max(map(len, commands))
    yield "Next:"
    for command, purpose in commands.items():
        line = f"  {command.ljust(column)}  "
        fits = len(line) + len(purpose) <= width
        yield line + click.style(purpose, dim=True) if fits else f"  {command}"
