"""One frame of the live view: from a Status and a size to lines. Pure; what draws it is in live.py.

A frame is made of plain (text, style) pairs and not of rich's tables: the view shares the interpreter
lock with the learner, and laying out a table costs ten times as much.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from touchline.cli.live_text import (
    MISSING,
    Glyphs,
    bar,
    chart,
    clock,
    count,
    number,
    percent,
    plain_line,
    resample,
    short,
)
from touchline.record.status import PlayerStatus, Status

Part = tuple[str, str]  # text, style
Line = list[Part]

MARGIN = " "
LABEL_WIDTH = 9
GAP = "   "
WAITING_BAR = 10
CHART_HEIGHT = 5
CHART_FROM = 30  # rows of terminal
HELD = 60  # values of the return in a status
WIDEST = 120  # a line longer than this is hard to read across
MESSAGE_LINES = 2
STATE_STYLES = {
    "training": "bold green",
    "playing": "green",
    "evaluating": "green",
    "waiting": "cyan",
    "standing by": "cyan",
    "starting": "yellow",
    "connecting": "yellow",
    "restarting": "yellow",
    "building": "yellow",
    "stopping": "yellow",
    "finished": "bold",
    "gone": "red",
    "hung": "red",
    "dead": "red",
}
# title and width of a Player's numbers; the narrower the terminal, the fewer of them, from the right
COLUMNS = (("steps/s", 8), ("episodes", 9), ("behind", 7), ("restarts", 9))
WIDEST_SPREAD = 1
NAME_WIDTH, STATE_WIDTH = (10, 24), 14
SLOW_SECONDS = 5.0
TIMED = ("playing", "evaluating", "building")  # at which a Player is busy: long at one, it may hang


def frame(status: Status, *, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """The lines of the view, none wider than ``width`` cells, at most ``height`` of them."""
    inner = min(width, WIDEST) - 2 * len(MARGIN)
    head = [
        _title(status, inner, glyphs),
        [],
        _progress(status, inner, glyphs),
        [],
        *_measures(status, inner, glyphs, tall=height >= CHART_FROM),
    ]
    foot = _foot(status, inner, glyphs)
    room = height - len(head) - len(foot)
    lines = [*head, *_players(status, inner, room, glyphs), *foot]
    return [_crop([(MARGIN, ""), *line], width) if line else [] for line in lines[:height]]


def _title(status: Status, width: int, glyphs: Glyphs) -> Line:
    state_style = STATE_STYLES.get(status.state, "")
    right: Line = [
        (f"{glyphs.dot} {status.state}", state_style),
        (f"  {clock(status.seconds)}", "bold"),
    ]
    room = width - _width(right) - 2
    about = f"{plain_line(status.env)}{glyphs.between}{status.mode}"
    left = _fit([[(_cut(status.run, room, glyphs), "bold")], [(about, "dim")]], room, gap="  ")
    return [*left, (" " * (width - _width(left) - _width(right)), ""), *right]


def _progress(status: Status, width: int, glyphs: Glyphs) -> Line:
    share = _share(status)
    if share is None:
        return [(f"{count(status.steps)} steps", "bold"), (", no limit set", "dim")]
    facts: list[Line] = [[(percent(share).rjust(5), "bold")], [(_limit(status), "")]]
    if status.eta_seconds is not None and status.state != "finished":
        # a run with a goal ends when it is reached, so that the time to its limits is the most it can be
        at_most = glyphs.at_most if status.return_goal is not None else ""
        facts.append([(f"eta {at_most}{clock(status.eta_seconds)}", "dim")])
    right = _fit(facts, width - WAITING_BAR, gap="  ")
    filled, rest = bar(share, width - _width(right) - 2, glyphs)
    return [(filled, "bold cyan"), (rest, "dim"), ("  ", ""), *right]


def _shares(status: Status) -> tuple[float | None, float | None]:
    """How far towards the limit of steps, and towards that of time; None where it is not set."""
    steps = status.steps / status.stop_steps if status.stop_steps else None
    time = status.seconds / (60 * status.stop_minutes) if status.stop_minutes else None
    return steps, time


def _share(status: Status) -> float | None:
    """How far towards the nearest of the limits set, or None without one."""
    shares = [share for share in _shares(status) if share is not None]
    return min(1.0, max(shares)) if shares else None


def _limit(status: Status) -> str:
    """The limit that the bar is of, and how many steps."""
    steps, time = _shares(status)
    if time is not None and (steps is None or time > steps):
        minutes = clock(60 * (status.stop_minutes or 0))
        return f"{clock(status.seconds)} / {minutes}, {count(status.steps)} steps"
    return f"{count(status.steps)} / {count(status.stop_steps or 0)} steps"


def _measures(status: Status, width: int, glyphs: Glyphs, *, tall: bool) -> list[Line]:
    return [
        *_returns(status, width, glyphs, tall=tall),
        *_evaluation(status, width),
        _row("speed", _speed(status), width),
        _row("learner", _learner(status, glyphs), width),
        _row("lag", _lag(status), width),
    ]


def _returns(status: Status, width: int, glyphs: Glyphs, *, tall: bool) -> list[Line]:
    mean, goal = status.return_mean, status.return_goal
    reached = mean is not None and goal is not None and mean >= goal
    style = "green" if reached else "cyan"
    value: Line = [(number(mean), f"bold {style}" if mean is not None else "dim")]
    if goal is not None:
        value.append((f" of {short(goal)}", "dim"))
    best: Line = [("best ", "dim"), (number(status.return_best), "")]
    over: Line = [(f"mean of {status.over_episodes} episodes", "dim")]
    if tall:
        return [_row("return", [value, best, over], width), *_chart(status, width, style, glyphs), []]
    history = _heard(status)
    least, greatest = (short(pick(history, default=None)) for pick in (min, max))
    around = len(f"{least}  {greatest}")
    columns = max(8, min(24, width - LABEL_WIDTH - _width(value) - _width(best) - 2 * len(GAP) - around))
    picture = chart(history, width=columns, height=1, top=goal, glyphs=glyphs)[0]
    curve: Line = [(f"{least} ", "dim"), (picture, style), (f" {greatest}", "dim")]
    return [_row("return", [value, curve, best, over] if picture else [value, best, over], width)]


def _evaluation(status: Status, width: int) -> list[Line]:
    """The last greedy evaluation, where there has been one."""
    last = status.evaluation
    if last is None:
        return []
    facts: list[Line] = [
        [(number(last.mean), "bold")],
        [("version ", "dim"), (count(last.version), "")],
        [(f"{last.episodes} greedy episodes", "dim")],
    ]
    if last.best_version is not None:
        best = [
            ("best ", "dim"),
            (number(last.best_mean), ""),
            (f", version {count(last.best_version)}", "dim"),
        ]
        facts.insert(1, best)
    return [_row("eval", facts, width)]


def _chart(status: Status, width: int, style: str, glyphs: Glyphs) -> list[Line]:
    """The return's history in CHART_HEIGHT rows with its least and greatest value.

    A dotted line is at the goal, where it is the top.
    """
    columns, goal, history = max(1, width - LABEL_WIDTH - 8), status.return_goal, _heard(status)
    if columns > HELD:  # a wide terminal is filled: each value takes more than a column
        history = resample(history, round(len(history) * columns / HELD))
    rows = chart(history, width=columns, height=CHART_HEIGHT, top=goal, glyphs=glyphs)
    labels = _labels(rows, _heard(status), goal)
    lines: list[Line] = []
    for index, row in enumerate(rows):
        drawn, label = row.rstrip(), labels.get(index, "")
        dots = glyphs.goal if index == 0 and label and label == short(goal) else " "
        rest = f"{dots * (columns - len(drawn))} {label}" if label else ""
        lines.append([(" " * LABEL_WIDTH, ""), (drawn, style), (rest, "dim")])
    return lines


def _heard(status: Status) -> list[float]:
    """The return's history without what is no number."""
    return [value for value in status.return_history if math.isfinite(value)]


