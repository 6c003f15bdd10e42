from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import msgspec
import pytest
from rich.console import Console

from touchline.cli import live
from touchline.cli.live import LiveFrame, LiveView, PlainView, open_view, status_line
from touchline.record.status import EvaluationStatus, LagSummary, PlayerStatus, Status

PATIENCE_SECONDS = 10.0
STATUS = Status(
    run="1-cartpole-v1-s0",
    env="CartPole-v1",
    state="training",
    seconds=4.0,
    steps=612_345,
    stop_steps=2_000_000,
    return_mean=412.3,
    return_goal=475,
    return_history=[20, 200, 412],
    episodes=1832,
    updates=298,
    updates_per_second=38.2,
    wait_fraction=0.41,
    lag=LagSummary(mean=1.93),
    players=[PlayerStatus(name="player-0", state="playing"), PlayerStatus(name="player-1", state="waiting")],
)


def console(*, terminal: bool = False, encoding: str = "utf-8") -> Console:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    return Console(file=file, width=80, height=24, force_terminal=terminal, color_system=None, _environ={})


def shown(console: Console) -> str:
    file = console.file
    assert isinstance(file, io.TextIOWrapper)
    assert isinstance(file.buffer, io.BytesIO)
    return file.buffer.getvalue().decode(file.encoding)


def at(seconds: float, **fields: object) -> Status:
    return msgspec.structs.replace(STATUS, seconds=seconds, **fields)


class Script:
    """A source that gives one status after another, the last one for ever, and tells when it was asked."""

    def __init__(self, *statuses: Status) -> None:
        self._statuses = list(statuses)
        self.calls = threading.Semaphore(0)

    def __call__(self) -> Status:
        self.calls.release()
        return self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]

    def wait_for_calls(self, amount: int) -> None:
        for _ in range(amount):
            assert self.calls.acquire(timeout=PATIENCE_SECONDS)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def test_the_live_view_ends_on_the_last_status() -> None:
    out = console(terminal=True)
    source = Script(at(1), at(2), at(59, state="finished"))
    with LiveView(source, console=out, refresh_per_second=1000):
        source.wait_for_calls(4)
    text = shown(out)
    assert "● training  0:01" in text
    assert "● finished  0:59" in text.rpartition("cartpole")[2]


def test_the_live_view_gives_the_cursor_back() -> None:
    out = console(terminal=True)
    with LiveView(Script(STATUS), console=out):
        pass
    assert shown(out).rindex("\x1b[?25h") > shown(out).rindex("\x1b[?25l")


def test_the_live_view_closes_after_an_interrupt() -> None:
    out = console(terminal=True)
    with pytest.raises(KeyboardInterrupt), LiveView(Script(STATUS), console=out):
        raise KeyboardInterrupt
    assert "\x1b[?25h" in shown(out)


@pytest.mark.parametrize("view", [LiveView, PlainView])
def test_a_source_that_fails_ends_the_view_and_not_the_run(view: Callable[..., LiveView | PlainView]) -> None:
    def source() -> Status:
        raise ZeroDivisionError("no [bold]rate[/]")

    out = console(terminal=True)
    with view(source, console=out) as opened:
        pass
    assert isinstance(opened.failure, ZeroDivisionError)
    assert "the view ended early (ZeroDivisionError: no [bold]rate[/]); the run went on" in shown(out)


