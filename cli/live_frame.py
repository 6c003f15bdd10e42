"""One frame of the live view: from a Status and a size to lines. Pure; what draws it is in live.py.

A frame is made of plain (text, style) pairs and not of rich's tables: the view shares the interpreter
lock with the learner, and laying out a table costs ten times as much.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from touchline.cli.live_curve import headline, headline_rows
from touchline.cli.live_layout import Line, breadth, crop, cut, fit, row, wrapped
from touchline.cli.live_measures import Named, found_of, tests_of
from touchline.cli.live_text import (
    MISSING,
    Glyphs,
    bar,
    clock,
    count,
    counted,
    number,
    percent,
    plain_line,
    short,
)
from touchline.record.status import Objective, PlayerStatus, Status

MARGIN = " "
WAITING_BAR = 10
CHART_FROM = 30  # rows of terminal
WIDEST = 120  # a line longer than this is hard to read across
STATE_STYLES = {
    "training": "bold green",
    "playing": "green",
    "working": "green",
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
BY_ROUNDS = (("{unit}/s", 8), ("results", 9), ("behind", 7), ("restarts", 9))
WIDEST_SPREAD = 1
NAME_WIDTH, STATE_WIDTH = (10, 24), 14
SLOW_SECONDS = 5.0
TIMED = (
    "playing",
    "working",
    "evaluating",
    "building",
)  # at which a Player is busy: long at one, it may hang


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
    return [crop([(MARGIN, ""), *line], width) if line else [] for line in lines[:height]]


def _title(status: Status, width: int, glyphs: Glyphs) -> Line:
    state_style = STATE_STYLES.get(status.state, "")
    right: Line = [
        (f"{glyphs.dot} {status.state}", state_style),
        (f"  {clock(status.seconds)}", "bold"),
    ]
    room = width - breadth(right) - 2
    about = f"{plain_line(status.env)}{glyphs.between}{_mode(status)}"
    left = fit([[(cut(status.run, room, glyphs), "bold")], [(about, "dim")]], room, gap="  ")
    return [*left, (" " * (width - breadth(left) - breadth(right)), ""), *right]


def _mode(status: Status) -> str:
    """By rounds with no lag there is nothing asynchronous about several Players."""
    lockstep = status.objective is not None and status.lag_bound == 0
    return "lockstep" if lockstep and status.mode != "serial" else status.mode


def _progress(status: Status, width: int, glyphs: Glyphs) -> Line:
    share, worked = _share(status), f"{count(status.steps)} {unit_of(status)}"
    if share is None:
        return [(worked, "bold"), (", no limit set", "dim")]
    facts: list[Line] = [[(percent(share).rjust(5), "bold")], [(_limit(status), "")]]
    if status.eta_seconds is not None and status.state != "finished":
        # a run with a goal ends when it is reached, so that the time to its limits is the most it can be
        at_most = glyphs.at_most if headline(status).goal is not None else ""
        facts.append([(f"eta {at_most}{clock(status.eta_seconds)}", "dim")])
    if status.objective is not None and not _limit(status).endswith(unit_of(status)):
        facts.append([(worked, "dim")])
    right = fit(facts, width - WAITING_BAR, gap="  ")
    filled, rest = bar(share, width - breadth(right) - 2, glyphs)
    return [(filled, "bold cyan"), (rest, "dim"), ("  ", ""), *right]


def unit_of(status: Status) -> str:
    """What ``steps`` counts."""
    return "steps" if status.objective is None else status.objective.unit


def _limits(status: Status) -> list[tuple[float, str]]:
    """How far towards each of the limits that are set, and the limit in words."""
    limits: list[tuple[float, str]] = []
    objective, minutes = status.objective, status.stop_minutes
    if status.stop_steps:
        words = f"{count(status.steps)} / {count(status.stop_steps)} {unit_of(status)}"
        limits.append((status.steps / status.stop_steps, words))
    if status.stop_rounds and objective is not None:
        words = f"{count(objective.rounds)} / {counted(status.stop_rounds, 'round')}"
        limits.append((objective.rounds / status.stop_rounds, words))
    if minutes:
        words = f"{clock(status.seconds)} / {clock(60 * minutes)}"
        words += f", {count(status.steps)} steps" if objective is None else ""
        limits.append((status.seconds / (60 * minutes), words))
    return limits


def _share(status: Status) -> float | None:
    """How far towards the nearest of the limits set, or None without one."""
    limits = _limits(status)
    return min(1.0, max(share for share, _ in limits)) if limits else None


def _limit(status: Status) -> str:
    """The limit that the bar is of, and how many steps."""
    return max(_limits(status), key=lambda limit: limit[0])[1]


def _measures(status: Status, width: int, glyphs: Glyphs, *, tall: bool) -> list[Line]:
    return [
        *headline_rows(status, width, glyphs, tall=tall),
        *_evaluation(status, width),
        *_found(status.objective, width),
        row("speed", _speed(status), width),
        row("learner", _learner(status, glyphs), width),
        row("lag", _lag(status), width),
    ]


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
    return [row("eval", facts, width)]


def _found(objective: Objective | None, width: int) -> list[Line]:
    """What a run by rounds measured on its tests, and what it found."""
    if objective is None:
        return []
    rows = (("tests", tests_of(objective)), ("found", found_of(objective)))
    return [row(label, _named(facts), width) for label, facts in rows if facts]


def _named(facts: Named) -> list[Line]:
    return [[(f"{name} ", "dim"), (text, "")] for name, text in facts]


def _speed(status: Status) -> list[Line]:
    objective = status.objective
    if objective is not None:
        return _speed_by_rounds(status, objective)
    return [
        [(number(status.updates_per_second), "bold"), (" updates/s", "")],
        [(count(status.steps_per_second), "bold"), (" steps/s", "")],
        [(f"{count(status.updates)} updates", "dim")],
        [(f"{count(status.episodes)} episodes", "dim")],
    ]


def _speed_by_rounds(status: Status, objective: Objective) -> list[Line]:
    episodes, results = counted(status.episodes, "episode"), counted(objective.results, "result")
    return [
        [(number(rounds_per_second(status)), "bold"), (" rounds/s", "")],
        [(count(status.steps_per_second), "bold"), (f" {objective.unit}/s", "")],
        [(counted(objective.rounds, "round"), "dim")],
        [(episodes if status.episodes else results, "dim")],
    ]


def rounds_per_second(status: Status) -> float:
    """Over the whole run so far."""
    rounds = 0 if status.objective is None else status.objective.rounds
    return rounds / status.seconds if status.seconds > 0 else 0.0


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
    columns = _columns(_titled(status.objective), width - name_width - STATE_WIDTH)
    titles = "".join(title.rjust(size) for title, size in columns)
    lines: list[Line] = [[], [(f"{'player':<{name_width}}{'state':<{STATE_WIDTH}}{titles}", "dim")]]
    fitting = len(status.players) if len(status.players) <= room - 2 else max(0, room - 3)
    shown, others = status.players[:fitting], status.players[fitting:]
    lines += [_player(player, name_width, columns, status.lag_bound, glyphs) for player in shown]
    if others:
        states = ", ".join(f"{amount} {state}" for state, amount in Counter(p.state for p in others).items())
        lines.append([(cut(f"{glyphs.more} and {len(others)} more: {states}", width, glyphs), "dim")])
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
    name = set_cell_size(cut(player.name, name_width - 1, glyphs), name_width)
    stage, style = _stage(player)
    state = set_cell_size(cut(stage, STATE_WIDTH - 1, glyphs), STATE_WIDTH)
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


def _titled(objective: Objective | None) -> list[tuple[str, int]]:
    """What a Player's numbers are called."""
    if objective is None:
        return list(COLUMNS)
    unit = "rows" if objective.unit == "row evaluations" else objective.unit
    return [(title.format(unit=unit), size) for title, size in BY_ROUNDS]


def _columns(columns: list[tuple[str, int]], width: int) -> list[tuple[str, int]]:
    """The columns that fit, from the left, spread a little where there is room to spare."""
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
    lines: list[Line] = [[(line, style)] for text, style in notes for line in wrapped(text, width, glyphs)]
    return [[], *lines] if lines else []
