"""The public Python API, as a script or a notebook uses it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import psutil
import pytest

import touchline

SMALL: dict[str, Any] = {
    "players": {"lanes": 4, "unroll_length": 16, "count": 1},
    "trainer": {"batch_steps": 64},
    "env.vectorize": "never",
    "stop": {"mean_return": None, "steps": 600},
}


class Counter(gymnasium.Env[Any, Any]):
    """Ends after ten steps. Defined in a test, so that no Player could import it."""

    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.t = 0
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> Any:
        self.t += 1
        return np.zeros(2, np.float32), 2.0, self.t >= 10, False, {}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder of its own, and no process left behind."""
    monkeypatch.chdir(tmp_path)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def test_importing_it_imports_next_to_nothing():
    code = "import sys, touchline; print(*({'numpy', 'pydantic', 'gymnasium', 'zmq'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_public_name_is_there_and_has_a_docstring():
    assert touchline.__all__ == sorted(touchline.__all__)
    for name in touchline.__all__:
        value = getattr(touchline, name)
        assert value.__doc__, name
    assert set(touchline.__all__) <= set(dir(touchline))


def test_a_name_is_looked_up_once():
    vars(touchline).pop("train", None)
    assert touchline.train is vars(touchline)["train"]


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="module 'touchline' has no attribute 'trian'"):
        touchline.trian  # noqa: B018


def test_the_version_is_the_packages():
    from importlib.metadata import version

    assert touchline.__version__ == version("touchline")


def test_train_evaluate_and_load_again():
    run = touchline.train("cartpole", seed=5, **SMALL)
    assert run.path == Path("runs/1-cartpole-v1-s5")
    assert run.summary.reason.startswith("steps: ")
    assert (run.config.seed, run.config.players.count) == (5, 1)
    played = touchline.evaluate(run, episodes=3)
    assert len(played.returns) == 3
    assert touchline.load_run(1) == touchline.load_run("1-cart") == touchline.load_run(run.path) == run
    assert touchline.evaluate("1-cart", episodes=3).returns == played.returns
    assert touchline.evaluate(1, episodes=3, checkpoint=0).returns != played.returns
    assert touchline.evaluate(1, episodes=3, greedy=False).returns != played.returns


def test_an_environment_class_is_sent_to_the_players():
    run = touchline.train(env=Counter, name="counted", **SMALL)
    assert run.config.env.id == "Counter"
    assert run.summary.return_mean_100 == 20.0
    assert touchline.evaluate(run, episodes=2).returns == (20.0, 20.0)


def test_an_environment_without_a_name_must_be_given_again():
    touchline.train(env=Counter, name="counted", mode="serial", **SMALL)
    again = touchline.load_run("counted")
    with pytest.raises(touchline.EnvError, match="unknown environment 'Counter'"):
        touchline.evaluate(again, episodes=1)
    assert touchline.evaluate(again, env=Counter, episodes=1).returns == (20.0,)


def test_evaluating_on_another_environment():
    run = touchline.train("cartpole", mode="serial", **SMALL)
    assert touchline.evaluate(run, env="CartPole-v0", episodes=1).lengths[0] <= 200
    with pytest.raises(touchline.EnvError, match="expected the one trained on"):
        touchline.evaluate(run, env="Acrobot-v1", episodes=1)


def test_a_config_can_be_a_map_and_later_layers_win_key_by_key():
    small = {"env": {"id": "CartPole-v1"}, **SMALL, "mode": "serial"}
    run = touchline.train(small, players={"lanes": 2}, **{"trainer.epochs": 1, "trainer.batch_steps": 32})
    config = run.config
    assert (config.players.lanes, config.players.unroll_length) == (2, 16)
    assert (config.trainer.epochs, config.trainer.batch_steps, config.env.vectorize) == (1, 32, "never")


def test_what_is_wrong_with_a_config_is_one_error():
    with pytest.raises(touchline.ConfigError) as caught:
        touchline.train("cartpole", plyers={"count": 1}, trainer={"epochs": 0})
    assert "unknown key 'plyers'. Did you mean 'players'?" in str(caught.value)
    assert "trainer.epochs: expected an integer of at least 1, found 0" in str(caught.value)
    assert not Path("runs").exists()


def test_an_environment_that_does_not_exist():
    with pytest.raises(touchline.RunFailed, match="unknown environment 'NoSuch-v1'"):
        touchline.train(env="NoSuch-v1", **SMALL)
    assert list(Path("runs").iterdir()) == []


def test_a_run_of_the_same_name():
    Path("runs/taken").mkdir(parents=True)
    with pytest.raises(touchline.RunExists):
        touchline.train("cartpole", name="taken", **SMALL)


def test_a_run_that_goes_on_has_no_summary():
    Path("runs/going").mkdir(parents=True)
    Path("runs/going/config.yaml").write_text("env: {id: CartPole-v1}\n")
    with pytest.raises(touchline.RecordError, match="has no summary yet"):
        _ = touchline.load_run("going").summary


def test_an_environment_that_cannot_travel():
    import threading

    lock = threading.Lock()
    with pytest.raises(touchline.EnvError, match="cannot be sent to a Player"):
        touchline.train(env=lambda: lock, **SMALL)
    assert not Path("runs").exists()
