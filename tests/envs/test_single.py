"""One copy of a vector form: played, begun again, drawn; and when it stands in for the Python form."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec as Registered
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from touchline.envs.check import check
from touchline.envs.errors import NotMade
from touchline.envs.lanes import StepBuffers
from touchline.envs.make import make_lanes
from touchline.envs.resolve import resolve
from touchline.envs.single import MAGNIFIED, Single
from touchline.envs.spec import EnvSpec
from touchline.envs.sync_lanes import SyncLanes
from touchline.envs.vector_lanes import VectorLanes


class Frames(gymnasium.Env[Any, Any]):
    """Three grey frames of 4 x 5 pixels, each as bright as the number of the step; ends after ``length``."""

    def __init__(self, length: int = 3, shape: tuple[int, ...] = (3, 4, 5)) -> None:
        self.observation_space = gymnasium.spaces.Box(0, 255, shape, np.uint8)
        self.action_space = gymnasium.spaces.Discrete(2)
        self.length, self.seeds, self.closed = length, [], 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.seeds.append(seed)
        self.steps = 0
        return self._show(), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        return self._show(), float(action), self.steps >= self.length, False, {}

    def close(self) -> None:
        self.closed += 1

    def _show(self) -> Any:
        shape = self.observation_space.shape
        assert shape is not None
        return np.full(shape, self.steps, np.uint8) + np.arange(shape[0], dtype=np.uint8)[:, None, None]


def single(mode: AutoresetMode, **made: Any) -> tuple[Single, Frames]:
    inner = Frames(**made)
    return Single(SyncVectorEnv([lambda: inner], autoreset_mode=mode), "rgb_array"), inner


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_episodes_are_begun_by_the_player_with_its_seeds(mode: AutoresetMode) -> None:
    env, inner = single(mode)
    for seed in (7, 8):
        seen = [int(env.reset(seed=seed)[0][0, 0, 0])]
        over = False
        while not over:
            observation, reward, over, truncated, info = env.step(np.int64(1))
            seen.append(int(observation[0, 0, 0]))
            assert (reward, truncated, info) == (1.0, False, {})
        assert seen == [0, 1, 2, 3]
    assert [seed for seed in inner.seeds if seed is not None] == [7, 8]
    env.close()
    assert inner.closed == 1


def test_what_is_given_out_is_not_written_again() -> None:
    """Even of a vector form that writes one buffer at each step."""
    env = Single(SyncVectorEnv([Frames], copy=False), "rgb_array")
    first, _ = env.reset(seed=0)
    second = env.step(0)[0]
    env.step(0)
    assert (first[:, 0, 0].tolist(), second[:, 0, 0].tolist()) == ([0, 1, 2], [1, 2, 3])


def test_what_its_receiver_does_to_an_observation_is_not_drawn() -> None:
    env, _ = single(AutoresetMode.NEXT_STEP)
    env.reset(seed=0)[0][...] = 99
    env.render()[...] = 99
    assert set(env.render().ravel().tolist()) == {2}


def test_an_observation_may_be_a_number() -> None:
    env = Single(SyncVectorEnv([lambda: gymnasium.make("FrozenLake-v1", is_slippery=False)]))
    assert env.reset(seed=0)[0] == 0
    observation = env.step(2)[0]
    assert (observation, observation.dtype, np.shape(observation)) == (1, np.int64, ())


def test_the_newest_frame_is_drawn_enlarged() -> None:
    env, _ = single(AutoresetMode.NEXT_STEP)
    env.reset(seed=0)
    env.step(0)
    picture = env.render()
    assert (picture.shape, picture.dtype) == ((4 * MAGNIFIED, 5 * MAGNIFIED, 3), np.uint8)
    assert set(picture.ravel().tolist()) == {3}  # the third frame, one step later


class Coloured(Frames):
    """Shows one colour, in the shape that is asked for."""

    def _show(self) -> Any:
        shape = self.observation_space.shape
        assert shape is not None
        return np.broadcast_to(np.array([10, 20, 30], np.uint8), shape).copy()


@pytest.mark.parametrize("shape", [(2, 5, 3), (4, 2, 5, 3)])
def test_an_image_or_a_stack_with_colours_is_drawn_in_them(shape: tuple[int, ...]) -> None:
    env = Single(SyncVectorEnv([lambda: Coloured(shape=shape)]), "rgb_array")
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape == (2 * MAGNIFIED, 5 * MAGNIFIED, 3)
    assert (picture == [10, 20, 30]).all()


def test_what_is_no_picture_is_not_drawn() -> None:
    env = Single(gymnasium.make_vec("CartPole-v1", 1, vectorization_mode="vector_entry_point"), "rgb_array")
    assert env.render_mode is None
    assert env.metadata["render_modes"] == []
    env.close()


class Named(Frames):
    """Shows the number of the step under a name, from one buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = gymnasium.spaces.Dict({"step": gymnasium.spaces.Box(0, 9, (2,), np.int64)})

    def _show(self) -> Any:
        return {"step": np.full(2, self.steps)}


