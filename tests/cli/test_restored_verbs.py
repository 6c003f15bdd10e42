"""``eval``, ``watch`` and ``plot``: what is done with a run afterwards."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from touchline.cli import watch
from touchline.record import load_checkpoint
from touchline.record.directory import RunDirectory


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained run, to write into."""
    return Path(shutil.copytree(trained / "taught", tmp_path / "runs" / "taught"))


def test_eval_reports_returns_against_the_goal(touchline, run):
    said = touchline("eval", "taught", "--episodes", "5")
    assert said.code == 0
    title, returns, lengths, goal = said.out.splitlines()
    version = load_checkpoint(RunDirectory(run)).version
    assert title == f"taught, version {version}: 5 greedy episodes of CartPole-v1"
    assert returns.startswith("  return  mean ")
    assert lengths.startswith("  length  mean ")
    assert goal == "  goal    475: not reached"


def test_eval_for_programs(touchline, run):
    found = json.loads(touchline("eval", str(run), "--episodes", "20", "--json").out)
    assert found["episodes"] == len(found["returns"]) == len(found["lengths"]) == 20
    assert found["return_mean"] == pytest.approx(sum(found["returns"]) / 20)
    assert found["returns"] == [float(length) for length in found["lengths"]]
    assert (found["goal"], found["greedy"], found["env"]) == (475.0, True, "CartPole-v1")


def test_eval_is_repeatable_and_the_seed_changes_it(touchline, run):
    first, again = (touchline("eval", "taught", "--episodes", "4", "--json").out for _ in range(2))
    other = touchline("eval", "taught", "--episodes", "4", "--json", "--seed", "1").out
    assert first == again
    assert json.loads(first)["seeds"] != json.loads(other)["seeds"]


def test_eval_of_an_untrained_version_and_sampled(touchline, run):
    found = json.loads(
        touchline("eval", "taught", "--episodes", "20", "--checkpoint", "0", "--sampled", "--json").out
    )
    assert (found["version"], found["greedy"]) == (0, False)
    assert found["return_mean"] < 60  # as a policy that has learnt nothing plays


def test_eval_on_a_changed_environment(touchline, run):
    said = touchline("eval", "taught", "--episodes", "3", "--json", "--env.kwargs.max_episode_steps", "7")
    assert set(json.loads(said.out)["lengths"]) == {7}


@pytest.mark.parametrize("verb", ["eval", "watch"])
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("nope",), "run 'nope': not found in runs; there are taught"),
        (("taught", "--checkpoint", "7777"), "7777: missing; versions on disk: 0"),
        (("taught", "--checkpoint", "x"), "--checkpoint: expected latest, best or a version, found 'x'"),
        (("taught", "--trainer.clip", "1"), "--trainer.clip: what was learnt cannot be changed"),
        (
            ("taught", "--env.id", "Acrobot-v1"),
            "expected the one trained on, Box of float32 [4], found Box of float32 [6]",
        ),
        (("taught", "--env.id", "NoEnv-v0"), "unknown environment 'NoEnv-v0'"),
        (("taught", "--episodes", "0"), "0 is not in the range"),
    ],
)
def test_what_cannot_be_restored_is_the_users_to_mend(touchline, run, verb, arguments, text):
    said = touchline(verb, *arguments)
    assert said.code == 2
    assert text in said.err
    assert said.out == ""


def test_a_damaged_checkpoint_is_told(touchline, run):
    version = load_checkpoint(RunDirectory(run)).version
    weights = run / "checkpoints" / str(version) / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    said = touchline("eval", "taught")
    assert said.code == 2
    assert "the file was changed" in said.err


def test_watch_without_a_display_writes_a_video(touchline, run, monkeypatch):
    pytest.importorskip("pygame")
    monkeypatch.setattr(watch, "has_display", lambda: False)
    said = touchline("watch", "taught", "--episodes", "2", "--env.kwargs.max_episode_steps", "5")
    assert said.code == 0, said.err
    first, second, path = said.out.splitlines()
    assert (first, second) == (
        "episode 1: return 5.0 in 5 steps",
        "episode 2: return 5.0 in 5 steps",
    )
    from PIL import Image

    with Image.open(path) as image:
        assert image.format == "WEBP"
        assert image.n_frames >= 6  # identical neighbours may be merged


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("darwin", {}, True),
        ("linux", {"DISPLAY": ":0", "SDL_VIDEODRIVER": "x11"}, True),
        ("linux", {"DISPLAY": ":0", "SDL_VIDEODRIVER": ""}, False),
        ("linux", {"DISPLAY": ":0", "SDL_VIDEODRIVER": "dummy"}, False),
    ],
)
def test_a_display_is_looked_for(monkeypatch, platform, environment, expected):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    assert watch.has_display() is expected


