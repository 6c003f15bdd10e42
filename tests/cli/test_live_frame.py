from __future__ import annotations

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from touchline.cli.live_frame import Line, frame
from touchline.cli.live_text import ASCII, UNICODE
from touchline.record.status import EvaluationStatus, LagSummary, PlayerStatus, Status

PLAYERS = [
    PlayerStatus(name="player-0", state="playing", steps_per_second=76_123, episodes=211, behind=1),
    PlayerStatus(name="player-1", state="restarting", steps_per_second=0, episodes=12, restarts=2),
]
STATUS = Status(
    run="1-cartpole-v1-s0",
    env="CartPole-v1",
    state="training",
    seconds=64.2,
    steps=612_345,
    stop_steps=2_000_000,
    episodes=1832,
    updates=298,
    version=298,
    return_mean=412.3,
    return_goal=475,
    return_history=[20, 100, 200, 300, 412],
    return_best=431.0,
    updates_per_second=38.2,
    steps_per_second=152_310,
    wait_fraction=0.41,
    lag=LagSummary(p50=2, p95=4, max=6, mean=1.93, law=2),
    lag_bound=8,
    players=PLAYERS,
    eta_seconds=9.4,
    message="player-1 restarted",
)


def changed(**fields: object) -> Status:
    return msgspec.structs.replace(STATUS, **fields)


def render(status: Status = STATUS, width: int = 80, height: int = 23) -> list[str]:
    return [
        "".join(text for text, _ in line)
        for line in frame(status, width=width, height=height, glyphs=UNICODE)
    ]


def style_of(lines: list[Line], text: str) -> str:
    return next(style for line in lines for part, style in line if part.strip() == text)


def test_the_view_at_eighty_columns() -> None:
    assert render() == [
        " 1-cartpole-v1-s0  CartPole-v1 · async                         ● training  1:04",
        "",
        " ━━━━━━━━━━━━━─────────────────────────────   31 %  612k / 2M steps  eta ≤ 0:09",
        "",
        " return   412.3 of 475   20 ▁▂▄▅▇ 412   best 431.0   mean of 100 episodes",
        " speed    38.2 updates/s   152k steps/s   298 updates   1,832 episodes",
        " learner  waits 41 % for Players   ━━━━──────   version 298",
        " lag      mean 1.93   law 2.00   p95 4   max 6   bound 8",
        "",
        " player    state           steps/s  episodes  behind  restarts",
        " player-0  playing           76.1k       211       1         0",
        " player-1  restarting            0        12       -         2",
        "",
        " player-1 restarted",
    ]


def test_everything_asked_for_fits_in_sixty_columns() -> None:
    text = "\n".join(render(width=60))
    for part in ("31 %", "eta ≤ 0:09", "412.3 of 475", "▁▂▄▅▇", "38.2 updates/s", "waits 41 %", "mean 1.93"):
        assert part in text
    assert "restarts" in text


def test_a_tall_terminal_gets_a_chart_with_its_goal() -> None:
    lines = render(width=120, height=40)
    goal = next(line for line in lines if "┄" in line)
    assert goal.endswith(" 475")
    assert sum("█" in line or "▇" in line for line in lines) >= 4
    assert 110 <= max(len(line) for line in lines) <= 120


def test_a_wide_chart_uses_the_width_and_says_its_least_and_greatest_value() -> None:
    history = [float(20 + 5 * place) for place in range(60)]
    lines = render(changed(return_history=history, return_goal=None), width=120, height=40)
    drawn = [line for line in lines if "█" in line]
    assert max(len(line.rstrip(" 0123456789")) for line in drawn) >= 105
    assert (drawn[0].split()[-1], drawn[-1].split()[-1]) == ("315", "20")


def test_the_greatest_value_stands_where_it_was_reached_below_the_goal() -> None:
    lines = render(changed(return_history=[20.0, 100.0, 200.0], return_goal=475.0), width=120, height=40)
    at = {line.split()[-1]: row for row, line in enumerate(lines[5:10]) if line.strip()}
    assert (at["475"], at["200"], at["20"]) == (0, 3, 4)