def test_an_observation_may_have_names() -> None:
    env = Single(SyncVectorEnv([Named], copy=False))
    first, _ = env.reset(seed=0)
    second = env.step(0)[0]
    assert (first["step"].tolist(), second["step"].tolist()) == ([0, 0], [1, 1])


# Which form is meant.


@pytest.fixture
def both(counter: Any) -> Any:
    """An id whose vector form shows frames, and its Python form two numbers."""
    name = "test/Both-v0"
    gymnasium.registry[name] = Registered(
        name,
        entry_point=counter,
        vector_entry_point=lambda num_envs, length=3: SyncVectorEnv([lambda: Frames(length)] * num_envs),
    )
    yield name
    del gymnasium.registry[name]


@pytest.mark.parametrize(
    ("vectorize", "native", "kind", "shape"),
    [
        ("auto", True, SyncLanes, (2,)),
        ("auto", False, SyncLanes, (2,)),
        ("never", True, SyncLanes, (2,)),
        ("always", True, VectorLanes, (3, 4, 5)),
        ("always", False, SyncLanes, (3, 4, 5)),
    ],
)
def test_whole_episodes_and_evaluation_meet_the_spaces_that_training_met(
    both: str, vectorize: Any, native: bool, kind: type, shape: tuple[int, ...]
) -> None:
    spec = EnvSpec(both, vectorize=vectorize)
    with make_lanes(spec, 2, seed_source=lambda *_: 0, native=native) as lanes:
        assert isinstance(lanes, kind)
        out = StepBuffers.allocate(lanes.observation_space, 2)
        assert out.observations.shape == (2, *shape)
    env = resolve(spec).make()
    assert env.observation_space.shape == shape
    env.close()


def test_the_python_form_is_kept_where_it_shows_the_same() -> None:
    env = resolve(EnvSpec("CartPole-v1", vectorize="always")).make(render_mode="rgb_array")
    assert not isinstance(env.unwrapped, Single)
    assert env.render_mode == "rgb_array"
    env.close()


def test_arguments_that_only_the_vector_form_takes_are_enough(both: str) -> None:
    gymnasium.registry[both].entry_point = lambda: None
    env = resolve(EnvSpec(both, vectorize="always", kwargs={"length": 2})).make()
    env.reset(seed=0)
    assert [env.step(0)[2], env.step(0)[2]] == [False, True]
    env.close()


@pytest.mark.parametrize("env_id", ["Pendulum-v1", Frames])
def test_always_needs_a_vector_form(env_id: Any) -> None:
    with pytest.raises(NotMade, match="vectorize is 'always', but it has no vector form"):
        resolve(EnvSpec(env_id, vectorize="always")).make()


# The games.

PONG = EnvSpec("ALE/Pong-v5", vectorize="always", kwargs={"num_threads": 1})


@pytest.mark.parametrize(
    ("spec", "native", "shape"),
    [
        (EnvSpec("ALE/Pong-v5"), False, (210, 160, 3)),
        (PONG, True, (4, 84, 84)),
    ],
)
def test_pong_has_two_forms(spec: EnvSpec, native: bool, shape: tuple[int, ...]) -> None:
    pytest.importorskip("ale_py")
    with make_lanes(spec, 2, seed_source=lambda *_: 0) as lanes:
        assert lanes.facts.native == native
        out = StepBuffers.allocate(lanes.observation_space, 2)
        lanes.reset([1, 2], out.observations)
        for _ in range(5):
            lanes.step(np.zeros(2, np.int64), out)
        assert (out.observations.shape[1:], out.observations.dtype) == (shape, np.uint8)
        assert out.observations.any()


def test_pong_in_lanes_of_its_own_plays_a_game_and_is_drawn() -> None:
    pytest.importorskip("ale_py")
    with make_lanes(PONG, 1, seed_source=lambda *_: 5, native=False) as lanes:
        out = StepBuffers.allocate(lanes.observation_space, 1)
        lanes.reset(None, out.observations)
        while not out.ended:
            before = out.observations.copy()
            lanes.step(np.zeros(1, np.int64), out)
        [ended] = out.ended
    assert (ended.episode_return, ended.terminated) == (-21.0, True)
    assert np.array_equal(ended.final_observation[:3], before[0, 1:])
    env = resolve(PONG).make(render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().shape == (84 * MAGNIFIED, 84 * MAGNIFIED, 3)  # type: ignore[union-attr]
    env.close()


def test_check_plays_the_form_that_is_meant() -> None:
    pytest.importorskip("ale_py")
    found = check(PONG, steps=200)
    assert [finding for finding in found if finding.severity == "error"] == []
