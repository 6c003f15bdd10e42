"""What is looked up before any Player starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from touchline.configs import load
from touchline.envs.errors import NotMade, UnknownWrapper
from touchline.launch import recording
from touchline.launch.beforehand import look_up
from touchline.launch.recording import train_into
from touchline.policy.custom import NetworkError
from touchline.record import RunDirectory

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
