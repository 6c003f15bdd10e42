"""What is looked up before any Player starts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from touchline.configs import load
from touchline.envs.errors import NotMade, TableError, UnknownWrapper
from touchline.launch import recording
from touchline.launch.beforehand import look_up
from touchline.launch.recording import train_into
from touchline.policy.custom import NetworkError
from touchline.record import RunDirectory
from touchline.trainer.failures import RunFailed

MISTAKES = [
    ({"env.wrappers": ["Score", "Nope"]}, UnknownWrapper, r"^env\.wrappers\[1\]: unknown wrapper 'Nope'"),
    ({"env.wrappers": [{"ScaleReward": {}}]}, NotMade, r"missing a required argument: 'scale'"),
    ({"policy.network": "nets.py:Net"}, NetworkError, r"^policy\.network: nets\.py:Net: no file .*nets\.py"),
    ({"policy.network": "math:tan2"}, NetworkError, r"^policy\.network: math:tan2: math has no 'tan2'"),
]


@pytest.mark.parametrize(("values", "error", "says"), MISTAKES)
def test_a_mistake_is_found_without_a_process(
    values: dict[str, Any], error: type[Exception], says: str
) -> None:
    resolved = load(values={"env.id": "CartPole-v1", **values})
    with pytest.raises(error, match=says):
        look_up(resolved.config)


XOR = {"method": "descent", "table.source": "xor"}
GRID = {"method": "search", "search.over": "grid", "search.step": 0.001}
CANNOT_BE = [
    ({**XOR, "tasks.parts": 5}, r"tasks\.parts"),
    ({**XOR, **GRID, "mode": "async"}, r"^search\.limit: expected at most"),
    ({**XOR, "method": "descent", "model.output": "softmax"}, r"softmax"),
    ({**XOR, "method": "hopping"}, r"L-BFGS-B needs scipy.*extra solvers"),
    ({**XOR, "method": "krylov"}, r"cg needs scipy.*extra solvers"),
    ({"method": "trpo", "env.id": "CartPole-v1"}, r"gmres needs scipy.*extra solvers"),
]


def without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scipy", "scipy.sparse", "scipy.optimize"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize(("values", "says"), CANNOT_BE)
def test_a_run_that_cannot_be_is_refused_at_once_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], says: str
) -> None:
    without_scipy(monkeypatch)
    monkeypatch.setattr(recording, "train", lambda *args, **kwargs: pytest.fail("it was started"))
    run = RunDirectory.create(tmp_path, env="x", seed=0)
    with pytest.raises(RunFailed, match=says) as caught:
        train_into(run, load(values=values), command="test")
    assert caught.value.exit_code == 2
    assert not run.path.exists()


@pytest.mark.parametrize("values", [XOR, {**XOR, "method": "search"}, {**XOR, "method": "evolution"}])
def test_a_table_that_fits_its_method_passes(values: dict[str, Any]) -> None:
    look_up(load(values=values).config)


def test_a_table_that_cannot_be_read_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"no\.csv: no such file or folder"):
        look_up(load(values={**XOR, "table.source": str(tmp_path / "no.csv")}).config)


def test_serial_mode_which_reads_the_table_itself_does_not_read_it_twice(tmp_path: Path) -> None:
    look_up(load(values={**XOR, "mode": "serial", "table.source": str(tmp_path / "no.csv")}).config)


@pytest.mark.parametrize("mode", ["serial", "async"])
def test_without_scipy_hopping_is_refused_in_every_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    without_scipy(monkeypatch)
    run = RunDirectory.create(tmp_path, env="x", seed=0)
    with pytest.raises(RunFailed, match="L-BFGS-B needs scipy") as caught:
        train_into(run, load(values={**XOR, "method": "hopping", "mode": mode}), command="test")
    assert caught.value.exit_code == 2
    assert not run.path.exists()


def test_what_is_right_passes_and_the_environment_is_left_to_the_players() -> None:
    look_up(
        load(
            values={"env.id": "nowhere.py:Env", "env.wrappers": [{"TimeLimit": {"max_episode_steps": 9}}]}
        ).config
    )


@pytest.mark.parametrize(("values", "error", "says"), MISTAKES[:1])
def test_nothing_starts_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], error: type[Exception], says: str
) -> None:
    monkeypatch.setattr(recording, "train", lambda *args, **kwargs: pytest.fail("it was started"))
    run = RunDirectory.create(tmp_path, env="x", seed=0)
    with pytest.raises(error, match=says):
        train_into(run, load(values={"env.id": "CartPole-v1", **values}), command="test")
    assert not run.path.exists()


def test_a_trainer_that_only_waits_for_others_does_not_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its Players have may not be installed here."""
    monkeypatch.setattr(recording, "train", lambda *args, **kwargs: None)
    run = RunDirectory.create(tmp_path, env="x", seed=0)
    resolved = load(values={"env.id": "CartPole-v1", "env.wrappers": ["elsewhere.wrappers:Own"]})
    assert train_into(run, resolved, command="test", players=0).reason == "interrupted"
