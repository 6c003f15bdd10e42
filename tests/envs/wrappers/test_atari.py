"""Lives and buttons, on a game made up for it and on Breakout."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np
import pytest

from touchline.envs.check import check
from touchline.envs.errors import NotMade
from touchline.envs.lanes import StepBuffers
from touchline.envs.make import make_lanes
from touchline.envs.resolve import resolve
from touchline.envs.spec import EnvSpec
from touchline.envs.wrappers import EpisodicLife, FireReset

MEANINGS = ["NOOP", "FIRE", "UP"]


class Game(gymnasium.Env[Any, Any]):
    """Three lives, one lost every ``life`` steps; the observation is the number of the step in the game."""

    def __init__(self, *, life: int = 2, meanings: list[str] = MEANINGS, dies_of: int | None = None) -> None:
        self.observation_space = gymnasium.spaces.Discrete(1000)
        self.action_space = gymnasium.spaces.Discrete(3)
        self.life, self.meanings, self.dies_of = life, meanings, dies_of
        self.ale = SimpleNamespace(lives=lambda: self.lives)
        self.log: list[Any] = []  # actions and ("reset", seed)
        self.lives = 0

    def get_action_meanings(self) -> list[str]:
        return self.meanings

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.log.append(("reset", seed))
        self.steps, self.lives = 0, 3
        return np.int64(0), {"seed": seed}

    def step(self, action: Any) -> Any:
        self.log.append(action)
        self.steps += 1
        self.lives -= self.steps % self.life == 0
        if action == self.dies_of:
            self.lives, self.dies_of = 0, None  # once
        return np.int64(self.steps), 1.0, self.lives <= 0, False, {}


def test_a_life_lost_ends_the_episode_and_not_the_game() -> None:
    game = Game()
    env = EpisodicLife(game)
    starts, ends = [], []
    for seed in range(4):
        starts.append(int(env.reset(seed=seed)[0]))
        over = False
        while not over:
            observation, _, over, truncated, _ = env.step(2)
            assert not truncated
        ends.append(int(observation))
    assert starts == [0, 3, 5, 0]  # one step of nothing after each life lost
    assert ends == [2, 4, 6, 2]
    assert [entry for entry in game.log if isinstance(entry, tuple)] == [("reset", 0), ("reset", 3)]
    assert game.log.count(0) == 2


def test_a_game_that_ends_while_nothing_is_done_begins_anew() -> None:
    game = Game(dies_of=0)
    env = EpisodicLife(game)
    env.reset(seed=0)
    env.step(2)
    assert env.step(2)[2]
    assert int(env.reset(seed=1)[0]) == 0
    assert game.log[-2:] == [0, ("reset", 1)]
    assert not env.step(2)[2]


def test_a_reset_in_the_middle_of_a_life_goes_on_with_the_game() -> None:
    env = EpisodicLife(Game(life=9))
    env.reset(seed=0)
    assert int(env.reset(seed=1)[0]) == 1


def test_the_game_begins_with_its_button() -> None:
    game = Game(life=9)
    env = FireReset(game)
    assert int(env.reset(seed=7)[0]) == 1
    assert game.log == [("reset", 7), 1]


def test_a_game_that_its_button_ends_begins_again() -> None:
    game = Game(dies_of=1)
    observation, info = FireReset(game).reset(seed=7)
    assert (int(observation), info) == (0, {"seed": None})
    assert game.log == [("reset", 7), 1, ("reset", None)]


@pytest.mark.parametrize(
    ("wrapper", "env_id", "kwargs"),
    [
        ("EpisodicLife", "CartPole-v1", {}),
        ("FireReset", "CartPole-v1", {}),
        ("FireReset", Game, {"meanings": ["NOOP", "UP"]}),
        ("EpisodicLife", Game, {"meanings": ["FIRE"]}),
    ],
)
def test_what_is_no_such_game_is_refused(wrapper: str, env_id: Any, kwargs: dict[str, Any]) -> None:
    with pytest.raises(NotMade, match=f"wrapper {wrapper}.*expected an Atari game whose action"):
        resolve(EnvSpec(env_id, kwargs=kwargs, wrappers=[wrapper])).make()


# The games themselves.

PREPROCESSED = [
    "EpisodicLife",
    "FireReset",
    {"AtariPreprocessing": {"frame_skip": 4, "noop_max": 0}},
    "Score",
    "SignReward",
    {"FrameStackObservation": {"stack_size": 4}},
]


@pytest.fixture
def games() -> None:
    pytest.importorskip("ale_py")
    pytest.importorskip("cv2")


@pytest.mark.usefixtures("games")
def test_a_game_is_preprocessed_as_in_the_article_by_names_alone() -> None:
    spec = EnvSpec("BreakoutNoFrameskip-v4", wrappers=PREPROCESSED)
    with make_lanes(spec, 1, seed_source=lambda lane, episode: episode) as lanes:
        out = StepBuffers.allocate(lanes.observation_space, 1)
        lanes.reset(None, out.observations)
        assert (out.observations.shape, out.observations.dtype) == ((1, 4, 84, 84), np.uint8)
        rng, ends, paid = np.random.default_rng(0), [], set()
        while len(ends) < 6:
            before = out.observations.copy()
            lanes.step(rng.integers(0, 4, 1), out)
            if not out.ended:
                assert np.array_equal(out.observations[0, :3], before[0, 1:])
            ends += out.ended
            paid.add(float(out.rewards[0]))
        assert paid <= {0.0, 1.0}
        assert all(end.terminated for end in ends)


@pytest.mark.usefixtures("games")
def test_check_finds_nothing_wrong_with_a_preprocessed_game() -> None:
    found = check(EnvSpec("BreakoutNoFrameskip-v4", wrappers=PREPROCESSED), steps=150)
    assert [finding for finding in found if finding.severity == "error"] == []
