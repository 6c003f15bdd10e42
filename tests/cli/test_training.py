"""``train``, ``trainer`` and ``player`` as processes: exit codes, files, and nothing left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from touchline.cli.training import unused
from touchline.configs import load
from touchline.protocol.ledger import BUCKETS
from touchline.record import RunDirectory, load_checkpoint

SMALL = (
    *("--players.lanes", "4", "--players.unroll_length", "16", "--trainer.batch_steps", "64"),
    *("--env.vectorize", "never", "--stop.mean_return", "null"),
)
ENDLESS = (*SMALL, "--stop.steps", "null", "--optimizer.schedule", "constant")
SUMMARY_KEYS = [
    *("run", "env", "seed", "solved", "reason", "wall_seconds", "steps", "episodes", "updates"),
    *("gradient_steps", "version", "steps_per_second", "return_mean_100", "return_best", "lag", "ledger"),
    "bottleneck",
]
BAD = """
import gymnasium, numpy
class Env(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-1, 1, (2,), numpy.float32)
    action_space = gymnasium.spaces.Discrete(2)
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return numpy.zeros(2, numpy.float32), {}
    def step(self, action):
        return numpy.zeros(2, numpy.float32), 1.0, False, False, {}
class Raises(Env):
    def step(self, action):
        raise RuntimeError("the lever broke")
class Hangs(Env):
    def step(self, action):
        print("hanging", flush=True)
        import time
        time.sleep(600)
class Odd(Env):
    observation_space = gymnasium.spaces.Text(5)
class Unmade(Env):
    def __init__(self):
        raise ValueError("no licence")
"""


def summary_of(path: Path) -> dict:
    """summary.json, its keys exactly those of the design and its ledger's sums right."""
    summary = json.loads((path / "summary.json").read_text())
    assert list(summary) == SUMMARY_KEYS
    assert list(summary["lag"]) == ["p50", "p95", "max", "mean", "law"]
    assert list(summary["ledger"]) == ["total", "players", "duplicates"]
    for row in [summary["ledger"]["total"], *summary["ledger"]["players"].values()]:
        assert row["sent"] == sum(row[bucket] for bucket in BUCKETS)
        assert row["queued"] == row["in_flight"] == 0
    return summary


def _heed_interrupts() -> None:
    """As at a terminal: what a shell starts in the background ignores them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a process whose output can be read line by line; ended at the latest with the block."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "touchline", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_heed_interrupts,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def line_with(process: subprocess.Popen[str], text: str) -> str:
    """Read on until a line holds ``text``."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if text in line:
            return line
    raise AssertionError(f"no line with {text!r} in {seen}")


def test_a_run_leaves_all_its_files_and_says_what_to_type_next(spawned):
    said = spawned("train", "cartpole", "--no-live", "--players.count", "2", "--stop.steps", "3000", *SMALL)
    assert (said.code, said.err) == (0, "")
    run = Path("runs/1-cartpole-v1-s0")
    summary = summary_of(run)
    assert summary["reason"].startswith("steps: ")
    assert summary["steps"] >= 3000
    assert set(summary["ledger"]["players"]) == {"player-0", "player-1"}
    assert f"touchline eval {run}" in said.out
    assert "CartPole-v1, mode async, 2 Players, a2c with gae, gradient reuse" in said.out
    for name in ("config.yaml", "origin.json", "environment.json", "metrics.jsonl", "status.json", "logs"):
        assert (run / name).exists(), name
    assert (run / "command.txt").read_text().startswith("touchline train cartpole --no-live")
    assert json.loads((run / "origin.json").read_text())["players.count"] == "--players.count"
    status = json.loads((run / "status.json").read_text())
    assert (status["state"], status["steps"]) == ("finished", summary["steps"])
    assert load_checkpoint(RunDirectory(run)).version == summary["version"]


def test_a_run_that_reaches_its_goal_is_solved(spawned):
    flags = ("--stop.mean_return", "9", "--stop.over_episodes", "5", "--mode", "serial")
    said = spawned("train", "cartpole", "--no-live", "--name", "easy", *SMALL, *flags)
    assert said.code == 0
    summary = summary_of(Path("runs/easy"))
    assert summary["solved"] is True
    assert summary["reason"] in said.out
    assert summary["return_mean_100"] >= 9


