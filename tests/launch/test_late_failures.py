"""What fails only after training has begun: all that was learnt is kept, and the message says what to try."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from touchline.configs import load
from touchline.launch.local import train
from touchline.launch.recording import train_into
from touchline.policy.spaces import SpaceError
from touchline.record import checkpoint_versions
from touchline.trainer.failures import RunFailed

FILE = Path(__file__).parent / "support" / "late_networks.py"
SMALL = {
    "players.lanes": "4",
    "players.unroll_length": "16",
    "players.count": "1",
    "trainer.batch_steps": "64",
    "env.vectorize": "never",
    "stop.mean_return": "null",
    "stop.minutes": "1",
    "policy.network": f"{FILE}:Late",
}


def resolved(**overrides: str):
    return load("cartpole", list((SMALL | overrides).items()))


@pytest.mark.parametrize("mode", ["async", "sync", "serial"])
def test_a_network_that_raises_late_costs_nothing_that_was_learnt(run, mode):
    with pytest.raises(RunFailed, match="backward raised RuntimeError: backward has had enough") as caught:
        train_into(run, resolved(mode=mode), command="")
    failed = caught.value
    assert failed.exit_code == 3
    assert failed.summary == run.read_summary()
    assert failed.summary.reason.startswith("failed: ")
    assert failed.summary.updates > 0
    total = failed.summary.ledger.total
    assert total["sent"] == sum(count for bucket, count in total.items() if bucket != "sent")
    assert checkpoint_versions(run)[-1] == failed.summary.version > 0
    assert "Traceback" in next(run.crashes.glob("*-trainer.txt")).read_text()
    assert f"touchline check CartPole-v1 --policy {FILE}:Late" in failed.detail
    assert "late_networks.py" in failed.detail
    assert "policy/custom.py" not in failed.detail  # our own frames are in crashes/ alone


@pytest.mark.parametrize("error", [SpaceError("late"), RunFailed("late", exit_code=2)])
def test_whatever_comes_late_discards_nothing(run, error, monkeypatch):
    from touchline.launch import recording

    def fail_late(config, run, **rest):
        (run.checkpoints / "0").mkdir()
        raise error

    monkeypatch.setattr(recording, "train", fail_late)
    monkeypatch.setattr(recording, "checkpoint_versions", lambda run: [0])
    with pytest.raises(RunFailed, match="late"):
        train_into(run, resolved(), command="")
    assert run.read_summary().reason == "failed: late"


@pytest.mark.parametrize("mode", ["async", "serial"])
def test_a_network_that_gives_no_numbers_is_named(run, mode):
    config = resolved(mode=mode, **{"policy.network_kwargs": "{fails: nan, after: 60}"}).config
    with pytest.raises(
        RunFailed, match=r"in a row were unusable: .*what the network read is finite"
    ) as caught:
        train(config, run)
    assert "the likely source is policy.network" in caught.value.detail
    assert "--policy" in caught.value.detail
    assert "--policy.network_kwargs" in caught.value.detail


def test_a_network_that_raises_where_it_plays_is_tried_as_a_network(run):
    kwargs = {"policy.network_kwargs": "{fails: forward, after: 60}", "players.restarts": "1"}
    with pytest.raises(RunFailed, match="forward raised RuntimeError") as caught:
        train(resolved(**kwargs).config, run)
    assert "--policy" in caught.value.detail
    assert "forward has had enough" in caught.value.detail
    page = json.loads(next(run.crashes.glob("*-player-0.json")).read_text())
    assert "Traceback" in page["traceback"]
