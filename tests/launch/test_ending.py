"""How runs end: nothing that was learnt or counted is lost, and whose failure ends what."""

from __future__ import annotations

import pytest

from touchline.launch.local import open_socket, train
from touchline.launch.serial import SerialRun
from touchline.launch.supervisor import Supervisor
from touchline.protocol.errors import LedgerError
from touchline.record import checkpoint_versions, load_checkpoint, read_lines
from touchline.trainer.failures import RunFailed
from touchline.trainer.runtime import TrainerRuntime

SLOW = """
import time
import gymnasium, numpy as np

class Slow(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)
    steps = 0

    def __init__(self, seconds=0.0, fail_at=None):
        self.seconds, self.fail_at = seconds, fail_at

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action):
        time.sleep(self.seconds)
        self.steps += 1
        if self.steps == self.fail_at:
            raise ValueError("out of fuel")
        return np.zeros(2, np.float32), 1.0, self.steps % 10 == 0, False, {}
"""


@pytest.fixture
def slow(tmp_path, configure):
    file = tmp_path / "slow.py"
    file.write_text(SLOW)

    def made(**overrides: object):
        return configure(
            **{"env.id": f"{file}:Slow", "players.lanes": 2, "players.unroll_length": 8, **overrides}
        )

    return made


def test_players_that_leave_as_they_were_told_are_no_failures(slow, run):
    """One Player is in a long step when the run ends: the others are long gone before it has left."""
    config = slow(
        **{
            "env.kwargs": "{seconds: 0.01}",
            "players.count": 2,
            "players.restarts": 1,
            "trainer.batch_steps": 16,
            "stop.steps": 160,
        }
    )
    summary = train(config, run)
    assert summary.reason.startswith("steps")
    assert not run.crashes.exists()
    assert len(list(read_lines(run.path / "metrics.jsonl"))) == summary.updates
    assert load_checkpoint(run).version == summary.version > 0


def test_a_sum_that_does_not_hold_costs_nothing_that_was_learnt(slow, run, monkeypatch):
    from touchline.protocol.ledger import Account

    checked = Account.check

    def broken(self: Account) -> None:
        if self.sent > 3:
            raise LedgerError("the buckets do not sum")
        checked(self)

    monkeypatch.setattr(Account, "check", broken)
    with pytest.raises(LedgerError, match="do not sum"):
        train(slow(**{"players.count": 1, "trainer.batch_steps": 16, "stop.steps": 160}), run)
    assert checkpoint_versions(run)[-1] > 0
    assert list(read_lines(run.path / "metrics.jsonl"))


def test_a_newcomer_whose_environment_cannot_be_made_ends_nobody_elses_run(slow, run):
    """The second Player is started where the environment's file is not: it is told, and the run goes on."""
    config = slow(**{"trainer.batch_steps": 16, "stop.steps": 400_000, "stop.minutes": 1})
    socket = open_socket(config)
    file = config.env.id.partition(":")[0]
    first = Supervisor(count=1, address=socket.address, logs=run.logs)
    late: list[Supervisor] = []

    def keep_house() -> None:
        from pathlib import Path

        from touchline.trainer.stopping import Ending

        training = runtime.training
        if training is not None and training.method.updates > 3 and not late:
            Path(file).rename(file + ".gone")
            late.append(Supervisor(count=2, address=socket.address, logs=run.logs / "late"))
        if "failed" in runtime.message:
            seen.append(training.method.updates)
        if seen and training.method.updates > seen[0] + 3:
            runtime.stop(Ending("seen enough", solved=False))

    seen: list[int] = []
    runtime = TrainerRuntime(config, run, socket, admitted=8, housekeeping=keep_house)
    try:
        summary = runtime.run_to_end()
    finally:
        for supervisor in (first, *late):
            supervisor.close()
    assert summary.reason == "seen enough"
    assert "slow.py" in next(run.crashes.glob("*.txt")).read_text()


def test_serial_mode_accounts_for_a_round_that_a_fault_cut_short(slow, run):
    """The second Player's environment fails while the first one's result waits: it is unused, not lost."""
    config = slow(
        mode="serial", **{"env.kwargs": "{fail_at: 45}", "players.count": 2, "trainer.batch_steps": 1000}
    )
    with pytest.raises(RunFailed) as caught:
        SerialRun(config, run).run()
    total = caught.value.summary.ledger.total
    assert total["sent"] == total["unused"] > 0
    assert total["queued"] == total["in_flight"] == 0


def test_a_run_whose_weights_have_become_nan_ends_instead_of_idling(configure, run, monkeypatch):
    import numpy as np

    from touchline.policy.network import Network

    init = Network.init
    monkeypatch.setattr(Network, "init", lambda self, rng: init(self, rng) * np.float32("nan"))
    with pytest.raises(RunFailed, match="results in a row were unusable") as caught:
        train(configure(mode="serial", **{"stop.minutes": 1}), run)
    total = caught.value.summary.ledger.total
    assert total["dropped_invalid"] >= 10
    assert total["sent"] == total["dropped_invalid"]