def _labels(rows: Sequence[str], history: Sequence[float], goal: float | None) -> dict[int, str]:
    """What stands right of the chart's rows, from the top: the goal, the greatest value, the least."""
    if not history:
        return {0: short(goal)} if goal is not None else {}
    least, greatest = min(history), max(history)
    highest = next((index for index, row in enumerate(rows) if row.strip()), 0)
    labels = {len(rows) - 1: short(least), highest: short(greatest)}
    return labels | ({0: short(goal)} if goal is not None and goal >= greatest else {})


def _speed(status: Status) -> list[Line]:
    return [
        [(number(status.updates_per_second), "bold"), (" updates/s", "")],
        [(count(status.steps_per_second), "bold"), (" steps/s", "")],
        [(f"{count(status.updates)} updates", "dim")],
        [(f"{count(status.episodes)} episodes", "dim")],
    ]


def _learner(status: Status, glyphs: Glyphs) -> list[Line]:
    filled, rest = bar(status.wait_fraction, WAITING_BAR, glyphs)
    share: Line = [("waits ", ""), (percent(status.wait_fraction), "bold"), (" for Players", "")]
    return [share, [(filled, "yellow"), (rest, "dim")], [(f"version {count(status.version)}", "dim")]]


def _lag(status: Status) -> list[Line]:
    lag, bound = status.lag, status.lag_bound
    over = bound is not None and lag.p95 is not None and lag.p95 > bound
    facts: list[Line] = [
        [("mean ", ""), (number(lag.mean), "bold")],
        [("law ", "dim"), (number(lag.law), "")],
        [("p95 ", "dim"), (short(lag.p95), "yellow" if over else "")],
        [("max ", "dim"), (short(lag.max), "")],
    ]
    return [*facts, [("bound ", "dim"), (short(bound), "")]] if bound is not None else facts


