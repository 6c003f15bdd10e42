from __future__ import annotations

import dataclasses
import importlib.util
import os
from typing import Any

import gymnasium
import numpy as np
import pytest

from touchline.configs import Config
from touchline.envs.errors import EnvironmentFault, NotMade
from touchline.envs.spec import EnvSpec
from touchline.launch import showing
from touchline.launch.restore import Restored
from touchline.launch.showing import MissingPillow, Shown, Stage, film, show
from touchline.policy.policy import Policy
from touchline.policy.seeds import weights_stream
from touchline.policy.spaces import Box, Discrete

LENGTH = 4


class Screen(gymnasium.Env[Any, Any]):
    """Ends after LENGTH steps; draws its step number in grey, and remembers what it was told."""

    metadata = {"render_modes": ["rgb_array", "human"], "render_fps": 10}  # noqa: RUF012
    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2, start=5)
    seeds: list[int] = []  # noqa: RUF012
    actions: list[int] = []  # noqa: RUF012

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.t = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        assert seed is not None
        self.seeds.append(seed)
        self.t = 0
        return self.np_random.uniform(-1, 1, 2).astype(np.float32), {}

    def step(self, action: Any) -> Any:
        self.actions.append(int(action))
        self.t += 1
        return np.full(2, self.t / 8, np.float32), 0.5, self.t >= LENGTH, False, {}

    def render(self) -> Any:
        return np.full((8, 8, 3), 50 * self.t, np.uint8)


class Blind(Screen):
    def __init__(self) -> None:
        super().__init__()


class Bare(gymnasium.Env[Any, Any]):
    """Without a constructor: Python's own takes no arguments."""

    observation_space = Screen.observation_space
    action_space = Screen.action_space


class Breaks(Screen):
    def step(self, action: Any) -> Any:
        raise RuntimeError("the lever broke")


@pytest.fixture(autouse=True)
def forgotten() -> None:
    Screen.seeds.clear()
    Screen.actions.clear()


def stage(env: type = Screen, *, seed: int = 0, greedy: bool = True) -> Stage:
    policy = Policy.build(
        observation_space=Box((2,), "float32", (-1.0, -1.0), (1.0, 1.0)),
        action_space=Discrete(2, start=5),
        hidden=(4,),
        activation="tanh",
        shared=False,
        log_std=0.0,
        normalize=False,
    )
    snapshot = policy.first_snapshot(weights_stream(0), epoch=1)
    config = Config.model_validate({"env": {"id": "Screen"}})
    return Stage(Restored(config, EnvSpec(id=env), policy, snapshot, None), seed=seed, greedy=greedy)


def test_episodes_are_shown_one_by_one():
    assert list(show(stage(), episodes=2)) == [Shown(1, 2.0, LENGTH), Shown(2, 2.0, LENGTH)]
    assert str(Shown(1, 2.0, 4)) == "episode 1: return 2.0 in 4 steps"


def test_the_return_is_that_of_a_score_where_there_is_one():
    here = stage()
    scored = EnvSpec(id=Screen, wrappers=["Score", {"ScaleReward": {"scale": 10.0}}])
    restored = dataclasses.replace(here.restored, spec=scored)
    shown = list(show(dataclasses.replace(here, restored=restored), episodes=2))
    assert shown == [Shown(1, 2.0, LENGTH), Shown(2, 2.0, LENGTH)]


def test_actions_are_as_the_environment_takes_them():
    list(show(stage(), episodes=1))
    assert set(Screen.actions) <= {5, 6}


def test_the_seed_decides_the_episodes():
    for seed in (0, 0, 1):
        list(show(stage(seed=seed), episodes=2))
    first, again, other = (Screen.seeds[i : i + 2] for i in (0, 2, 4))
    assert first == again
    assert first[0] != first[1]
    assert not set(first) & set(other)


def test_sampled_actions_can_be_seen_again():
    for _ in range(2):
        list(show(stage(greedy=False), episodes=8))
    half = len(Screen.actions) // 2
    assert Screen.actions[:half] == Screen.actions[half:]
    episodes = {tuple(Screen.actions[i : i + LENGTH]) for i in range(0, half, LENGTH)}
    assert len(episodes) > 1
    assert set(Screen.actions) == {5, 6}  # greedy would take one alone from the first weights, near enough


def test_a_film_has_a_frame_a_step_and_the_environments_speed(tmp_path):
    image_of = pytest.importorskip("PIL.Image")
    path = tmp_path / "videos" / "x.webp"
    assert [str(shown) for shown in film(stage(), path, episodes=1)] == ["episode 1: return 2.0 in 4 steps"]
    with image_of.open(path) as image:
        assert (image.format, image.size, image.n_frames) == ("WEBP", (8, 8), LENGTH + 1)
        image.seek(1)
        image.load()
        assert image.info["duration"] == 100


def test_a_film_is_cut_before_it_fills_the_memory(tmp_path, monkeypatch):
    pytest.importorskip("PIL.Image")
    monkeypatch.setattr(showing, "MAX_FRAMES", 3)
    (shown,) = film(stage(), tmp_path / "x.webp", episodes=5)
    assert shown == Shown(1, 1.0, 2, cut=True)
    assert str(shown) == "episode 1: return 1.0 in 2 steps so far: the video ends here"


def test_without_pillow_nothing_is_played(tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "PIL" else found(name))
    with pytest.raises(MissingPillow, match="with its extra view"):
        list(film(stage(), tmp_path / "x.webp", episodes=1))
    assert Screen.seeds == []


@pytest.mark.parametrize("env", [Blind, Bare])
def test_an_environment_that_cannot_be_drawn(env):
    with pytest.raises(NotMade, match="cannot be drawn: it does not take render_mode='human'"):
        list(show(stage(env), episodes=1))


def test_a_driver_that_is_set_and_empty_is_none(tmp_path, monkeypatch):
    pytest.importorskip("PIL.Image")
    monkeypatch.setenv("SDL_VIDEODRIVER", "")
    list(film(stage(), tmp_path / "x.webp", episodes=1))
    assert os.environ["SDL_VIDEODRIVER"] == "dummy"


def test_an_environment_that_breaks_while_it_is_watched():
    with pytest.raises(EnvironmentFault, match="found RuntimeError: the lever broke"):
        list(show(stage(Breaks), episodes=1))
