"""What the study compares: tasks, methods, lags, rates and seeds, and the cells that they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

LAGS = (0, 1, 2, 4, 8, 16)
TUNING_LAGS = (0, 4, 16)
RATES = (2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2)
TEST_SEEDS = range(20)
TUNING_SEEDS = range(1000, 1004)
BASE: Mapping[str, Any] = {
    "mode": "serial",
    "players.count": 1,
    "trainer.algorithm": "a2c",
    "trainer.advantage": "gae",
    "trainer.batch_steps": 1,  # one unroll an update
    "trainer.epochs": 1,
    "trainer.minibatch_steps": None,
    "trainer.baseline_cost": 1.0,
    "trainer.normalize_advantage": "scale",
    "trainer.gradient": "recompute",
    "optimizer.epsilon": 1e-5,
    "staleness.max_lag": max(LAGS),
    "stop.mean_return": None,
    "save.every": "1h",
}


@dataclass(frozen=True, slots=True)
class Method:
    """One way to learn from old results. ``invariant``: a constant added to the advantages changes nothing."""

    name: str
    says: str
    invariant: bool
    values: Mapping[str, Any]


METHODS = {
    method.name: method
    for method in (
        Method("reuse", "exact gradient of the snapshot, applied late; live value head", True,
               {"trainer.gradient": "reuse", "staleness.correction": "none"}),
        Method("reuse, old value head", "the same with the snapshot's own value head", True,
               {"trainer.gradient": "reuse", "trainer.value_head": "snapshot", "staleness.correction": "none"}),
        Method("live", "stored activations through live weights", True,
               {"trainer.gradient": "live", "staleness.correction": "none"}),
        Method("importance", "new forward pass, weight rho", True, {"staleness.correction": "importance"}),
        Method("centred", "weight min(1, rho), its drift taken out", True, {"staleness.correction": "centred"}),
        Method("recompute", "new forward pass, no weight", False, {"staleness.correction": "none"}),
        Method("truncated", "weight min(1, rho)", False, {"staleness.correction": "truncated"}),
        Method("vtrace", "V-trace targets and weights", False,
               {"trainer.advantage": "vtrace", "staleness.correction": "vtrace"}),
        Method("clip", "PPO's clipped ratio, one pass", False,
               {"trainer.algorithm": "ppo", "staleness.correction": "clip"}),
        Method("ppo", "the same, four epochs of minibatches of 256", False,
               {"trainer.algorithm": "ppo", "staleness.correction": "clip",
                "trainer.epochs": 4, "trainer.minibatch_steps": 256}),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Task:
    """An environment with the shape of its batches.

    ``untrained``: about what the first policy returns, from which gains are measured. ``each_lag``: whether the rate
    that suits each lag is looked for too.
    """

    name: str
    untrained: float
    batch: int  # steps of an update, autoreset's included
    steps: int
    values: Mapping[str, Any]
    methods: Sequence[str] = tuple(METHODS)
    lags: Sequence[int] = LAGS
    rates: Sequence[float] = RATES
    tuning_seeds: Sequence[int] = TUNING_SEEDS
    each_lag: bool = True


def _task(
    name: str,
    *,
    env: str,
    untrained: float,
    lanes: int,
    length: int,
    steps: int,
    more: Any = None,
    **rest: Any,
) -> Task:
    values = {
        "env.id": env,
        "players.lanes": lanes,
        "players.unroll_length": length,
        "stop.steps": steps,
        **(more or {}),
    }
    return Task(name, untrained, lanes * length, steps, values, **rest)


FEW = ("reuse", "centred", "recompute", "vtrace", "ppo")
SLOW = {"methods": FEW, "lags": TUNING_LAGS, "tuning_seeds": TUNING_SEEDS[:2], "each_lag": False}
CONTINUOUS = ("reuse", "importance", "recompute", "vtrace", "ppo")  # run before centred served Gaussians
TASKS = {
    task.name: task
    for task in (
        _task("cartpole", env="CartPole-v1", untrained=20, lanes=64, length=16, steps=120_000),
        _task("target", env="touchline/Target-v0", untrained=-18, lanes=16, length=20, steps=30_000,
              more={"trainer.gamma": 0.5}, methods=CONTINUOUS, lags=TUNING_LAGS),
        _task("cartpole-decay", env="CartPole-v1", untrained=20, lanes=64, length=16, steps=120_000,
              more={"optimizer.schedule": "linear"}, lags=TUNING_LAGS),
        _task("acrobot", env="Acrobot-v1", untrained=-500, lanes=16, length=32, steps=100_000,
              more={"env.normalize": True}, rates=RATES[:4], **SLOW),
        _task("lunarlander", env="LunarLander-v3", untrained=-180, lanes=16, length=64, steps=300_000,
              rates=(5e-4, 1e-3, 2e-3, 4e-3), **SLOW),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of the study."""

    task: str
    method: str
    rate: float
    lag: int
    seed: int

    @property
    def values(self) -> dict[str, Any]:
        """Its whole config by dotted key: what no method or task changes is equal for all."""
        own = {"optimizer.learning_rate": self.rate, "staleness.inject": self.lag, "seed": self.seed}
        return {**BASE, **TASKS[self.task].values, **METHODS[self.method].values, **own}


def sweep(task: Task, *, lags: Sequence[int] = TUNING_LAGS) -> Iterator[Cell]:
    """The cells that a rate is chosen by; seeds outermost, so that a part of them is a fair part."""
    for seed, method, rate, lag in product(task.tuning_seeds, task.methods, task.rates, lags):
        yield Cell(task.name, method, rate, lag, seed)


def test_cells(task: Task, rates: Mapping[tuple[str, int], float]) -> Iterator[Cell]:
    """The cells that are reported, at the rate chosen for each (method, lag); none where none is chosen yet."""
    for seed, lag, method in product(TEST_SEEDS, task.lags, task.methods):
        if (method, lag) in rates:
            yield Cell(task.name, method, rates[method, lag], lag, seed)
