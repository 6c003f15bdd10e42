"""What a run of exact lags writes of its drift, line by line: within the bounds that are known of it."""

from __future__ import annotations

import math

import pytest

from touchline.launch.local import train
from touchline.record import UpdateLine, read_lines

LAG, RATE, DECAY = 4, 1e-3, 0.99
RMSPROP = {
    "mode": "serial",
    "staleness__inject": LAG,
    "staleness__max_lag": LAG,
    "optimizer__rule": "rmsprop",
    "optimizer__decay": DECAY,
    "optimizer__learning_rate": RATE,
    "optimizer__schedule": "constant",
    "stop__steps": 1500,
}
CORRECTED = {
    "trainer__algorithm": "a2c",
    "trainer__epochs": 1,
    "trainer__minibatch_steps": "null",
    "trainer__gradient": "recompute",
}


def lines_of(config, run):
    train(config, run)
    return list(read_lines(run.path / "metrics.jsonl", UpdateLine))


@pytest.mark.parametrize("preset", ["cartpole", "pendulum"])
@pytest.mark.parametrize("correction", ["none", "importance", "truncated", "centred"])
def test_every_line_of_a_lagging_run_says_how_far_it_was(configure, run, preset, correction):
    """RMSProp moves no weight by more than rate/sqrt(1 − decay) a version: ten rates here."""
    config = configure(preset, **RMSPROP, **CORRECTED, staleness__correction=correction)
    lines = lines_of(config, run)
    assert len(lines) > 10
    for line in lines:
        lag = max(line.lag.values)
        assert lag == min(LAG, line.version - 1)
        bound = lag * RATE / math.sqrt(1 - DECAY)
        assert bound == pytest.approx(10 * RATE * lag)
        assert 0 <= line.drift.weight_distance <= bound * (1 + 1e-3)
        assert (line.drift.weight_distance > 0) == (line.drift.kl > 0) == (lag > 0)
        assert 0 < line.drift.effective_fraction <= 1 + 1e-9
        assert 0 <= line.drift.cut_fraction <= 1
    assert max(line.drift.weight_distance for line in lines) > 0.2 * LAG * 10 * RATE


def test_a_run_without_lag_has_not_drifted(configure, run):
    for line in lines_of(configure("cartpole", mode="serial", stop__steps=600), run):
        drift = line.drift
        assert (drift.kl, drift.effective_fraction, drift.cut_fraction, drift.weight_distance) == (0, 1, 0, 0)
