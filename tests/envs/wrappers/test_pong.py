"""Pong's pixels: against the article's own lines, on made-up screens and on the game's."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from touchline.envs.check import check
from touchline.envs.errors import NotMade
from touchline.envs.lanes import StepBuffers
from touchline.envs.make import make_lanes
from touchline.envs.resolve import resolve
from touchline.envs.spec import EnvSpec
from touchline.envs.wrappers.pong import SCREEN, SIZE, PongPixels, preprocess


def prepro(I: Any) -> Any:  # noqa: E741  # the article's own name
    """The article's function, line by line, but for a copy that spares its argument and the last dtype's name."""
    I = I.copy()  # noqa: E741
    I = I[35:195]  # noqa: E741
    I = I[::2, ::2, 0]  # noqa: E741
    I[I == 144] = 0
    I[I == 109] = 0
    I[I != 0] = 1
    return I.astype(np.float64).ravel()


class Screens(gymnasium.Env[Any, Any]):
    """Shows screens of random pixels, each drawn from the seed; what it is told to do is kept."""

    def __init__(self, *, length: int = 4, shape: tuple[int, ...] = SCREEN, actions: int = 6) -> None:
        self.observation_space = spaces.Box(0, 255, shape, np.uint8)
        self.action_space = spaces.Discrete(actions)
        self.length, self.told, self.shown = length, [], []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self._show(), {"began": True}

    def step(self, action: Any) -> Any:
        self.told.append(action)
        self.steps += 1
        return self._show(), -1.0, self.steps == self.length, False, {"step": self.steps}

    def _show(self) -> Any:
        choices = np.array([0, 53, 101, 109, 144, 255], np.uint8)
        screen = self.np_random.choice(choices, self.observation_space.shape)
        self.shown.append(screen.copy())
        return screen


def test_a_screen_becomes_ones_where_there_is_something() -> None:
    screen = np.full(SCREEN, 144, np.uint8)
    screen[..., 1:] = 77  # green and blue are not looked at
    screen[:35], screen[195:] = 255, 255  # score and margin: cut off
    screen[35, 0, 0], screen[35, 2, 0], screen[37, 0, 0] = 92, 109, 0
    screen[193, 158, 0] = 236
    screen[36, 1, 0] = 200  # between the rows and columns that are kept
    seen = preprocess(screen)
    assert (seen.dtype, seen.shape) == (np.int8, (6400,))
    assert np.flatnonzero(seen).tolist() == [0, 6399]
    assert set(seen.tolist()) == {0, 1}


def test_every_value_of_red_is_as_in_the_article() -> None:
    screen = np.zeros(SCREEN, np.uint8)
    screen[35:195:2, ::2, 0] = (np.arange(SIZE) % 256).reshape(80, 80)
    assert np.array_equal(preprocess(screen), prepro(screen))


def test_observations_are_differences_and_the_first_of_an_episode_is_nothing() -> None:
    inner = Screens()
    env = PongPixels(inner)
    for seed in range(3):  # the last screen of an episode leaves no trace in the next
        inner.shown.clear()
        seen = [env.reset(seed=seed)[0]]
        over = False
        while not over:
            observation, reward, over, _, info = env.step(1)
            seen.append(observation)
            assert (reward, info) == (-1.0, {"step": inner.steps})
        assert len(seen) == 5
        assert not seen[0].any()
        for (before, now), difference in zip(pairwise(inner.shown), seen[1:], strict=True):
            assert np.array_equal(difference, prepro(now) - prepro(before))
        assert all(x.dtype == np.int8 and x in env.observation_space for x in seen)
        assert {-1, 0, 1} == set(np.concatenate(seen).tolist())


def test_what_is_given_out_is_not_written_again() -> None:
    env = PongPixels(Screens())
    kept = [env.reset(seed=0)[0], *(env.step(0)[0] for _ in range(3))]
    copies = [x.copy() for x in kept]
    env.step(1)
    env.reset(seed=1)
    assert all(np.array_equal(x, copy) for x, copy in zip(kept, copies, strict=True))


@pytest.mark.parametrize("kind", [int, np.int64])
def test_one_is_up_and_nought_is_down(kind: Any) -> None:
    inner = Screens(length=9)
    env = PongPixels(inner)
    env.reset(seed=0)
    for action in (1, 0, 0, 1):
        env.step(kind(action))
    assert inner.told == [2, 3, 3, 2]
    assert env.action_space == spaces.Discrete(2)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"shape": (84, 84)}, "expected Pong's screen, uint8"),
        ({"actions": 3}, "expected Pong's actions, of which 2 is up and 3 down"),
    ],
)
def test_what_is_not_pong_is_refused(made: dict[str, Any], says: str) -> None:
    spec = EnvSpec(Screens, kwargs=made, wrappers=["PongPixels"])
    with pytest.raises(NotMade, match=says):
        resolve(spec).make()


def test_a_game_whose_actions_mean_something_else_is_refused() -> None:
    class Other(Screens):
        def get_action_meanings(self) -> list[str]:
            return ["NOOP", "FIRE", "UP", "DOWN", "LEFT", "RIGHT"]

    with pytest.raises(NotMade, match="expected RIGHT and LEFT as actions 2 and 3, found"):
        resolve(EnvSpec(Other, wrappers=["PongPixels"])).make()


# The game itself.

PONGS = ["Pong-v0", "ALE/Pong-v5"]


@pytest.fixture
def game() -> None:
    pytest.importorskip("ale_py")


@pytest.mark.usefixtures("game")
@pytest.mark.parametrize("name", PONGS)
def test_the_games_own_frames_are_as_in_the_article(name: str) -> None:
    plain = resolve(EnvSpec(name)).make()
    wrapped = resolve(EnvSpec(name, wrappers=["PongPixels"])).make()
    before, _ = plain.reset(seed=3)
    assert not wrapped.reset(seed=3)[0].any()
    changed = 0
    for step in range(150):
        up = step % 7 < 3
        screen, reward, *ends = plain.step(2 if up else 3)[:4]
        seen, paid, *stops = wrapped.step(int(up))[:4]
        assert np.array_equal(seen, prepro(screen) - prepro(before))
        assert (reward, ends) == (paid, stops)
        before, changed = screen, changed + np.count_nonzero(seen)
    assert 5 < changed / 150 < 66  # a ball and two paddles move


@pytest.mark.usefixtures("game")
def test_up_is_up() -> None:
    """The paddle on the right is higher on the screen (in a lower row) after a while of action 1 than of action 0."""
    rows = []
    for action in (1, 0):
        env = PongPixels(resolve(EnvSpec("ALE/Pong-v5")).make())
        env.reset(seed=0)
        for _ in range(20):
            env.step(action)
        rows.append(np.flatnonzero(env.before.reshape(80, 80)[:, 70:72].any(axis=1)).mean())
    assert rows[0] < rows[1] - 20


@pytest.mark.usefixtures("game")
@pytest.mark.parametrize("name", PONGS)
def test_lanes_play_it_to_the_end_of_a_game(name: str) -> None:
    spec = EnvSpec(name, wrappers=["PongPixels"])
    with make_lanes(spec, 2, seed_source=lambda lane, episode: 10 * lane + episode) as lanes:
        out = StepBuffers.allocate(lanes.observation_space, 2)
        lanes.reset(None, out.observations)
        rng, ended = np.random.default_rng(0), []
        while not ended:
            lanes.step(rng.integers(0, 2, 2), out)
            ended = out.ended
        assert -21 <= ended[0].episode_return <= -10
        assert ended[0].length > 700
        assert ended[0].terminated
        assert not out.observations[ended[0].lane].any()


@pytest.mark.usefixtures("game")
@pytest.mark.parametrize("name", PONGS)
def test_check_finds_nothing_wrong_with_it(name: str) -> None:
    found = check(EnvSpec(name, wrappers=["PongPixels"]), steps=400)
    assert [finding for finding in found if finding.severity == "error"] == []
