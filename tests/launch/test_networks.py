"""Runs with every form of network: played, sent, trained from hidden states and by recomputing, restored."""

from __future__ import annotations

import sys
from typing import Any

import cloudpickle
import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from touchline.launch.local import train
from touchline.record import load_checkpoint

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # Players do not have this module

LENGTH = 6


class Seen(gymnasium.Env[Any, Any]):
    """Asks for the sign of a spot in a picture; shows the picture, numbers beside it, or mostly zeros."""

    action_space = spaces.Discrete(2)

    def __init__(self, kind: str = "picture") -> None:
        picture = spaces.Box(0, 255, (6, 5, 2), np.uint8)
        self.kind = kind
        self.observation_space = {
            "picture": picture,
            "both": spaces.Dict(camera=picture, at=spaces.Box(-1.0, 1.0, (2,), np.float32)),
            "pixels": spaces.Box(-1, 1, (9, 8), np.int8),
            "numbers": spaces.Box(-1.0, 1.0, (3,), np.float32),
        }[kind]

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self.shown(), {}

    def shown(self) -> Any:
        self.right = int(self.np_random.integers(2))
        picture = np.zeros((6, 5, 2), np.uint8)
        row, column = self.np_random.integers(4), self.np_random.integers(3)
        picture[row : row + 3, column : column + 3, self.right] = 255
        pixels = np.zeros((9, 8), np.int8)
        pixels[3, 2 + self.right] = 1
        at = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        numbers = np.array([self.right, *at], np.float32)
        return {
            "picture": picture,
            "both": {"camera": picture, "at": at},
            "pixels": pixels,
            "numbers": numbers,
        }[self.kind]

    def step(self, action: Any) -> Any:
        reward = float(action == self.right)
        self.steps += 1
        return self.shown(), reward, False, self.steps >= LENGTH, {}


FILTERS = "[{filters: 4, size: 3, stride: 2, padding: 1}, {filters: 4, size: 2}]"
NETS = """
import numpy as np

class Layer:
    def __init__(self, features, width):
        self.features, self.width = features, width
    def init(self, rng):
        return {"weight": rng.standard_normal((self.features, self.width))}
    def forward(self, parameters, x):
        return [np.tanh(x @ parameters["weight"])]
    def backward(self, parameters, x, kept, d):
        return {"weight": x.T @ (d * (1 - kept[-1] ** 2))}
"""
FORMS = {
    "convolutions": ("picture", {"policy__convolutions": FILTERS, "policy__activation": "relu"}),
    "several": (
        "both",
        {"policy__convolutions": FILTERS, "env__normalize": "true", "policy__shared": "true"},
    ),
    "sparse": ("pixels", {"policy__sparse": "true"}),
    "sparse normed": ("pixels", {"policy__sparse": "true", "policy__layer_norm": "true"}),
    "normed": ("numbers", {"policy__layer_norm": "true"}),
    "custom": (
        "numbers",
        {"policy__network": "launched_net.py:Layer", "policy__network_kwargs": "{width: 9}"},
    ),
    "recurrent picture": (
        "picture",
        {"policy__convolutions": FILTERS, "policy__recurrent": "gru", "policy__shared": "true"},
    ),
}
PPO = {
    "trainer__algorithm": "ppo",
    "trainer__gradient": "recompute",
    "staleness__correction": "clip",
    "trainer__minibatch_steps": 64,
    "trainer__epochs": 4,
    "trainer__normalize_advantage": "scale",
}
every_form = pytest.mark.parametrize("name", FORMS)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "launched_net.py").write_text(NETS)


def trained(configure, run, name, **changes):
    kind, form = FORMS[name]
    flags = {"mode": "serial", "players__count": 1, "stop__steps": 400, "policy__hidden": "[8]"}
    config = configure(**(flags | form | {"env__kwargs": f"{{kind: {kind}}}"} | changes))
    return train(config, run, factory=cloudpickle.dumps(Seen))


@pytest.mark.parametrize("length", [16, "episode"])
@every_form
def test_a_run_trains_from_hidden_states(configure, run, name, length):
    summary = trained(
        configure,
        run,
        name,
        players__unroll_length=length,
        trainer__algorithm="a2c",
        trainer__minibatch_steps="null",
        trainer__epochs=1,
        trainer__gradient="reuse",
        staleness__correction="none",
    )
    assert summary.steps >= 400
    assert summary.ledger.total["dropped_invalid"] == 0


@every_form
def test_a_run_trains_by_recomputing(configure, run, name):
    summary = trained(configure, run, name, **PPO)
    assert summary.steps >= 400
    assert summary.ledger.total["dropped_invalid"] == 0
    weights = load_checkpoint(run).weights
    assert all(np.isfinite(array).all() for array in weights.values())


@pytest.mark.parametrize("name", ["convolutions", "sparse", "custom"])
def test_players_of_their_own_send_it_over_the_wire(configure, run, name):
    summary = trained(configure, run, name, mode="async", **PPO)
    total = summary.ledger.total
    assert total["trained"] > 0
    assert total["dropped_invalid"] == 0


@pytest.mark.parametrize("name", ["convolutions", "several", "sparse"])
def test_what_is_seen_is_learnt(configure, run, name):
    """The spot says the right action: chance is LENGTH / 2."""
    changes = {"stop__steps": 12000, "trainer__batch_steps": 256, "trainer__gamma": 0.0}
    found = trained(configure, run, name, **PPO, **changes, optimizer__learning_rate="1e-2")
    assert found.return_mean_100 > 0.9 * LENGTH