def test_serial_mode_takes_the_same_way(touchline):
    flags = ("--mode", "serial", "--players.count", "2", "--stop.steps", "1000")
    said = touchline("train", "cartpole", "--no-live", "--runs", "there", *SMALL, *flags)
    assert said.code == 0
    assert set(summary_of(Path("there/1-cartpole-v1-s0"))["ledger"]["players"]) == {"player-0", "player-1"}
    assert "mode serial, 2 Players" in said.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_run_in_order(number):
    with started("train", "cartpole", "--name", "cut", "--players.count", "1", "--no-live", *ENDLESS) as run:
        line_with(run, "joined")
        run.send_signal(number)
        line_with(run, "interrupted")
        assert run.wait(30) == 130
    summary = summary_of(Path("runs/cut"))
    assert summary["reason"] == "interrupted"
    assert summary["solved"] is False
    assert load_checkpoint(RunDirectory(Path("runs/cut"))).version == summary["version"]


def _state(run: Path) -> str | None:
    status = RunDirectory(run).read_status()
    return None if status is None else status.state


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_interrupt_ends_a_serial_run_that_hangs(number):
    Path("bad.py").write_text(BAD)
    flags = ("--name", "hung", "--mode", "serial", "--env.step_timeout", "5s", "--no-live")
    with started("train", "--env.id", "bad.py:Hangs", *flags, *ENDLESS) as run:
        line_with(run, "env.step_timeout (--env.step_timeout) is not used")
        line_with(run, "hanging")
        run.send_signal(number)
        until = time.monotonic() + 20
        while time.monotonic() < until and _state(Path("runs/hung")) in (None, "training"):
            pass
        assert _state(Path("runs/hung")) == "stopping"
        assert run.poll() is None
        run.send_signal(number)
        line_with(run, "interrupted")
        assert run.wait(30) == 130
    assert json.loads(Path("runs/hung/summary.json").read_text())["reason"] == "interrupted"


def test_an_interrupt_before_anyone_joined_leaves_a_run_that_can_be_read(touchline):
    with started("trainer", "cartpole", "--name", "alone", "--no-live", *ENDLESS) as run:
        line_with(run, "in runs/alone")
        line_with(run, "steps 0")  # the first line of the view, which runs while the Trainer does
        run.send_signal(signal.SIGINT)
        line_with(run, "Nothing was learnt")
        assert run.wait(30) == 130
    assert json.loads(Path("runs/alone/summary.json").read_text())["reason"] == "interrupted"
    assert "interrupted" in touchline("runs").out


def test_a_trainer_alone_is_joined_by_hand():
    with started(
        "trainer", "cartpole", "--name", "remote", "--no-live", "--stop.steps", "1000", *SMALL
    ) as trainer:
        command = line_with(trainer, "touchline player --connect").split()
        with started(*command[1:], "--name", "guest") as player:
            assert "joined: CartPole-v1" in line_with(player, "joined")
            assert player.wait(60) == 0
        assert trainer.wait(60) == 0
    assert set(summary_of(Path("runs/remote"))["ledger"]["players"]) == {"guest"}


def test_a_failing_environment_ends_the_run_with_one_traceback(spawned):
    Path("bad.py").write_text(BAD)
    flags = ("--players.count", "1", "--players.restarts", "2", "--name", "bad")
    said = spawned("train", "--env.id", "bad.py:Raises", "--no-live", *flags, *SMALL)
    assert said.code == 3
    assert "RuntimeError: the lever broke" in said.err
    assert said.err.count("Traceback") == 1
    assert ", in step" in said.err
    assert "last actions: [" in said.err
    assert "sync_lanes.py" not in said.err  # our own frames are in crashes/ alone
    assert "sync_lanes.py" in Path("runs/bad/crashes/2-player-0.txt").read_text()
    assert "kept in runs/bad/crashes/2-player-0.txt\n" in said.err
    assert "to try the environment by itself: touchline check bad.py:Raises" in said.err
    assert "failed: 2 failures alike in a row: step(): expected no exception, found" in said.out
    assert "  failures 2" in said.out
    assert summary_of(Path("runs/bad"))["reason"].startswith("failed: ")
    assert sorted(path.name for path in Path("runs/bad/crashes").glob("*.txt")) == [
        "1-player-0.txt",
        "2-player-0.txt",
    ]


def test_a_failing_environment_says_the_same_in_serial_mode(spawned):
    Path("bad.py").write_text(BAD)
    said = spawned(
        "train", "--env.id", "bad.py:Raises", "--no-live", "--mode", "serial", "--name", "bad", *SMALL
    )
    assert said.code == 3
    assert said.err.count("Traceback") == 1
    assert "sync_lanes.py" not in said.err
    assert "to try the environment by itself: touchline check bad.py:Raises" in said.err
    assert "sync_lanes.py" in Path("runs/bad/crashes/1-player.txt").read_text()


