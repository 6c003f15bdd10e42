from __future__ import annotations

from pathlib import Path

import click
import msgspec
import pytest

from touchline.cli.report import Ended, ledger_line, report
from touchline.configs import load
from touchline.record import (
    EvaluationStatus,
    LagSummary,
    LedgerSummary,
    PlayerStatus,
    RunDirectory,
    Status,
    Summary,
)
from touchline.record.status import Objective

TOTAL = {"sent": 1553, "trained": 1551, "evaluated": 0, "dropped_stale": 0, "unused": 2, "in_flight": 0}
SUMMARY = Summary(
    run="1-cartpole-v1-s0",
    env="CartPole-v1",
    seed=0,
    solved=True,
    reason="solved: mean return 481.4 reached 475",
    wall_seconds=4.25,
    steps=774_031,
    episodes=20_081,
    updates=881,
    gradient_steps=881,
    version=881,
    steps_per_second=42_216.7,
    return_mean_100=481.42,
    return_best=485.0,
    lag=LagSummary(p50=0, p95=2, max=23, mean=0.5622, law=0.5621),
    ledger=LedgerSummary(total=TOTAL, players={}),
    bottleneck="Players: the learner waited 69% of its time",
)


def staleness_of(on_excess: str = "downweight"):
    return load("cartpole", [("staleness.max_lag", "8"), ("staleness.on_excess", on_excess)]).config.staleness


STALENESS = staleness_of()


def lines(
    path: str = "runs/1-cartpole-v1-s0",
    width: int = 110,
    status: Status | None = None,
    failures: int = 0,
    staleness=STALENESS,
    lockstep: bool = False,
    tests: dict[str, str] | None = None,
    **changes: object,
) -> list[str]:
    summary = msgspec.structs.replace(SUMMARY, **changes)
    ended = Ended(Path(path), staleness, status, failures, lockstep, tests or {})
    return [click.unstyle(line) for line in report(summary, ended, width=width)]


def status(**parts: object) -> Status:
    return Status(run="r", env="CartPole-v1", **parts)


def test_the_report_of_a_solved_run():
    assert lines() == [
        "",
        "solved: mean return 481.4 reached 475",
        "  return   mean 481.4, best 485.0, over the latest episodes",
        "  time     4.2 s, 42.2k steps/s",
        "  trained  774,031 steps of 20,081 episodes in 881 updates (881 gradient steps)",
        "  lag      mean 0.56 updates (the law says 0.56), p95 2, max 23, bound 8 (older ones weigh less)",
        "  limit    Players: the learner waited 69% of its time",
        "  ledger   1,553 results sent = 1,551 trained + 2 unused",
        "",
        "Next:",
        "  touchline eval runs/1-cartpole-v1-s0   # play 100 episodes with what it learnt",
        "  touchline watch runs/1-cartpole-v1-s0  # see it play",
        "  touchline plot runs/1-cartpole-v1-s0   # draw its curves",
    ]


def test_a_path_with_a_space_can_be_pasted():
    assert "  touchline watch 'my runs/1'  # see it play" in lines(path="my runs/1")


def test_a_long_run_has_minutes():
    assert "  time     1:02:03, 42.2k steps/s" in lines(wall_seconds=3723.4)


def test_a_narrow_terminal_breaks_facts_but_no_command():
    text = lines(width=50)
    place = text.index("  lag      mean 0.56 updates (the law says 0.56),")
    assert text[place + 1] == "           p95 2, max 23, bound 8 (older ones"
    assert text[-3:] == [f"  touchline {verb} runs/1-cartpole-v1-s0" for verb in ("eval", "watch", "plot")]


def test_a_run_that_nothing_was_sent_to_has_no_account():
    total = {"sent": 0, "trained": 0}
    text = lines(updates=0, steps=0, ledger=LedgerSummary(total=total, players={}))
    assert not any("ledger" in line or "trained" in line for line in text)


def test_a_run_that_learnt_nothing_offers_nothing():
    text = lines(
        updates=0, reason="interrupted", return_mean_100=None, lag=LagSummary(), steps_per_second=None
    )
    assert text[1] == "interrupted"
    assert text[-1] == "Nothing was learnt. The run's files are in runs/1-cartpole-v1-s0"
    assert not any("Next" in line or "lag" in line or "return" in line for line in text)


def test_a_failure_has_its_reason_on_one_line():
    assert lines(reason="failed: 5 failures alike", solved=False)[1] == "failed: 5 failures alike"
    long = lines(reason="failed: " + 50 * "again ", solved=False, width=40)[1]
    assert long == "failed: again again again again again..."[:40]
    assert len(lines(reason="failed: " + 100 * "again ", solved=False, width=1000)[1]) == 160


def test_evaluations_are_told_and_the_best_is_offered_first():
    last = EvaluationStatus(version=880, steps=1, episodes=20, mean=440.0, best_version=300, best_mean=500.0)
    text = lines(status=status(evaluation=last))
    said = "  eval     mean 440.0 of version 880, best 500.0 of version 300, over 20 greedy episodes"
    assert text[3] == said
    offered = text[text.index("Next:") + 1]
    assert offered.startswith("  touchline eval runs/1-cartpole-v1-s0 --checkpoint best  # of version 300")


@pytest.mark.parametrize("best", [{"best_version": 880, "best_mean": 440.0}, {}])
def test_a_last_evaluation_that_is_the_best_is_offered_as_the_last_weights(best):
    last = EvaluationStatus(version=880, steps=1, episodes=20, mean=440.0, **best)
    text = lines(status=status(evaluation=last))
    assert text[3] == "  eval     mean 440.0 of version 880, over 20 greedy episodes"
    assert not any("--checkpoint" in line for line in text)


