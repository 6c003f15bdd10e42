"""The same seed gives the same weights: a serial run twice, and sync mode over real sockets against serial."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.launch.local import train
from touchline.record import RunDirectory, load_checkpoint, read_lines


def weights_of(run: RunDirectory) -> dict[str, np.ndarray]:
    return load_checkpoint(run, "latest").weights


def losses_of(run: RunDirectory) -> list[dict]:
    return [line["loss"] for line in read_lines(run.path / "metrics.jsonl")]


def assert_equal_runs(one: RunDirectory, other: RunDirectory) -> None:
    assert losses_of(one) == losses_of(other)
    left, right = weights_of(one), weights_of(other)
    assert left.keys() == right.keys()
    for name, array in left.items():
        assert np.array_equal(array, right[name]), name


@pytest.mark.parametrize(
    ("preset", "overrides"),
    [
        ("cartpole", {}),
        ("cartpole", {"env.vectorize": "auto", "env.normalize": "true"}),
        ("cartpole-ppo", {"trainer.minibatch_steps": 32}),
        ("cartpole-reinforce", {"players.unroll_length": "episode", "trainer.batch_steps": 200}),
        ("pendulum", {"stop.steps": 1000}),
    ],
)
def test_a_serial_run_twice_is_bit_identical(configure, new_run, preset, overrides):
    config = configure(preset, mode="serial", **overrides)
    first, second = new_run("first"), new_run("second")
    train(config, first)
    train(config, second)
    assert len(losses_of(first)) > 3
    assert_equal_runs(first, second)


def test_another_seed_gives_another_run(configure, new_run):
    first, second = new_run("first"), new_run("second")
    train(configure(mode="serial"), first)
    train(configure(mode="serial", seed=1), second)
    assert losses_of(first) != losses_of(second)


@pytest.mark.parametrize(
    ("preset", "players", "overrides"),
    [
        ("cartpole", 1, {}),
        ("cartpole", 2, {"trainer.batch_steps": 100}),
        ("cartpole-ppo", 1, {"trainer.minibatch_steps": 32, "env.normalize": "true"}),
        ("cartpole-reinforce", 2, {"players.unroll_length": "episode", "trainer.batch_steps": 200}),
    ],
)
def test_sync_equals_serial_bit_for_bit(configure, new_run, preset, players, overrides):
    serial, sync = new_run("serial"), new_run("sync")
    count = {"players.count": players}
    train(configure(preset, mode="serial", **count, **overrides), serial)
    summary = train(configure(preset, mode="sync", **count, **overrides), sync)
    assert summary.lag.max == 0
    assert len(losses_of(sync)) > 3
    assert_equal_runs(serial, sync)