@pytest.mark.parametrize("view", [LiveView, PlainView])
def test_a_terminal_that_fails_ends_the_view_and_not_the_run(
    view: Callable[..., LiveView | PlainView], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = console(terminal=True)
    source = Script(at(0), at(100))
    with view(source, console=out) as opened:
        source.wait_for_calls(1)
        monkeypatch.setattr(out.file, "write", disk_full)
    assert isinstance(opened.failure, OSError)
    monkeypatch.undo()


def disk_full(text: str) -> int:
    raise OSError("no space left on device")


CLOSED_PIPE = """
import sys
from rich.console import Console
from touchline.cli.live import PlainView
from touchline.record.status import Status
sys.stdin.readline()
with PlainView(lambda: Status(run="r", env="e"), console=Console()) as view:
    pass
print(type(view.failure).__name__, file=sys.stderr)
"""


def test_a_reader_that_goes_away_does_not_end_the_run() -> None:
    """As in `touchline train cartpole | head`."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLOSED_PIPE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate("go\n", timeout=60)
    assert (process.returncode, errors.strip()) == (0, "BrokenPipeError")


def test_a_source_that_hangs_does_not_keep_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CLOSING_SECONDS", 0.01)
    asked, answer = threading.Event(), threading.Event()

    def source() -> Status:
        asked.set()
        assert answer.wait(PATIENCE_SECONDS)
        return STATUS

    view = PlainView(source, console=console())
    with view:
        assert asked.wait(PATIENCE_SECONDS)
    answer.set()
    view._repeat._thread.join(PATIENCE_SECONDS)
    assert view.failure is None


@pytest.mark.parametrize("view", [LiveView, PlainView])
def test_what_an_ascii_terminal_cannot_show_is_replaced(view: Callable[..., LiveView | PlainView]) -> None:
    out = console(terminal=True, encoding="ascii")
    with view(Script(at(1, message="spieler-ä kam")), console=out) as opened:
        pass
    assert opened.failure is None
    assert "spieler-? kam" in shown(out)


def test_a_plain_line_holds_what_a_log_is_searched_for() -> None:
    assert status_line(STATUS) == (
        "   0:04  steps 612k  return 412.3 (goal 475)  episodes 1,832  updates 298 at 38.2/s"
        "  waits 41 %  lag 1.93  players 2/2"
    )


def test_a_plain_line_ends_with_the_last_evaluation() -> None:
    evaluation = EvaluationStatus(version=41, steps=0, episodes=20, mean=487.25)
    before, after = status_line(STATUS), status_line(msgspec.structs.replace(STATUS, evaluation=evaluation))
    assert after == f"{before}  eval 487.2 of version 41"


def test_a_player_that_evaluates_is_there() -> None:
    players = [PlayerStatus(name="player-0", state="evaluating")]
    assert "players 1/1" in status_line(msgspec.structs.replace(STATUS, players=players))


def test_a_plain_line_before_anything_is_known() -> None:
    assert status_line(Status(run="r", env="e")) == (
        "   0:00  steps 0  return -  episodes 0  updates 0 at 0.0/s  waits 0 %  lag -  players -"
    )


def plain(*statuses: Status, final: Status | None = None) -> list[str]:
    out = console()
    view = PlainView(Script(*statuses, *([final] if final else [])), console=out, seconds=5)
    for _ in statuses:
        view.tick()
    if final:
        view.tick(final=True)
    return [line.split("  ")[0].strip() or line.strip()[:4] for line in shown(out).splitlines()]


def test_a_plain_line_comes_every_few_seconds_of_the_run() -> None:
    assert plain(at(0), at(2), at(4.9), at(5.5), at(9), at(10.4), at(10.6)) == ["0:00", "0:05", "0:10"]


def test_the_last_plain_line_is_of_the_end_and_comes_once() -> None:
    assert plain(at(0), at(3), final=at(4)) == ["0:00", "0:04"]
    assert plain(at(0), final=at(0)) == ["0:00"]


def test_a_message_is_printed_when_it_is_new() -> None:
    out = console()
    statuses = [
        at(0),
        at(1, message="player-1 joined"),
        at(2, message="player-1 joined"),
        at(3, message="[x] left"),
    ]
    view = PlainView(Script(*statuses), console=out, seconds=100)
    for _ in statuses:
        view.tick()
    lines = shown(out).splitlines()
    assert lines[1:] == ["   0:01  player-1 joined", "   0:03  [x] left"]


def test_an_event_is_printed_once_though_others_join_it() -> None:
    out = console()
    both = "player-1 joined; player-0 joined"
    events = ["player-1 joined", both, both, "player-0 left", "player-1 joined"]
    statuses = [at(number, message=event) for number, event in enumerate(events)]
    view = PlainView(Script(*statuses), console=out, seconds=100)
    for _ in statuses:
        view.tick()
    said = [line.split("  ")[-1] for line in shown(out).splitlines() if "steps" not in line]
    assert said == ["player-1 joined", "player-0 joined", "player-0 left", "player-1 joined"]


def test_plain_lines_are_not_wrapped_and_hold_no_escapes() -> None:
    out = console(terminal=False)
    PlainView(Script(at(0, message="x" * 300)), console=out).tick()
    assert [len(line) for line in shown(out).splitlines()] == [309, len(status_line(at(0)))]
    assert "\x1b" not in shown(out)


@pytest.mark.parametrize(
    ("setting", "terminal", "kind"),
    [
        ("auto", True, LiveView),
        ("auto", False, PlainView),
        (False, True, PlainView),
        (True, False, LiveView),
    ],
)
def test_the_view_that_suits(setting: bool | str, terminal: bool, kind: type) -> None:
    assert isinstance(open_view(Script(STATUS), console=console(terminal=terminal), live=setting), kind)


def test_a_frame_is_cheap() -> None:
    """It shares the interpreter lock with the learner. Usually 1 ms; the bar is for slow machines."""
    out = console(terminal=True)
    status = at(1, players=[PlayerStatus(name=f"player-{n}", state="playing") for n in range(64)])
    out.print(LiveFrame(status))
    times = []
    for _ in range(20):
        start = time.perf_counter()
        out.print(LiveFrame(status))
        times.append(time.perf_counter() - start)
    assert min(times) < 0.010
