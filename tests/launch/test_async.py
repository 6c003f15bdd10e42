"""Real runs of several processes: every result accounted for, the law of lag, Players that die and join late."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest
from launch_runs import assert_sums, supervised

from touchline.launch.local import train
from touchline.launch.supervisor import Supervisor
from touchline.record import read_lines
from touchline.trainer.failures import RunFailed
from touchline.trainer.runtime import TrainerRuntime
from touchline.trainer.stopping import Ending


def lags_of(run) -> list[int]:
    return [lag for line in read_lines(run.path / "metrics.jsonl") for lag in line["lag"]["values"]]


def test_one_player_never_lags(configure, run):
    summary = train(configure(**{"players.count": 1}), run)
    assert set(lags_of(run)) == {0}
    assert summary.lag.law == 0
    assert_sums(summary)


@pytest.mark.parametrize(("players", "results"), [(3, 1), (3, 4)])
def test_the_law_of_lag_holds_on_a_real_run(configure, run, players, results):
    """Mean lag = (N − 1)/R once all are there; the integer identity behind it is asserted when the run finishes."""
    config = configure(
        **{"players.count": players, "trainer.batch_steps": 64 * results, "stop.steps": 64 * 600}
    )
    summary = train(config, run)
    lags = lags_of(run)
    assert sum(lags) / len(lags) == pytest.approx(summary.lag.mean)
    assert summary.lag.law == pytest.approx(summary.lag.mean, abs=0.05)
    settled = lags[
        len(lags) // 2 :
    ]  # Players join one after the other: the law speaks of those that are there
    assert sum(settled) / len(settled) == pytest.approx((players - 1) / results, abs=0.1)
    assert_sums(summary)


def test_ahead_overlaps_and_is_accounted_for(configure, run):
    summary = train(configure(**{"players.count": 2, "staleness.ahead": 1, "stop.steps": 6000}), run)
    assert_sums(summary)
    assert summary.lag.mean > 0.5
    assert summary.lag.law == pytest.approx(summary.lag.mean, abs=0.2)


def test_hold_keeps_every_lag_within_the_bound(configure, run):
    overrides = {
        "players.count": 3,
        "staleness.max_lag": 1,
        "staleness.on_excess": "hold",
        "stop.steps": 6000,
    }
    summary = train(configure(**overrides), run)
    assert max(lags_of(run)) <= 1
    assert_sums(summary)


@pytest.mark.parametrize("players", [1, 3])
def test_hold_keeps_whole_episodes_within_the_bound_however_many_had_to_wait(configure, run, players):
    """A version that waits for long games has many short ones by then: all of them are in its batch."""
    overrides = {
        "players.count": players,
        "players.lanes": 5,
        "players.unroll_length": "episode",
        "trainer.batch_episodes": 2,
        "staleness.max_lag": 1,
        "staleness.on_excess": "hold",
        "stop.steps": 10_000,
    }
    summary = train(configure("cartpole-reinforce", **overrides), run)
    lags = lags_of(run)
    assert max(lags) == 1
    assert (summary.lag.max, summary.lag.mean) == (1, pytest.approx(sum(lags) / len(lags), rel=1e-12))
    sizes = [len(line["lag"]["values"]) for line in read_lines(run.path / "metrics.jsonl")]
    assert min(sizes) >= 2
    assert max(sizes) > 2
    assert_sums(summary)


def test_one_lane_of_one_player_gives_exactly_so_many_episodes(configure, run):
    overrides = {
        "players.count": 1,
        "players.lanes": 1,
        "players.unroll_length": "episode",
        "trainer.batch_episodes": 3,
        "staleness.on_excess": "hold",
    }
    summary = train(configure("cartpole-reinforce", **overrides), run)
    assert {len(line["lag"]["values"]) for line in read_lines(run.path / "metrics.jsonl")} == {3}
    assert summary.lag.max == 0
    assert_sums(summary)


def test_drop_accounts_for_what_it_drops(configure, run):
    overrides = {
        "players.count": 3,
        "staleness.max_lag": 1,
        "staleness.on_excess": "drop",
        "stop.steps": 6000,
    }
    summary = train(configure(**overrides), run)
    assert summary.ledger.total["dropped_stale"] > 0
    assert_sums(summary)
    assert max(lags_of(run)) <= 1  # the lag of a batch is that of what is in it
    lines = list(read_lines(run.path / "episodes.jsonl"))
    assert {line["weight"] for line in lines if line["lag"] > 1} == {0.0}
    assert {line["weight"] for line in lines if line["lag"] <= 1} == {1.0}


def test_a_player_killed_and_one_that_joins_late(configure, run):
    """Three Players, one killed with SIGKILL, a fourth by hand: the run goes on and the ledger sums."""
    killed: list[int] = []
    late: list[subprocess.Popen] = []

    def interfere(runtime: TrainerRuntime, supervisor: Supervisor) -> None:
        training = runtime.training
        if training is None:
            return
        if not killed and training.method.updates >= 20:
            killed.append(supervisor.pids[0])
            os.kill(killed[0], signal.SIGKILL)
        if killed and not late and training.method.updates >= 40:
            command = [sys.executable, "-P", "-m", "touchline.player", "--connect", runtime.address]
            late.append(subprocess.Popen([*command, "--name", "late", "--tied"], stdin=subprocess.PIPE))
        row = {row.name: row for row in runtime.service.view.rows}
        back = "player-0" in row and row["player-0"].incarnation == 1 and row["player-0"].received > 0
        if back and "late" in row and row["late"].received > 3:
            runtime.stop(Ending("seen enough", solved=False))

    try:
        summary = supervised(
            configure(**{"stop.steps": 10_000_000, "stop.minutes": 1}), run, count=3, on_event=interfere
        )
    finally:
        for process in late:
            process.stdin.close()
            process.wait(10)
    assert summary.reason == "seen enough"
    assert late[0].returncode == 0
    assert set(summary.ledger.players) == {"player-0", "player-1", "player-2", "late"}
    assert summary.ledger.players["late"]["trained"] > 0
    assert_sums(summary)
    assert (run.crashes / "1-player-0.txt").exists()
    assert not psutil.pid_exists(killed[0])


FAULTY = """
import gymnasium, numpy as np