@pytest.mark.parametrize(
    ("on_excess", "said"), [("hold", "updates wait for older ones"), ("drop", "older ones are dropped")]
)
def test_the_bound_says_what_it_does(on_excess, said):
    text = lines(staleness=staleness_of(on_excess))
    assert any(line.endswith(f"bound 8 ({said})") for line in text)


def test_failures_and_restarts_are_counted():
    players = [PlayerStatus(name="player-0", state="gone", restarts=1), PlayerStatus(name="p", state="gone")]
    text = lines(status=status(players=players), failures=2)
    assert "  failures 2, 1 restart of Players; tracebacks in runs/1-cartpole-v1-s0/crashes" in text


def test_observations_outside_their_space_are_told():
    players = [
        PlayerStatus(name="player-0", state="gone", errors=1200),
        PlayerStatus(name="p", state="gone", errors=34),
    ]
    told = (
        "  outside  1,234 numbers of observations beyond the bounds of their space, learnt from all the same"
    )
    assert told in lines(status=status(players=players), width=120)
    assert not any(line.startswith("  outside") for line in lines(status=status()))


def test_what_a_run_directory_adds(tmp_path):
    run = RunDirectory.create(tmp_path, env="a", seed=0)
    config = load("001-rows").config
    assert Ended.of(run, config) == Ended(run.path, config.staleness, None, 0, lockstep=True)
    run.crash("player-0", {}, "Traceback")
    run.set_aside({}, "observations: nan", {})
    run.write_status(status())
    assert Ended.of(run, config) == Ended(run.path, config.staleness, status(), 1, lockstep=True)


@pytest.mark.parametrize(("changes", "colour"), [({}, "green"), ({"solved": False}, "yellow")])
def test_the_ending_has_a_colour(changes, colour):
    summary = msgspec.structs.replace(SUMMARY, **changes)
    line = list(report(summary, Ended(Path("x"), STALENESS), width=80))[1]
    assert line.startswith(click.style("solved", fg=colour, bold=True))


def test_a_lag_without_a_law():
    lag = LagSummary(p50=0, p95=2, max=3, mean=1.5)
    assert "  lag      mean 1.50 updates (no law), p95 2, max 3, bound 8 (older ones weigh less)" in lines(
        lag=lag
    )


def test_the_ledger_line():
    assert ledger_line({"sent": 0, "trained": 0}, 0) == "0 results sent = 0"
    assert ledger_line({"sent": 3, "trained": 2, "dropped_stale": 1}, 1) == (
        "3 results sent = 2 trained + 1 dropped stale; 1 duplicates"
    )
    assert ledger_line({}, 0) == "unknown"


OBJECTIVE = Objective(
    name="error",
    value=0.0123456,
    best=0.0119,
    goal=0.01,
    unit="row evaluations",
    results=140,
    tests=3,
    rounds=35,
    measures={"accuracy": 0.9986, "test_error": 0.0998654, "test_accuracy": 0.97493},
    facts={"hidden": [16, 8]},
)
ON_TABLE = {
    "env": "digits",
    "steps": 150_990,
    "episodes": 0,
    "updates": 34,
    "return_mean_100": None,
    "method": "descent",
    "objective": OBJECTIVE,
}
LOCKSTEP = load("001-rows").config.staleness


def test_the_report_of_a_run_on_a_table():
    assert lines(**ON_TABLE, staleness=LOCKSTEP, lockstep=True)[2:] == [
        "  error    0.01235, best 0.0119 (goal 0.01)",
        "  tests    error 0.09987, accuracy 97.5 %, training accuracy 99.9 %",
        "  found    hidden [16, 8]",
        "  time     4.2 s, 42.2k row evaluations/s",
        "  trained  150,990 row evaluations of 140 results and 3 tests in 35 rounds (34 updates)",
        "  lag      0 updates: in lockstep the next round waits for the last result of this one",
        "  limit    Players: the learner waited 69% of its time",
        "  ledger   1,553 results sent = 1,551 trained + 2 unused",
        "",
        "Next:",
        "  touchline eval runs/1-cartpole-v1-s0  # its error on the table's rows",
        "  touchline plot runs/1-cartpole-v1-s0  # draw its curves",
    ]


def test_a_run_on_a_table_that_bore_lag_says_how_much():
    assert any(line.startswith("  lag      mean 0.56 updates") for line in lines(**ON_TABLE))


def test_where_nothing_can_be_late_nothing_is_said_of_lag():
    assert not any(line.startswith("  lag") for line in lines(**ON_TABLE, staleness=LOCKSTEP))


def test_the_tests_of_a_run_in_an_environment_are_named():
    measures = {"test_return": 441.5, "test_mean": 500.0}
    played = Objective(
        name="return", results=100, tests=8, rounds=2, measures=measures, facts={"solved_by": 0}
    )
    told = {"test_return": "10 greedy episodes, every 10 updates", "test_mean": "at most 10, until one fails"}
    text = lines(width=200, method="imitation", objective=played, tests=told)
    between = "return 441.5 (10 greedy episodes, every 10 updates)"
    assert f"  tests    {between}, return in the round 500 (at most 10, until one fails)" in text
    assert any("of 100 results, 8 tests and 20,081 episodes in 2 rounds" in line for line in text)
    assert "solved by" not in "".join(text)


def test_the_report_of_a_run_by_rounds_in_an_environment():
    played = Objective(name="return", value=240.0, results=100, rounds=1, measures={"test_return": 441.5})
    text = lines(updates=1, method="imitation", objective=played)
    assert "  return   mean 481.4, best 485.0, over the latest episodes" in text
    assert "  tests    return 441.5" in text
    assert "  trained  774,031 steps of 100 results and 20,081 episodes in 1 round (1 update)" in text
    assert sum("touchline" in line for line in text) == 3  # eval and watch as of any policy
