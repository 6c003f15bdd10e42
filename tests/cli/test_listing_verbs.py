"""``runs``, ``envs`` and ``check``."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import msgspec
import pytest

from touchline.cli.runs import _ago

BAD = """
import gymnasium, numpy
class Bad(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-1, 1, (2,), numpy.float32)
    action_space = gymnasium.spaces.Discrete(2)
    def __init__(self, gravity=1): self.gravity = gravity
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return numpy.zeros(2, numpy.float32), {}
    def step(self, action):
        return numpy.zeros(2, numpy.float32), 1.0, True, {}
"""


def test_no_runs_yet(touchline):
    said = touchline("runs")
    assert said.code == 0
    assert said.out == "runs holds no runs yet. Start one with: touchline train cartpole\n"


def test_a_run_is_a_line(touchline, trained):
    said = touchline("runs", "--runs", str(trained))
    title, row = said.out.splitlines()
    assert title.split()[:3] == ["run", "environment", "state"]
    assert row.startswith("taught  CartPole-v1  step limit ")


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("failed: step(): boom", "1-x-s0 failed: step(): boom"),
        ("crashed: KeyError: 'x'\nmore", "1-x-s0 crashed: KeyError: 'x'"),
        ("failed: " + 300 * "x", "1-x-s0 failed: " + 200 * "x" + "..."),
    ],
)
def test_why_a_run_failed_is_a_line_below(touchline, trained, reason, said):
    from touchline.record import RunDirectory

    folder = Path("runs/1-x-s0")
    folder.mkdir(parents=True)
    summary = RunDirectory(trained / "taught").read_summary()
    RunDirectory(folder).write_summary(msgspec.structs.replace(summary, reason=reason))
    _, row, why = touchline("runs").out.splitlines()
    assert row.split()[2] in ("failed", "crashed")
    assert why == said


def test_the_summary_of_the_main_method_has_no_more_keys_than_ever(trained):
    written = json.loads((trained / "taught" / "summary.json").read_text())
    promised = "run env seed solved reason wall_seconds steps episodes updates gradient_steps version steps_per_second"
    assert list(written) == [
        *promised.split(),
        "return_mean_100",
        "return_best",
        "lag",
        "ledger",
        "bottleneck",
    ]


def test_runs_for_programs(touchline, trained):
    (row,) = json.loads(touchline("runs", "--runs", str(trained), "--json").out)
    assert row["name"] == "taught"
    assert row["steps"] >= 1500
    assert row["solved"] is False


def test_a_run_that_was_killed_is_lost(touchline, trained):
    folder = Path("runs/1-x-s0")
    folder.mkdir(parents=True)
    status = (trained / "taught" / "status.json").read_text().replace('"finished"', '"training"')
    (folder / "status.json").write_text(status)
    past = time.time() - 3600
    os.utime(folder / "status.json", (past, past))
    assert " lost " in touchline("runs").out
    assert "1 h ago" in touchline("runs").out


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "now"),
        (59, "now"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (7200, "2 h ago"),
        (200_000, "2 d ago"),
    ],
)
def test_times_since(seconds, text):
    assert _ago(seconds) == text


def test_environments_are_listed_with_what_they_need(touchline):
    said = touchline("envs", "cartpole-v1")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0].split() == ["environment", "solved", "at", "time", "limit"]
    assert lines[1].split() == ["CartPole-v1", "475", "500", "steps", "vectorised"]


def test_ours_are_among_them(touchline):
    assert "touchline/Corridor-v0" in touchline("envs", "touchline/*").out


def test_a_pattern_that_nothing_matches(touchline):
    said = touchline("envs", "zzz")
    assert said.code == 2
    assert "no environment matches 'zzz'" in said.err
    assert said.out == ""


def test_wrappers_are_listed_with_their_arguments(touchline):
    said = touchline("envs", "--wrappers")
    assert said.code == 0
    lines = said.out.splitlines()
    names = {line.split()[0] for line in lines if not line.startswith(" ")}
    assert {"ActionRepeat", "FrameStackObservation", "PongPixels", "Score"} <= names
    assert max(map(len, lines)) <= 80
    latency, *does = touchline("envs", "--wrappers", "latency").out.splitlines()
    assert latency == "Latency  milliseconds"
    assert " ".join(map(str.strip, does)).startswith("Waits milliseconds before each step")


def test_wrappers_whose_package_is_missing_come_last_together(touchline, monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium.wrappers.jax_to_numpy", None)
    monkeypatch.setitem(sys.modules, "gymnasium.wrappers.jax_to_torch", None)
    lines = touchline("envs", "--wrappers", "JaxTo").out.splitlines()
    assert lines[0].startswith("not installed: JaxToNumpy") or "JaxToTorch" in lines[0]
    assert all(line.startswith(("not installed: ", "    ")) for line in lines)


def test_a_pattern_that_no_wrapper_matches(touchline):
    said = touchline("envs", "--wrappers", "CartPole")
    assert (said.code, said.out) == (2, "")
    assert "no wrapper matches 'CartPole'; 'touchline envs --wrappers' lists them all" in said.err


def test_a_sound_environment_checks_clean(touchline):
    said = touchline("check", "CartPole-v1", "--steps", "50")
    assert (said.code, said.out) == (0, "CartPole-v1: nothing wrong was found\n")


def test_a_broken_environment_is_told_as_expected_found_where(touchline):
    Path("bad.py").write_text(BAD)
    said = touchline("check", "bad.py:Bad")
    assert said.code == 2
    for word in ("error: step()", "    expected  five values", "    found     a tuple of 4 values"):
        assert word in said.out


def test_check_takes_the_environments_keys(touchline):
    Path("bad.py").write_text(BAD)
    said = touchline("check", "bad.py:Bad", "--env.kwargs.wind", "3")
    assert said.code == 2
    assert "wind" in said.err
    assert "--players.count" in touchline("check", "CartPole-v1", "--players.count", "2").err


def test_an_unknown_environment_is_told_the_nearest(touchline):
    said = touchline("check", "CartPol-v1")
    assert said.code == 2
    assert "Did you mean 'CartPole-v1'" in said.err
