"""The live view and the plain lines of runs that go by rounds."""

from __future__ import annotations

import msgspec
import pytest
from rich.cells import cell_len

from touchline.cli.live import status_line
from touchline.cli.live_frame import frame
from touchline.cli.live_text import UNICODE
from touchline.record.status import LagSummary, Objective, PlayerStatus, Status

OBJECTIVE = Objective(
    name="error",
    value=0.0123456,
    best=0.0119,
    goal=0.01,
    unit="row evaluations",
    results=136,
    rounds=34,
    measures={
        "accuracy": 0.9986,
        "gradient_norm": 0.0717,
        "test_error": 0.0998654,
        "test_accuracy": 0.97493,
    },
    facts={"hidden": [16, 8], "candidates": 15},
)
STATUS = Status(
    run="1-digits-s0",
    env="digits",
    state="training",
    seconds=8.1,
    steps=150_990,
    stop_rounds=300,
    updates=34,
    version=34,
    return_history=[2.4, 1.2, 0.3, 0.05, 0.0123],
    steps_per_second=281_400,
    wait_fraction=0.99,
    lag=LagSummary(p50=0, p95=0, max=0, mean=0, law=0),
    lag_bound=0,
    players=[
        PlayerStatus(name="player-0", state="working", steps_per_second=113_000, episodes=70, behind=0),
        PlayerStatus(name="player-1", state="waiting", episodes=66, behind=1, restarts=1),
    ],
    eta_seconds=63.0,
    method="descent",
    objective=OBJECTIVE,
)
PLAYED = msgspec.structs.replace(
    STATUS,
    env="CartPole-v1",
    stop_rounds=None,
    stop_steps=2_000_000,
    episodes=800,
    return_mean=248.2,
    return_best=258.6,
    return_goal=475.0,
    return_history=[20.0, 248.2],
    method="imitation",
    objective=Objective(
        name="return",
        value=260.0,
        rounds=20,
        measures={"threshold": 199.0, "cross_entropy": 0.61, "test_return": 441.5},
        facts={"goal": 475.0, "rows_received": 40_245, "solved_by": None},
    ),
)


def changed(**fields: object) -> Status:
    return msgspec.structs.replace(STATUS, **fields)


def measured(**fields: object) -> Status:
    return changed(objective=msgspec.structs.replace(OBJECTIVE, **fields))


def render(status: Status = STATUS, width: int = 80, height: int = 23) -> list[str]:
    return [
        "".join(text for text, _ in line)
        for line in frame(status, width=width, height=height, glyphs=UNICODE)
    ]


def row_of(label: str, status: Status = STATUS, width: int = 80) -> str:
    return next(line for line in render(status, width) if line.startswith(f" {label} "))


def test_a_run_on_a_table_at_eighty_columns() -> None:
    assert render() == [
        " 1-digits-s0  digits · lockstep                                ● training  0:08",
        "",
        " ━━──────────────────   11 %  34 / 300 rounds  eta ≤ 1:03  151k row evaluations",
        "",
        " error    0.01235 of 0.01   2.4 █▇▅▃▁ 0.0123   best 0.0119",
        " tests    error 0.09987   accuracy 97.5 %   training accuracy 99.9 %",
        " found    hidden [16, 8]   candidates 15   gradient norm 0.0717",
        " speed    4.20 rounds/s   281k row evaluations/s   34 rounds   136 results",
        " learner  waits 99 % for Players   ━━━━━━━━━━   version 34",
        " lag      mean 0.0   law 0.0   p95 0   max 0   bound 0",
        "",
        " player    state            rows/s   results  behind  restarts",
        " player-0  working            113k        70       0         0",
        " player-1  waiting               0        66       1         1",
    ]


def test_rows_that_a_structure_was_chosen_by_are_not_called_tests() -> None:
    measures = {"accuracy": 0.9, "validation_error": 0.0998654, "validation_accuracy": 0.97493}
    status = measured(measures=measures, facts={"hidden": [16, 8]})
    assert row_of("found", status, 120) == (
        " found    hidden [16, 8]   accuracy 90.0 %   validation error 0.09987   validation accuracy 97.5 %"
    )
    assert not any(line.startswith(" tests") for line in render(status))
    assert "test" not in status_line(status)


def test_a_run_in_an_environment_shows_its_return_and_what_was_found() -> None:
    text = "\n".join(render(PLAYED))
    for part in ("151k / 2M steps", "return   248.2 of 475", "best 258.6", "mean of 100 episodes"):
        assert part in text
    assert row_of("tests", PLAYED) == " tests    return 441.5"
    assert row_of("found", PLAYED) == " found    rows received 40,245   threshold 199   cross entropy 0.61"
    assert row_of("speed", PLAYED).endswith("20 rounds   800 episodes")
    assert "steps/s   results" in text


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("height", [23, 40])
@pytest.mark.parametrize("status", [STATUS, PLAYED], ids=["table", "environment"])
def test_what_matters_fits_whatever_the_terminal(status: Status, width: int, height: int) -> None:
    lines = render(status, width, height)
    assert max(cell_len(line) for line in lines) <= width
    text = "\n".join(lines)
    of = "34 / 300 rounds" if status is STATUS else "151k / 2M steps"
    for part in (
        of,
        "eta ≤ 1:03",
        "rounds/s",
        "tests",
        "found",
        "mean 0.0",
        "working",
        "results",
        "restarts",
    ):
        assert part in text