def _players(status: Status, width: int, room: int, glyphs: Glyphs) -> list[Line]:
    """A row a Player, as many as there is room for; the others are counted by state."""
    if not status.players or room < 3:
        return []
    name_width = _name_width(status.players)
    columns = _columns(width - name_width - STATE_WIDTH)
    titles = "".join(title.rjust(size) for title, size in columns)
    lines: list[Line] = [[], [(f"{'player':<{name_width}}{'state':<{STATE_WIDTH}}{titles}", "dim")]]
    fitting = len(status.players) if len(status.players) <= room - 2 else max(0, room - 3)
    shown, others = status.players[:fitting], status.players[fitting:]
    lines += [_player(player, name_width, columns, status.lag_bound, glyphs) for player in shown]
    if others:
        states = ", ".join(f"{amount} {state}" for state, amount in Counter(p.state for p in others).items())
        lines.append([(_cut(f"{glyphs.more} and {len(others)} more: {states}", width, glyphs), "dim")])
    return lines


def _player(
    player: PlayerStatus,
    name_width: int,
    columns: Sequence[tuple[str, int]],
    bound: float | None,
    glyphs: Glyphs,
) -> Line:
    late = player.behind is not None and bound is not None and player.behind > bound
    cells = [
        (count(player.steps_per_second), ""),
        (count(player.episodes), ""),
        (MISSING if player.behind is None else count(player.behind), "yellow" if late else ""),
        (str(player.restarts), "yellow" if player.restarts else "dim"),
    ]
    name = set_cell_size(_cut(player.name, name_width - 1, glyphs), name_width)
    stage, style = _stage(player)
    state = set_cell_size(_cut(stage, STATE_WIDTH - 1, glyphs), STATE_WIDTH)
    pairs = zip(cells, columns, strict=False)
    return [
        (name, ""),
        (state, style),
        *((text.rjust(size), style) for (text, style), (_, size) in pairs),
    ]


def _stage(player: PlayerStatus) -> tuple[str, str]:
    """What a Player is at and the style of it; for how long, where that is unusual."""
    if player.state not in TIMED or player.stage_seconds < SLOW_SECONDS:
        return player.state, STATE_STYLES.get(player.state, "")
    seconds = round(player.stage_seconds)
    return f"{player.state} {f'{seconds} s' if seconds < 100 else clock(seconds)}", "yellow"


def _name_width(players: Sequence[PlayerStatus]) -> int:
    low, high = NAME_WIDTH
    return max(low, min(high, 2 + max(cell_len(plain_line(player.name)) for player in players)))


def _columns(width: int) -> list[tuple[str, int]]:
    """The columns that fit, from the left, spread a little where there is room to spare."""
    columns = list(COLUMNS)
    while columns and sum(size for _, size in columns) > width:
        columns.pop()
    spare = width - sum(size for _, size in columns)
    extra = min(WIDEST_SPREAD, spare // len(columns)) if columns else 0
    return [(title, size + extra) for title, size in columns]


def _foot(status: Status, width: int, glyphs: Glyphs) -> list[Line]:
    outside = ", ".join(f"{p.name} {count(p.errors)}" for p in status.players if p.errors)
    notes = [
        (f"observations outside their space: {outside}" if outside else "", "yellow"),
        (plain_line(status.message), "italic"),
    ]
    lines: list[Line] = [[(line, style)] for text, style in notes for line in _wrapped(text, width, glyphs)]
    return [[], *lines] if lines else []


def _wrapped(text: str, width: int, glyphs: Glyphs) -> list[str]:
    """A note in MESSAGE_LINES lines at most, broken at a space where there is one."""
    lines: list[str] = []
    rest = plain_line(text)
    while rest and len(lines) < MESSAGE_LINES - 1 and cell_len(rest) > width:
        fits = set_cell_size(rest, width)
        if not rest.startswith(fits):  # a wide letter does not fit, and was filled with a blank
            fits = fits[:-1]
        at_space = fits.rfind(" ") if rest[len(fits) : len(fits) + 1] != " " else len(fits)
        end = at_space if at_space > len(fits) // 2 else len(fits)
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*lines, _cut(rest, width, glyphs)] if rest else lines


def _row(label: str, facts: Sequence[Line], width: int) -> Line:
    return [(label.ljust(LABEL_WIDTH), "dim"), *_fit(facts, width - LABEL_WIDTH, gap=GAP)]


def _fit(facts: Sequence[Line], width: int, *, gap: str) -> Line:
    """As many of ``facts`` as fit, the first ones first: what is less important stands further right."""
    line: Line = []
    for index, fact in enumerate(facts):
        wider = [*line, (gap, ""), *fact] if index else [*fact]
        if index and _width(wider) > width:
            break
        line = wider
    return line


def _crop(line: Line, width: int) -> Line:
    """For a terminal narrower than a label and its number: a line that wraps would tear the view."""
    room, kept = width, []
    for text, style in line:
        kept.append((text if cell_len(text) <= room else set_cell_size(text, room), style))
        room = max(0, room - cell_len(text))
    return kept


def _width(line: Line) -> int:
    return sum(cell_len(text) for text, _ in line)


def _cut(text: str, width: int, glyphs: Glyphs) -> str:
    text = plain_line(text)
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)).rstrip() + glyphs.more