@pytest.mark.parametrize("mode", ["async", "serial"])
@pytest.mark.parametrize(
    ("env", "text"),
    [
        ("NoSuch-v1", "unknown environment 'NoSuch-v1'"),
        ("bad.py:Odd", "observation space: expected one of Box, Discrete"),
        ("bad.py:Unmade", "making it raised ValueError: no licence"),
        ("bad.py:Absent", "bad.py has no 'Absent'"),
    ],
)
def test_an_environment_that_cannot_be_made_leaves_nothing(spawned, mode, env, text):
    Path("bad.py").write_text(BAD)
    said = spawned("train", "--env.id", env, "--no-live", "--mode", mode, "--players.count", "1")
    assert said.code == 2
    assert text in said.err
    assert "Traceback" not in said.err
    assert list(Path("runs").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "expected a config: a preset, a YAML file"),
        (("cartpol",), "Did you mean the preset 'cartpole'?"),
        (("CartPole-v1",), "use --env.id CartPole-v1"),
        (("cartpole", "--players.cuont", "2"), "Did you mean 'players.count'?"),
        (("cartpole", "--players.count", "x"), "--players.count: expected an integer"),
        (("cartpole", "--trainer.epochs", "4"), "trainer.epochs"),
        (("cartpole", "--net.bind", "0.0.0.0"), "needs keys, which this version does not have"),
        (("cartpole", "--name", "a/b"), "expected a single folder name"),
        (("cartpole", "--name", "taken"), "runs/taken: a run of this name exists"),
        (("cartpole", "--runs", "afile/runs"), "afile"),
        (("cartpole", "--no-lives"), "Did you mean --no-live?"),
    ],
)
def test_bad_input_is_the_users_to_mend(touchline, arguments, text):
    Path("runs/taken").mkdir(parents=True)
    Path("afile").touch()
    said = touchline("train", *arguments)
    assert said.code == 2
    assert text in said.err
    assert said.out == ""
    assert [path.name for path in Path("runs").iterdir()] == ["taken"]


def test_a_port_in_use(touchline):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = touchline("train", "cartpole", "--no-live", "--net.bind", "127.0.0.1", "--net.port", port)
    assert said.code == 2
    assert f"127.0.0.1:{port}: in use by another process" in said.err
    assert list(Path("runs").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--connect", "nowhere"), "expected transport://place"),
        (("--connect", "ipc://{folder}/none", "--reconnect", "100ms"), "no Trainer answered at ipc://"),
        (("--connect", "ipc:///none", "--reconnect", "soon"), "--reconnect: expected a duration above 0"),
        ((), "Missing option '--connect'"),
    ],
)
def test_a_player_without_a_trainer(spawned, tmp_path, arguments, text):
    said = spawned("player", *(argument.format(folder=tmp_path) for argument in arguments))
    assert said.code == 2
    assert text in said.err
    assert "Traceback" not in said.err


def test_a_fault_of_ours_is_kept_and_told(touchline, monkeypatch):
    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("touchline.launch.recording.train", broken)
    said = touchline("train", "cartpole", "--no-live", "--name", "broken")
    assert said.code == 1
    assert said.err.startswith("error: a fault of touchline itself: ZeroDivisionError: ours\n")
    assert "Traceback" not in said.err
    kept = Path(said.err.strip().rpartition("report it with ")[2])
    assert kept.parent == Path("runs/broken/crashes")
    assert "in broken" in kept.read_text()
    assert [path.name for path in Path("runs").iterdir()] == ["broken"]


def test_a_wrong_wrapper_is_told_before_anything_is_printed_or_started(touchline):
    said = touchline("train", "cartpole", "--no-live", "--env.wrappers", "[Nope]")
    assert (said.code, said.out) == (2, "")
    assert (
        said.err == "error: env.wrappers[0]: unknown wrapper 'Nope'. 'touchline envs --wrappers' lists them\n"
    )
    assert list(Path("runs").iterdir()) == []


def test_a_folder_that_was_named_and_is_gone_is_told(touchline):
    Path("bad.py").write_text(BAD)
    said = touchline("train", "--env.id", "bad.py:Unmade", "--no-live", "--players.count", "1")
    assert "in runs/1-unmade-s0" in said.out or "in runs/" in said.out
    assert "is not kept" in said.err
    assert "no licence" in said.err


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"policy.network": "a:B"}, []),
        (
            {"policy.network": "a:B", "policy.hidden": [8], "policy.activation": "relu"},
            [
                "policy.hidden (python) is not used: policy.network: a:B stands in its place",
                "policy.activation (python) is not used: policy.network: a:B stands in its place",
            ],
        ),
        ({"policy.hidden": [8]}, []),
        (
            {"policy.network_kwargs": {"width": 8}},
            ["policy.network_kwargs (python) is not used: there is no policy.network"],
        ),
    ],
)
def test_what_was_set_and_does_nothing_is_told(values, said):
    assert list(unused(load(values={"env.id": "CartPole-v1", **values}))) == said