class Raises(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)
    steps = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.steps += 1
        if self.steps == 30:
            raise ValueError("the motor is on fire")
        return np.zeros(2, np.float32), 1.0, self.steps % 10 == 0, False, {}


class Hangs(Raises):
    def step(self, action):
        self.steps += 1
        if self.steps == 30:
            import time
            time.sleep(600)
        return np.zeros(2, np.float32), 1.0, self.steps % 10 == 0, False, {}


class HoldsTheLock(Raises):
    def step(self, action):
        self.steps += 1
        while self.steps >= 30:
            sum(range(1 << 40))
        return np.zeros(2, np.float32), 1.0, self.steps % 10 == 0, False, {}
"""


@pytest.fixture
def faulty(tmp_path, configure):
    file = tmp_path / "faulty.py"
    file.write_text(FAULTY)

    def made(name: str, **overrides: object):
        return configure(**{"env.id": f"{file}:{name}", "players.count": 1, **overrides})

    return made


def test_five_failures_alike_end_the_run_with_that_one_traceback(faulty, run):
    with pytest.raises(RunFailed) as caught:
        train(faulty("Raises", **{"players.restarts": 2}), run)
    failed = caught.value
    assert failed.exit_code == 3
    assert "the motor is on fire" in failed.headline
    assert "faulty.py" in failed.detail
    assert failed.summary is not None
    assert_sums(failed.summary)
    text = (run.crashes / "2-player-0.txt").read_text()
    assert "seed" in text
    assert "last actions" in text
    assert not (run.crashes / "3-player-0.txt").exists()


@pytest.mark.parametrize("name", ["Hangs", "HoldsTheLock"])
def test_a_hung_environment_is_ended_by_the_watchdog(faulty, run, name):
    with pytest.raises(RunFailed) as caught:
        train(faulty(name, **{"players.restarts": 1, "env.step_timeout": "1s"}), run)
    assert caught.value.exit_code == 3
    assert "hung" in caught.value.headline
    assert "in step" in caught.value.detail


def test_an_environment_that_cannot_be_made_is_the_users_to_mend(configure, run):
    with pytest.raises(RunFailed) as caught:
        train(configure(**{"env.id": "CartPool-v1"}), run)
    assert caught.value.exit_code == 2
    assert "CartPole-v1" in caught.value.headline
    assert caught.value.summary is None


def test_serial_mode_keeps_the_traceback_too(faulty, run):
    with pytest.raises(RunFailed) as caught:
        train(faulty("Raises", mode="serial"), run)
    assert caught.value.exit_code == 3
    assert "the motor is on fire" in caught.value.headline
    assert "faulty.py" in caught.value.detail
    assert_sums(caught.value.summary)
    assert "last actions" in (run.crashes / "1-player.txt").read_text()


def test_the_lag_of_every_batch_is_recorded_by_player(configure, run):
    train(configure(**{"players.count": 2, "trainer.batch_steps": 128, "stop.steps": 20_000}), run)
    lines = list(read_lines(run.path / "metrics.jsonl"))
    assert {name for line in lines for name in line["lag"]["players"]} == {"player-0", "player-1"}
    for line in lines:
        lag = line["lag"]
        assert len(lag["values"]) == len(lag["players"]) == 2
        assert lag["mean"] == sum(lag["values"]) / 2 == pytest.approx(lag["play"] + lag["queue"])
        assert lag["max"] == max(lag["values"])
        assert lag["gradient_steps"] == lag["mean"]  # one gradient step a version in this preset
