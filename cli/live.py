"""Watching a run: a picture that stays in place on a terminal, plain lines everywhere else.

Both are context managers that read a Status from a function, in a daemon thread of their own, and show
the last one when they close. A view is never worth a run: if the function or the terminal fails, the view
ends, keeps the exception as ``failure``, and says so when it closes.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self, final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.segment import Segment

from touchline.cli.live_curve import headline
from touchline.cli.live_frame import frame, rounds_per_second, unit_of
from touchline.cli.live_layout import Line
from touchline.cli.live_measures import TRAINING, tests_of
from touchline.cli.live_text import (
    MISSING,
    clock,
    count,
    encodable,
    glyphs_for,
    number,
    percent,
    plain_line,
    short,
)
from touchline.record.status import Status

Source = Callable[[], Status]
REFRESH_PER_SECOND = 4.0
PLAIN_SECONDS = 5.0
PRESENT = (
    "playing",
    "working",
    "evaluating",
    "waiting",
    "building",
)  # a Player between two grants is no less there
TOGETHER = "; "  # between the events of one message
CLOSING_SECONDS = 2.0  # a terminal that hangs must not keep the program


def open_view(source: Source, *, console: Console, live: bool | Literal["auto"]) -> LiveView | PlainView:
    """The view that suits ``console``; ``live`` forces one or the other."""
    wanted = console.is_terminal and not console.is_dumb_terminal if live == "auto" else live
    return LiveView(source, console=console) if wanted else PlainView(source, console=console)


@final
class LiveFrame:
    """A Status as something rich can draw, of whatever size the terminal has at that moment."""

    def __init__(self, status: Status) -> None:
        self.status = status

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        glyphs = glyphs_for(options.encoding)
        # one row is left free: a frame as high as the terminal makes it scroll
        lines = frame(self.status, width=options.max_width, height=console.height - 1, glyphs=glyphs)
        for line in lines:
            yield from _segments(console, line)
            yield Segment.line()


@final
class LiveView:
    """The picture, drawn in place ``refresh_per_second`` times a second."""

    def __init__(
        self, source: Source, *, console: Console, refresh_per_second: float = REFRESH_PER_SECOND
    ) -> None:
        self._source = source
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
        self._repeat = Repeat(self._draw, seconds=1 / refresh_per_second, name="live-view")

    @property
    def failure(self) -> Exception | None:
        """What ended the view early, or None."""
        return self._repeat.failure

    def __enter__(self) -> Self:
        self._live.start()
        self._repeat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._repeat.stop()
        self._repeat.once(self._draw)  # the last frame stays on the screen: it must be the final one
        self._repeat.attempt(self._live.stop)
        self._repeat.report(self._live.console)

    def _draw(self) -> None:
        self._live.update(LiveFrame(self._source()), refresh=True)


@final
class PlainView:
    """A line every ``seconds``, and one at once for every new message, as a log file wants it."""

    def __init__(self, source: Source, *, console: Console, seconds: float = PLAIN_SECONDS) -> None:
        self._source = source
        self._console = console
        self._every = seconds
        self._printed_at: float | None = None  # of the run's own seconds
        self._message = ""
        self._repeat = Repeat(self.tick, seconds=min(1.0, seconds), name="plain-view")

    @property
    def failure(self) -> Exception | None:
        """What ended the view early, or None."""
        return self._repeat.failure

    def __enter__(self) -> Self:
        self._repeat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._repeat.stop()
        self._repeat.once(lambda: self.tick(final=True))
        self._repeat.report(self._console)

    def tick(self, *, final: bool = False) -> None:
        """Print what is due: a new message, and a line if the last one is ``seconds`` old or ``final``."""
        status = self._source()
        message = plain_line(status.message)
        if message != self._message:
            if event := _new_of(message, self._message):
                self._print(f"{clock(status.seconds):>7}  {event}")
            self._message = message
        age = math.inf if self._printed_at is None else status.seconds - self._printed_at
        if age >= self._every or (final and age > 0):
            self._print(status_line(status))
            self._printed_at = status.seconds

    def _print(self, line: str) -> None:
        _print(self._console, line)


def _new_of(message: str, before: str) -> str:
    """What a message says that the one before did not: events of one second are said together, the newest last."""
    return message.removeprefix(f"{before}{TOGETHER}") if before else message


def status_line(status: Status) -> str:
    """A Status as one line; the fields keep their order and names, so that a log can be searched."""
    ending = status.state in ("stopping", "finished")  # they leave because they were told to
    playing = sum(ending or player.state in PRESENT for player in status.players)
    facts = [
        f"{clock(status.seconds):>7}",
        *_done(status),
        f"waits {percent(status.wait_fraction)}",
        f"lag {number(status.lag.mean)}",
        f"players {playing}/{len(status.players)}" if status.players else f"players {MISSING}",
    ]
    if status.evaluation is not None:
        facts.append(f"eval {number(status.evaluation.mean)} of version {status.evaluation.version}")
    if status.objective is not None:
        facts += [f"test {name} {text}" for name, text in tests_of(status.objective) if name != TRAINING]
    return "  ".join(facts)


def _done(status: Status) -> list[str]:
    """How much, and what came of it."""
    shown = headline(status)
    goal = f" (goal {short(shown.goal)})" if shown.goal is not None else ""
    reached = f"{shown.name} {shown.say(shown.value)}{goal}"
    worked = f"{unit_of(status)} {count(status.steps)}"
    if status.objective is not None:
        rounds = f"rounds {count(status.objective.rounds)} at {number(rounds_per_second(status))}/s"
        return [worked, reached, rounds]
    updates = f"updates {count(status.updates)} at {number(status.updates_per_second)}/s"
    return [worked, reached, f"episodes {count(status.episodes)}", updates]


@final
class Repeat:
    """Calls a function every so often in a daemon thread, until it is stopped or the function fails."""

    def __init__(self, action: Callable[[], None], *, seconds: float, name: str) -> None:
        self.failure: Exception | None = None
        self._action = action
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end and wait for it, though not for ever."""
        self._stopping.set()
        self._thread.join(CLOSING_SECONDS)

    def once(self, action: Callable[[], None]) -> None:
        """Call ``action`` from here after ``stop``, unless the thread has failed, or hangs to this day."""
        if self.failure is None and not self._thread.is_alive():
            self.attempt(action)

    def attempt(self, action: Callable[[], None]) -> None:
        """Call ``action``; an exception becomes the failure, if it is the first."""
        try:
            action()
        except SystemExit:  # what rich makes of a closed pipe, as in `touchline train | head`
            self.failure = self.failure or BrokenPipeError("nobody reads the output any more")
        except Exception as error:
            self.failure = self.failure or error

    def report(self, console: Console) -> None:
        """Say that the view failed, if it did."""
        if self.failure is not None:
            text = f"the view ended early ({type(self.failure).__name__}: {self.failure}); the run went on"
            self.attempt(lambda: _print(console, plain_line(text)))

    def _run(self) -> None:
        while self.failure is None:
            self.attempt(self._action)
            if self._stopping.wait(self._seconds):
                return


def _segments(console: Console, line: Line) -> list[Segment]:
    return [
        Segment(encodable(text, console.encoding), console.get_style(style) if style else None)
        for text, style in line
        if text
    ]


def _print(console: Console, line: str) -> None:
    text = encodable(line, console.encoding)
    console.print(text, markup=False, highlight=False, soft_wrap=True)