@pytest.mark.parametrize("height", [23, 40])
def test_a_history_with_values_that_are_no_number(height: int) -> None:
    text = "\n".join(
        render(changed(return_history=[1.0, float("nan"), 3.0], return_goal=None), height=height)
    )
    assert "nan" not in text


def test_a_chart_that_passed_its_goal_has_no_line_at_the_top() -> None:
    status = changed(return_history=[1.0, 500.0], return_mean=500.0)
    assert not any("┄" in line for line in render(status, width=120, height=40))


@settings(max_examples=60, deadline=None)
@example(width=30, height=5, players=0, name="\x1b[2J", message="")
@example(width=80, height=20, players=3, name="演奏者" * 9, message="終" * 90)
@given(
    width=st.integers(12, 160),
    height=st.integers(5, 60),
    players=st.integers(0, 70),
    name=st.text(max_size=30),
    message=st.text(max_size=200),
)
def test_no_frame_leaves_its_terminal(width: int, height: int, players: int, name: str, message: str) -> None:
    crowd = [PlayerStatus(name=name + str(index), state="playing") for index in range(players)]
    lines = render(changed(players=crowd, message=message, run=name or "run"), width, height)
    assert len(lines) <= height
    assert max(cell_len(line) for line in lines) <= width
    assert not any(letter in line for line in lines for letter in "\n\r\x1b")


def test_what_does_not_fit_is_left_out_from_the_right() -> None:
    narrow = render(width=38)
    assert not any("best" in line for line in narrow)
    assert any("412.3 of 475" in line for line in narrow)
    assert any("playing" in line for line in narrow)


def test_players_beyond_the_screen_are_counted() -> None:
    crowd = [PlayerStatus(name=f"p{index}", state="playing" if index % 2 else "hung") for index in range(40)]
    lines = render(changed(players=crowd), height=23)
    assert len(lines) == 23
    rows = [line for line in lines if line.startswith(" p") and line[2].isdigit()]
    (more,) = [line for line in lines if "more:" in line]
    left = 40 - len(rows)
    assert f"and {left} more: " in more
    assert "hung" in more
    assert "playing" in more


def test_a_player_of_a_name_of_two_digits_keeps_its_restarts_in_sixty_columns() -> None:
    text = "\n".join(
        render(changed(players=[msgspec.structs.replace(PLAYERS[0], name="player-10")]), width=60)
    )
    assert "player-10  playing" in text
    assert "restarts" in text


@pytest.mark.parametrize(
    ("state", "seconds", "shown"),
    [
        ("playing", 4.9, "playing "),
        ("playing", 12.4, "playing 12 s "),
        ("building", 99.4, "building 99 s "),
        ("building", 125.0, "building 2:05 "),
        ("waiting", 60.0, "waiting "),
        ("restarting", 60.0, "restarting "),
    ],
)
def test_a_stage_that_lasts_is_timed(state: str, seconds: float, shown: str) -> None:
    slow = changed(players=[PlayerStatus(name="p", state=state, stage_seconds=seconds)])
    (line,) = [line for line in render(slow) if line.startswith(" p ")]
    assert line.startswith(f" {'p':<10}{shown} ")
    if shown.strip() != state:
        assert style_of(frame(slow, width=80, height=23, glyphs=UNICODE), shown.strip()) == "yellow"


def test_observations_outside_their_space_are_noted() -> None:
    assert not any("outside" in line for line in render())
    wrong = [
        PlayerStatus(name="player-0", state="playing", errors=1234),
        PlayerStatus(name="player-1", state="playing"),
        PlayerStatus(name="player-2", state="playing", errors=1),
    ]
    assert render(changed(players=wrong))[-3:] == [
        "",
        " observations outside their space: player-0 1,234, player-2 1",
        " player-1 restarted",
    ]
    assert render(changed(players=wrong, message=""))[-2:] == [
        "",
        " observations outside their space: player-0 1,234, player-2 1",
    ]


def test_a_screen_that_holds_all_counts_none() -> None:
    needed = len(render())
    assert not any("more:" in line for line in render(height=needed))
    assert any("more:" in line for line in render(height=needed - 1))


def test_before_the_first_result() -> None:
    text = "\n".join(render(Status(run="r", env="e")))
    assert "return   -" in text
    assert "mean -" in text
    assert "starting" in text
    assert "0 steps, no limit set" in text
    assert "player" not in text.replace("Players", "")