def test_a_window_that_cannot_be_opened_becomes_a_video(touchline, run, monkeypatch):
    pytest.importorskip("pygame")
    for name, value in (("DISPLAY", ":77"), ("SDL_VIDEODRIVER", "x11")):
        monkeypatch.setenv(name, value)
    said = touchline("watch", "taught", "--env.kwargs.max_episode_steps", "5")
    assert said.code == 0, said.err
    assert said.err.startswith("no window could be opened, so a video is made (")
    assert said.out.splitlines()[-1].endswith(".webp")


def test_plot_says_why_there_is_no_curve(touchline, run, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("touchline.record.plots.learning_figure", lambda groups: None)
    said = touchline("plot", "taught", "--out", "elsewhere")
    assert "learning.png" not in said.out
    assert said.err == "no learning.png: no episode has ended yet, so there is no return to draw\n"


def test_plot_says_what_it_drew(touchline, run):
    pytest.importorskip("matplotlib")
    said = touchline("plot", "taught")
    assert said.code == 0, said.err
    paths = [Path(line) for line in said.out.splitlines()]
    assert {path.name for path in paths} >= {"learning.png", "lag.png", "weights.png"}
    assert {path.parent for path in paths} == {Path("runs/taught/plots")}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


def test_plots_of_several_runs_lie_beside_them(touchline, run):
    pytest.importorskip("matplotlib")
    shutil.copytree(run, run.parent / "second")
    assert "runs/plots/learning.png" in touchline("plot", "taught", "second").out
    named_twice = touchline("plot", "taught", "taught", "--out", "there").out
    assert "there/learning.png" in named_twice
    assert "there/weights.png" in named_twice  # as of one run


def test_plot_without_a_run(touchline):
    said = touchline("plot", "nope")
    assert said.code == 2
    assert "runs holds no runs yet" in said.err


@pytest.fixture
def fitted(touchline) -> None:
    """A short run on a table, named ``fitted``, in this test's folder."""
    flags = ("--mode", "serial", "--stop.rounds", "12", "--name", "fitted", "--no-live")
    assert touchline("train", "001-rows", *flags).code == 0


def test_eval_of_a_run_on_a_table_reports_its_errors(touchline, fitted):
    said = touchline("eval", "fitted")
    assert said.code == 0, said.err
    title, training, test, goal = said.out.splitlines()
    assert title == "fitted, version 12: its network on the table digits"
    assert re.fullmatch(r"  training  error 0\.\d{3,4}, accuracy \d\d\.\d %, of 1,438 rows", training)
    assert re.fullmatch(r"  test      error 0\.\d{3,4}, accuracy \d\d\.\d %, of 359 rows", test)
    assert goal == "  goal      error 0.01: not reached"


def test_eval_of_a_run_on_a_table_for_programs_and_of_its_first_weights(touchline, fitted):
    found = json.loads(touchline("eval", "fitted", "--json", "--checkpoint", "0").out)
    assert (found["run"], found["version"], found["table"], found["goal"]) == ("fitted", 0, "digits", 0.01)
    assert (found["training"]["rows"], found["test"]["rows"], found["changed"]) == (1438, 359, False)
    assert found["training"]["error"] > 1
    assert "version 0 is the initial weights" in touchline("eval", "fitted", "--checkpoint", "0").out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("watch", "fitted"), "there is nothing to play: it is of the table digits"),
        (("eval", "fitted", "--env.id", "CartPole-v1"), "--env.id: a run on a table has no environment"),
        (("eval", "fitted", "--table.test", "0.5"), "--table.test: what was learnt cannot be changed"),
        (("eval", "fitted", "--checkpoint", "777"), "777: missing"),
        (("eval", "fitted", "--sampled"), "--sampled: a run on a table plays no episodes"),
        (("eval", "fitted", "--episodes", "100"), "--episodes: a run on a table plays no episodes"),
        (("eval", "fitted", "--seed", "1"), "--seed: a run on a table plays no episodes"),
    ],
)
def test_what_cannot_be_done_with_a_run_on_a_table(touchline, fitted, arguments, text):
    said = touchline(*arguments)
    assert (said.code, said.out) == (2, "")
    assert text in said.err


def test_plot_of_a_run_on_a_table_has_its_error(touchline, fitted):
    pytest.importorskip("matplotlib")
    said = touchline("plot", "fitted")
    assert (said.code, said.err) == (0, "")
    assert [Path(line).name for line in said.out.splitlines()] == ["error.png", "speed.png", "weights.png"]


def test_a_run_on_a_table_is_listed_by_its_error(touchline, fitted):
    title, row = touchline("runs").out.splitlines()
    assert re.match(r"run +target +state +measure +goal +work +episodes", title)
    assert re.match(r"fitted  digits  round limit  error 0\.\d+  0\.01  \d+\.?\dk rows ", row)
    assert title.index("goal") + 4 == row.index("0.01 ") + 4
