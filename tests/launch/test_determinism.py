"""The same seed gives the same weights: a serial run twice, and sync mode over real sockets against serial."""

from __future__ import annotations

import pytest
from launch_runs import assert_equal_runs, losses_of

from touchline.launch.local import train

CENTRED = {  # of continuous actions: one more is drawn for each step of a batch
    "trainer.algorithm": "a2c",
    "trainer.epochs": 1,
    "trainer.minibatch_steps": "null",
    "trainer.gradient": "recompute",
    "staleness.correction": "centred",
}


@pytest.mark.parametrize(
    ("preset", "overrides"),
    [
        ("cartpole", {}),
        ("cartpole", {"env.vectorize": "auto", "env.normalize": "true"}),
        ("cartpole-ppo", {"trainer.minibatch_steps": 32}),
        ("cartpole-reinforce", {"players.unroll_length": "episode", "trainer.batch_steps": 200}),
        ("pendulum", {"stop.steps": 1000}),
        ("pendulum", {"stop.steps": 1000, **CENTRED}),
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