@pytest.mark.parametrize(
    ("fields", "share"),
    [
        ({"stop_steps": 1_000_000, "stop_minutes": None}, " 61 %"),
        ({"stop_steps": None, "stop_minutes": 2.0}, " 54 %"),
        ({"stop_steps": 1_000_000, "stop_minutes": 1.25}, " 86 %"),
        ({"stop_steps": 100, "stop_minutes": None}, "100 %"),
    ],
)
def test_progress_is_towards_the_nearest_limit(fields: dict[str, object], share: str) -> None:
    assert share in render(changed(**fields))[2]


def test_the_limit_beside_the_bar_is_the_one_that_the_bar_is_of() -> None:
    assert "61 %  612k / 1M steps" in render(changed(stop_steps=1_000_000))[2]
    assert "100 %  1:04 / 1:00, 612k steps" in render(changed(stop_minutes=1.0))[2]


def test_the_time_left_is_a_bound_only_with_a_goal() -> None:
    assert "eta ≤ 0:09" in render()[2]
    assert "eta 0:09" in render(changed(return_goal=None))[2]
    assert "eta" not in render(changed(eta_seconds=None))[2]
    assert "eta" not in render(changed(state="finished"))[2]


def test_reaching_the_goal_turns_green() -> None:
    def style(mean: float) -> str:
        return style_of(frame(changed(return_mean=mean), width=80, height=23, glyphs=UNICODE), f"{mean}")

    assert style(474.9) == "bold cyan"
    assert style(475.0) == "bold green"


def test_trouble_is_coloured() -> None:
    lines = frame(STATUS, width=80, height=23, glyphs=UNICODE)
    assert style_of(lines, "restarting") == "yellow"
    assert style_of(lines, "2") == "yellow"
    late = changed(players=[PlayerStatus(name="p", state="playing", behind=9)])
    assert style_of(frame(late, width=80, height=23, glyphs=UNICODE), "9") == "yellow"
    over = changed(lag=LagSummary(p95=12))
    assert style_of(frame(over, width=80, height=23, glyphs=UNICODE), "12") == "yellow"


def test_a_terminal_without_unicode_gets_ascii_alone() -> None:
    for height in (23, 40):
        lines = frame(STATUS, width=100, height=height, glyphs=ASCII)
        for line in lines:
            "".join(text for text, _ in line).encode("ascii")


def test_only_the_first_line_of_a_message_is_shown_and_cut() -> None:
    lines = render(changed(message="x" * 200 + "\nTraceback"), width=60)
    assert lines[-1] == " " + "x" * 57 + "…"
    assert render(changed(message=" \n"))[-1].startswith(" player-1")


def test_a_long_message_takes_a_second_line_and_breaks_at_a_space() -> None:
    message = (
        "player-1 restarted after it had been silent for a while, see runs/1/crashes/1-player-1.txt for more"
    )
    *_, first, second = render(changed(message=message), width=70)
    assert f"{first.strip()} {second.strip()}" == message
    assert max(len(first), len(second)) <= 70
    assert render(changed(message="終" * 60), width=60)[-2:] == [" " + "終" * 29, " " + "終" * 28 + "…"]


EVALUATED = EvaluationStatus(
    version=41, steps=90_000, episodes=20, mean=487.25, best_version=38, best_mean=500.0
)


def test_the_last_evaluation_has_a_row_below_the_return() -> None:
    lines = render(changed(evaluation=EVALUATED))
    row = next(index for index, line in enumerate(lines) if line.startswith(" eval"))
    assert lines[row] == " eval     487.2   best 500.0, version 38   version 41   20 greedy episodes"
    assert lines[row - 1].startswith(" return")


def test_before_the_first_evaluation_there_is_no_row() -> None:
    assert not any(line.startswith(" eval") for line in render())


def test_an_evaluation_that_is_no_number_has_no_best() -> None:
    unknown = EvaluationStatus(version=41, steps=0, episodes=3)
    line = next(line for line in render(changed(evaluation=unknown)) if line.startswith(" eval"))
    assert line == " eval     -   version 41   3 greedy episodes"