def test_a_chart_of_an_error_stands_on_its_goal() -> None:
    lines = render(width=120, height=40)
    labels = {line.split()[-1]: number for number, line in enumerate(lines[5:10])}
    assert (labels["2.4"], labels["0.01"]) == (0, 4)
    assert "┄" in lines[9]
    assert "┄" not in lines[5]


def test_an_error_that_falls_by_decades_is_drawn_in_decades() -> None:
    history = [1.0, 0.1, 0.01, 0.001]
    line = row_of("error", msgspec.structs.replace(measured(goal=None), return_history=history))
    assert "1 █▆▃▁ 0.001" in line


def test_an_error_of_nothing_is_drawn_as_it_is() -> None:
    line = row_of("error", msgspec.structs.replace(measured(goal=0.0), return_history=[1.0, 0.5, 0.0]))
    assert "1 █▅▁ 0 " in line


@pytest.mark.parametrize(("value", "style"), [(0.0101, "bold cyan"), (0.01, "bold green")])
def test_an_error_within_its_goal_turns_green(value: float, style: str) -> None:
    lines = frame(measured(value=value), width=80, height=23, glyphs=UNICODE)
    styles = [style for line in lines for text, style in line if text == f"{value:.4g}"]
    assert styles == [style]


def test_without_tests_the_accuracy_is_found() -> None:
    status = measured(measures={"accuracy": 0.5}, facts={"activations": [["sin", 1.0], ["tanh", 2.0]]})
    assert row_of("found", status) == " found    activations [sin, 2 tanh]   accuracy 50.0 %"
    assert not any(line.startswith(" tests") for line in render(status))


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"stop_rounds": None, "stop_steps": 200_000}, " 75 %  151k / 200k row evaluations  eta ≤ 1:03$"),
        ({"stop_minutes": 0.15}, " 90 %  0:08 / 0:09  eta ≤ 1:03  151k row evaluations"),
        ({"stop_rounds": 40, "stop_minutes": 100.0}, " 85 %  34 / 40 rounds  eta"),
        ({"stop_rounds": None}, " 151k row evaluations, no limit set"),
    ],
)
def test_progress_is_towards_the_nearest_limit(fields: dict[str, object], limit: str) -> None:
    assert limit in f"{render(changed(**fields))[2]}$"


@pytest.mark.parametrize(
    ("fields", "mode"),
    [
        ({}, "lockstep"),
        ({"lag_bound": 2}, "async"),
        ({"lag_bound": None}, "async"),
        ({"mode": "serial"}, "serial"),
        ({"mode": "sync", "objective": None}, "sync"),
    ],
)
def test_rounds_that_wait_for_each_other_are_not_called_asynchronous(
    fields: dict[str, object], mode: str
) -> None:
    assert render(changed(**fields))[0].startswith(f" 1-digits-s0  digits · {mode} ")


def test_one_round_is_one() -> None:
    status = msgspec.structs.replace(measured(rounds=1, results=1), stop_rounds=1)
    assert "1 / 1 round  " in render(status)[2]
    assert row_of("speed", status).endswith("   1 round   1 result")


def test_a_goal_of_the_method_s_own_is_what_is_to_be_reached() -> None:
    facts = {"goal": 250.0, "solved_by": 0}
    own = msgspec.structs.replace(PLAYED.objective, facts=facts)
    status = msgspec.structs.replace(PLAYED, objective=own)
    assert " return   248.2 of 250 " in "\n".join(render(status))
    assert "(goal 250)" in status_line(status)


def test_the_tests_of_a_round_and_those_between_rounds_are_told_apart() -> None:
    objective = msgspec.structs.replace(PLAYED.objective, measures={"test_mean": 483.0, "test_return": 441.5})
    status = msgspec.structs.replace(PLAYED, objective=objective)
    assert row_of("tests", status) == " tests    return 441.5   return in the round 483"


def test_before_the_first_round() -> None:
    bare = Objective(name="error", goal=0.01, unit="row evaluations")
    text = "\n".join(render(Status(run="r", env="digits", method="descent", objective=bare)))
    assert "error    - of 0.01" in text
    assert "0 row evaluations, no limit set" in text
    assert not any(word in text for word in ("tests", "found", "nan"))


def test_before_an_episode_ended_the_return_is_of_the_last_round() -> None:
    early = msgspec.structs.replace(PLAYED, return_mean=None, return_best=None)
    assert row_of("return", early).startswith(" return   260.0 of 475")
    assert row_of("return", early).endswith("of the last round")


def test_a_plain_line_of_a_table() -> None:
    assert status_line(STATUS) == (
        "   0:08  row evaluations 151k  error 0.01235 (goal 0.01)  rounds 34 at 4.20/s  waits 99 %  lag 0.0"
        "  players 2/2  test error 0.09987  test accuracy 97.5 %"
    )


def test_a_plain_line_of_an_environment() -> None:
    assert status_line(PLAYED) == (
        "   0:08  steps 151k  return 248.2 (goal 475)  rounds 20 at 2.47/s  waits 99 %  lag 0.0"
        "  players 2/2  test return 441.5"
    )


def test_an_error_far_above_its_goal_does_not_look_done() -> None:
    line = row_of("error", msgspec.structs.replace(measured(goal=0.01), return_history=[2.0, 1.0]))
    assert "2 █▇ 1 " in line
