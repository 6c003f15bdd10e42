from __future__ import annotations

from pathlib import Path

import click
import msgspec
import pytest

from touchline.cli.report import ledger_line, report
from touchline.record import LagSummary, LedgerSummary, Summary

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


def lines(path: str = "runs/1-cartpole-v1-s0", width: int = 100, **changes: object) -> list[str]:
    summary = msgspec.structs.replace(SUMMARY, **changes)
    return [click.unstyle(line) for line in report(summary, path=Path(path), max_lag=8, width=width)]


def test_the_report_of_a_solved_run():
    assert lines() == [
        "",
        "solved: mean return 481.4 reached 475",
        "  return   mean 481.4, best 485.0, over the latest episodes",
        "  time     4.2 s, 42.2k steps/s",
        "  trained  774,031 steps of 20,081 episodes in 881 updates (881 gradient steps)",
        "  lag      mean 0.56 updates (the law says 0.56), p95 2, max 23, bound 8",
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
    assert text[place + 1] == "           p95 2, max 23, bound 8"
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


def test_a_failure_is_named_once_by_the_error_that_follows():
    assert lines(reason="failed: 5 failures alike", solved=False)[1] == "failed"


@pytest.mark.parametrize(("changes", "colour"), [({}, "green"), ({"solved": False}, "yellow")])
def test_the_ending_has_a_colour(changes, colour):
    summary = msgspec.structs.replace(SUMMARY, **changes)
    line = list(report(summary, path=Path("x"), max_lag=8, width=80))[1]
    assert line.startswith(click.style("solved", fg=colour, bold=True))


def test_a_lag_without_a_law():
    lag = LagSummary(p50=0, p95=2, max=3, mean=1.5)
    assert "  lag      mean 1.50 updates (no law), p95 2, max 3, bound 8" in lines(lag=lag)


def test_the_ledger_line():
    assert ledger_line({"sent": 0, "trained": 0}, 0) == "0 results sent = 0"
    assert ledger_line({"sent": 3, "trained": 2, "dropped_stale": 1}, 1) == (
        "3 results sent = 2 trained + 1 dropped stale; 1 duplicates"
    )
    assert ledger_line({}, 0) == "unknown"
