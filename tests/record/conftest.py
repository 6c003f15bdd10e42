"""A run directory such as training leaves, made in milliseconds: a learner that improves along a logistic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from touchline.record import (
    DriftLine,
    LagLine,
    LagSummary,
    LedgerSummary,
    ResultLine,
    RunDirectory,
    Status,
    Summary,
    UpdateLine,
    save_checkpoint,
)

MakeRun = Callable[..., RunDirectory]
STEPS = 2048  # of one update
LAW = 2.0


def fake_run(
    root: Path,
    *,
    env: str = "CartPole-v1",
    seed: int = 0,
    updates: int = 60,
    speed: float = 1.0,
    config: str | None = None,
    ended: bool = True,
) -> RunDirectory:
    """A run of ``updates`` updates; ``speed`` stretches the learning curve along the steps."""
    rng = np.random.default_rng(seed)
    run = RunDirectory.create(root, env=env, seed=seed)
    run.write_text("config.yaml", config or f"env: {{id: {env}}}\nseed: {seed}\n")
    episodes, seconds = 0, 0.4
    for update in range(1, updates + 1):
        seconds += 0.05 + 0.02 * rng.random()
        level = 20 + 480 / (1 + np.exp(-0.15 * (update * speed - 30)))
        returns = np.minimum(500, level * rng.gamma(9, 1 / 9, size=6)).round()
        lags = rng.poisson(LAW, size=16)
        episodes += len(returns)
        run.episodes.append(result_line(update, seconds, returns, int(lags[0])))
        run.metrics.append(update_line(update, seconds, episodes, lags))
    run.flush()
    save_weights(run, rng, updates)
    run.write_status(
        Status(
            run=run.name,
            env=env,
            state="finished" if ended else "training",
            return_goal=475.0,
            return_mean=float(level),
            steps=updates * STEPS,
            episodes=episodes,
            lag=LagSummary(law=LAW),
            lag_bound=8.0,
        )
    )
    if ended:
        run.write_summary(summary(run, env=env, seed=seed, updates=updates))
    return run


def result_line(update: int, seconds: float, returns: np.ndarray, lag: int) -> ResultLine:
    return ResultLine(
        seconds=seconds,
        steps=update * STEPS,
        player="player-0",
        seq=update,
        version=update,
        lag=lag,
        returns=returns.tolist(),
        lengths=[int(value) for value in returns],
        seeds=list(range(len(returns))),
    )


def update_line(update: int, seconds: float, episodes: int, lags: np.ndarray) -> UpdateLine:
    return UpdateLine(
        update=update,
        version=update,
        seconds=seconds,
        steps=update * STEPS,
        episodes=episodes,
        gradient_steps=update,
        wait_seconds=0.02,
        update_seconds=0.03,
        lag=LagLine(values=lags.tolist(), mean=float(lags.mean())),
        drift=DriftLine(
            kl=0.002 * float(lags.mean()),
            effective_fraction=1 / (1 + 0.05 * float(lags.mean())),
            cut_fraction=0.1 * float(lags[0]) / 8,
            weight_distance=1e-3 * float(lags.max()),
        ),
    )


def save_weights(run: RunDirectory, rng: np.random.Generator, version: int) -> None:
    shapes = {"policy/0/W": (4, 64), "policy/1/W": (64, 64), "policy/head/W": (64, 2), "value/0/W": (4, 64)}
    weights = {name: rng.normal(0, 0.2, shape).astype("f4") for name, shape in shapes.items()}
    weights["policy/0/b"] = np.zeros(64, "f4")
    save_checkpoint(run, version=0, weights=weights, optimizer={}, state={}, keep=3)
    moved = {name: value + rng.normal(0, 0.1, value.shape).astype("f4") for name, value in weights.items()}
    save_checkpoint(run, version=version, weights=moved, optimizer={}, state={}, keep=3)


def summary(run: RunDirectory, *, env: str = "CartPole-v1", seed: int = 0, updates: int = 60) -> Summary:
    ledger = LedgerSummary(
        total={"sent": 960, "trained": 960}, players={"player-0": {"sent": 960, "trained": 960}}
    )
    return Summary(
        run=run.name,
        env=env,
        seed=seed,
        solved=True,
        reason="mean return 475 reached",
        wall_seconds=4.2,
        steps=updates * STEPS,
        episodes=updates * 6,
        updates=updates,
        gradient_steps=updates,
        version=updates,
        steps_per_second=34000.0,
        return_mean_100=480.5,
        return_best=500.0,
        lag=LagSummary(p50=2, p95=5, max=8, mean=2.02, law=LAW),
        ledger=ledger,
        bottleneck="players",
    )


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Make a run under ``tmp_path / "runs"``; keywords as of fake_run."""

    def make(**keywords: object) -> RunDirectory:
        return fake_run(tmp_path / "runs", **keywords)  # type: ignore[arg-type]

    return make
